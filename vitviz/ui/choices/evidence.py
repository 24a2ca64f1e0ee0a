"""The choices of the Evidence page: methods and their knobs, what is explained, the box round an object."""

from __future__ import annotations

from typing import Any

from vitviz.attribution.attribute import find_method
from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice, class_or_none, whole
from vitviz.ui.text import _

PAGE = "evidence"
METHOD_SEPARATOR = "-"
NO_METHOD = "none"


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


def _methods(text: str) -> str:
    if text != NO_METHOD:
        for name in text.split(METHOD_SEPARATOR) if text else ():
            find_method(name)
    return text


def knobs_of(text: str) -> dict[str, dict[str, Any]]:
    """Return the knobs of methods from a text such as "occlusion:window:3~rise:keep:0.4".

    Raises OptionError for another text, an unknown method or knob, or a value out of range.
    """
    knobs: dict[str, dict[str, Any]] = {}
    for part in text.split("~") if text else ():
        method, _first, rest = part.partition(":")
        name, _second, value = rest.partition(":")
        knobs.setdefault(method, {})[name] = _knob(method, name, value)
    return knobs


def _knob(method: str, name: str, text: str) -> Any:
    knobs = {knob.name: knob for knob in find_method(method).knobs}
    if name not in knobs:
        raise OptionError(_("{method} has no knob {name}").format(method=method, name=repr(name)))
    if knobs[name].kind in ("layer", "integer"):
        return knobs[name].check(whole(text), 1_000_000)
    return knobs[name].check(text, 0)


def _knobs(text: str) -> str:
    knobs_of(text)
    return text


METHOD_NAMES = Choice("methods", "", _methods, pages=(PAGE,))  # empty: those that a model is shown with first
KNOBS = Choice("knobs", "", _knobs, pages=(PAGE, "compare", "patches"))
TARGET = Choice("target", "", class_or_none, pages=(PAGE, "compare", "patches"))  # empty: the top answer
VERSUS = Choice("versus", "", class_or_none, pages=(PAGE, "compare", "patches"))
BOX = Choice("box", "", _box, pages=(PAGE,))
