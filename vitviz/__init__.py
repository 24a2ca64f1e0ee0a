"""vitviz: put a photo in, and see what a Vision Transformer sees.

vit = vitviz.load_vit("default")
trace = vitviz.trace(vit, "photo.jpg")
trace.attention(5)             # (heads, query, key), computed when asked for
vitviz.rollout(trace)          # (query, key)
vitviz.head_statistics(trace)  # one (layer, head) table a statistic
vitviz.attribute("gradient_rollout", vit, "photo.jpg")  # one of vitviz.METHODS
"""

from vitviz import errors
from vitviz.attention.rollout import rollout, rollout_row
from vitviz.attention.statistics import HeadStatistics, head_statistics
from vitviz.attribution import METHODS, Attribution, Knob, Method, attribute, patch_likeness
from vitviz.capture.edit import Edit
from vitviz.errors import VitvizError
from vitviz.grid import PatchGrid
from vitviz.images import Photo, open_image, open_photo
from vitviz.models.loading import load_vit
from vitviz.models.vit import ViT
from vitviz.trace import Target, Trace, predict, trace
from vitviz.trace.target import Contrast, Likeness, contrast

__version__ = "0.1.0"

__all__ = [
    "Attribution",
    "Contrast",
    "Edit",
    "HeadStatistics",
    "Knob",
    "Likeness",
    "METHODS",
    "Method",
    "PatchGrid",
    "Photo",
    "Target",
    "Trace",
    "ViT",
    "VitvizError",
    "attribute",
    "contrast",
    "errors",
    "head_statistics",
    "load_vit",
    "open_image",
    "open_photo",
    "patch_likeness",
    "predict",
    "rollout",
    "rollout_row",
    "trace",
]
