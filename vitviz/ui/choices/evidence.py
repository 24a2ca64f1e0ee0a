"""The choices of the Evidence page alone: the box round an object."""

from __future__ import annotations

from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice
from vitviz.ui.text import _


def box_of(text: str) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of a text such as "28.14.196.210"; raises OptionError for another text."""
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdecimal() and len(part) <= 5 for part in parts):
        raise OptionError(_("wanted a box such as 28.14.196.210: left, top, right, bottom"))
    left, top, right, bottom = (int(part) for part in parts)
    if left >= right or top >= bottom:
        raise OptionError(_("wanted a box that is not empty: left < right and top < bottom"))
    return left, top, right, bottom


def _box(text: str) -> str:
    if text:
        box_of(text)
    return text


CHOICES = (Choice("box", "", _box, page="evidence"),)
