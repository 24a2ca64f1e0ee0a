"""What classes are called on pages: in the reader's language where the catalogue has the name, else as the model says.

Files and links name classes as the library does: by number and in English.
"""

from __future__ import annotations

import re

from vitviz.analysis.convnet import ConvNet
from vitviz.models.vit import ViT
from vitviz.ui.text import CLASS, _, pgettext

_NUMBERED = re.compile(r"class (\d+)")


def class_name(vit: ViT, index: int) -> str:
    """Return the readable name of a class; raises OptionError for a class that the model has not."""
    return _said(vit.class_name(index))


def class_names(model: ViT | ConvNet) -> tuple[str, ...]:
    """Return the readable names of all classes, by index."""
    return tuple(_said(name) for name in model.class_names)


def _said(name: str) -> str:
    """Return the name of a class in the reader's language; one that has a number alone is "class 823"."""
    number = _NUMBERED.fullmatch(name)
    return pgettext(CLASS, name) if number is None else _("class {number}").format(number=number[1])
