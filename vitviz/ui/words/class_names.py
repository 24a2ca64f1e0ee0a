"""What classes are called on pages: in the reader's language where the catalogue has the name, else as the model says.

Files and links name classes as the library does: by number and in English.
"""

from __future__ import annotations

from vitviz.analysis.convnet import ConvNet
from vitviz.models.vit import ViT
from vitviz.ui.text import CLASS, pgettext


def class_name(vit: ViT, index: int) -> str:
    """Return the readable name of a class; raises OptionError for a class that the model has not."""
    return pgettext(CLASS, vit.class_name(index))


def class_names(model: ViT | ConvNet) -> tuple[str, ...]:
    """Return the readable names of all classes, by index."""
    return tuple(pgettext(CLASS, name) for name in model.class_names)
