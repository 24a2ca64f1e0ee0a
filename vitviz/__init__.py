"""vitviz: put a photo in, and see what a Vision Transformer sees.

vit = vitviz.load_vit("default")
trace = vitviz.trace(vit, "photo.jpg")
trace.attention(5)             # (heads, query, key), computed when asked for
vitviz.rollout(trace)          # (query, key)
vitviz.head_statistics(trace)  # one (layer, head) table a statistic
"""

from vitviz import errors
from vitviz.attention.rollout import rollout, rollout_row
from vitviz.attention.statistics import HeadStatistics, head_statistics
from vitviz.capture.edit import Edit
from vitviz.errors import VitvizError
from vitviz.grid import PatchGrid
from vitviz.images import Photo, open_image, open_photo
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.trace import Target, Trace, predict, trace

__version__ = "0.1.0"

__all__ = [
    "Edit",
    "HeadStatistics",
    "PatchGrid",
    "Photo",
    "Target",
    "Trace",
    "ViT",
    "VitvizError",
    "errors",
    "head_statistics",
    "load_vit",
    "open_image",
    "open_photo",
    "predict",
    "rollout",
    "rollout_row",
    "trace",
]
