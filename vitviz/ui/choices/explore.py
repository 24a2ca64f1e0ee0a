"""The choices of the Explore pages: photo, model, layer, head, query and how maps are shown."""

from __future__ import annotations

from typing import Any

from vitviz.attention.statistics import STATISTICS
from vitviz.attribution.attribute import find_method
from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice, flag, name, one_of, share, whole
from vitviz.ui.text import LANGUAGES, _

LARGEST_SIDE = 640
"""Largest input size that a reader can ask for, in pixels: attention costs the fourth power of the side."""
LAYER_ALONE, ROLLOUT = "layer", "rollout"
"""The maps of the Rollout page, in the order of its viewer."""
METHOD_SEPARATOR = "-"
NO_METHOD = "none"


def _side(text: str) -> int:
    pixels = whole(text)
    if pixels > LARGEST_SIDE:
        raise OptionError(_("wanted at most {most} pixels").format(most=LARGEST_SIDE))
    return pixels


def _head(text: str) -> str:
    return text if text in ("mean", "max") else str(whole(text))


def _class(text: str) -> str:
    return text and str(whole(text))


def _methods(text: str) -> str:
    if text != NO_METHOD:
        for name in text.split(METHOD_SEPARATOR) if text else ():
            find_method(name)
    return text


CHOICES = (
    Choice("example", "", name, always=True),
    Choice("model", "default", name, always=True),
    Choice("layer", -1, whole, always=True),  # -1: the last layer
    Choice("head", "mean", _head, always=True),
    Choice("patch", "", name, always=True),
    Choice("weights", "pretrained", one_of("pretrained", "random")),
    Choice("size", 0, _side),
    Choice("direction", "attends_to", one_of("attends_to", "attended_by")),
    Choice("scale", "map", one_of("map", "layer", "model", "absolute")),
    Choice("special", True, flag),
    Choice("opacity", 0.6, share),
    Choice("palette", "viridis", one_of("viridis", "cividis", "spotlight")),
    Choice("smooth", False, flag),
    Choice("statistic", "distance", one_of(*STATISTICS)),
    Choice("fusion", "mean", one_of("mean", "max", "min")),
    Choice("discard", 0.0, share),
    Choice("residual", 0.5, share),
    Choice("start", 0, whole),
    Choice("rollout_map", ROLLOUT, one_of(LAYER_ALONE, ROLLOUT), page="rollout"),
    Choice("end", -1, lambda text: -1 if text == "-1" else whole(text)),
    Choice("language", "", one_of(*LANGUAGES)),  # empty: the browser's
    Choice("pictures", "one", one_of("one", "examples")),
    Choice("field_scale", "log", one_of("log", "linear")),
    Choice("depths", False, flag),
    Choice("shuffle", False, flag),
    Choice("methods", "", _methods),  # empty: those that a model is shown with first
    Choice("target", "", _class),  # empty: the top answer
    Choice("versus", "", _class),
    Choice("knobs", "", lambda text: text and _knobs(text)),
    Choice("ablate", "", lambda text: "" if not text else _pairs(text)),
)


def _pairs(text: str) -> str:
    pairs_of(text)
    return text


def pairs_of(text: str) -> list[tuple[int, int]]:
    """Return the (layer, head) pairs of a text such as "3.1-11.5"; raises OptionError for another text."""
    pairs = [part.split(".") for part in text.split("-") if part]
    if not all(len(pair) == 2 and pair[0].isdecimal() and pair[1].isdecimal() for pair in pairs):
        raise OptionError(_("wanted heads such as 3.1-11.5"))
    return [(int(layer), int(head)) for layer, head in pairs]


def _knobs(text: str) -> str:
    knobs_of(text)
    return text


def knobs_of(text: str) -> dict[str, dict[str, Any]]:
    """Return the knobs of methods from a text such as "occlusion:window:3~rise:keep:0.4".

    Raises OptionError for another text, an unknown method or knob, or a value out of range.
    """
    found: dict[str, dict[str, Any]] = {}
    for part in text.split("~") if text else ():
        method, _first, rest = part.partition(":")
        name, _second, value = rest.partition(":")
        found.setdefault(method, {})[name] = _knob(method, name, value)
    return found


def _knob(method: str, name: str, text: str) -> Any:
    knobs = {knob.name: knob for knob in find_method(method).knobs}
    if name not in knobs:
        raise OptionError(_("{method} has no knob {name}").format(method=method, name=repr(name)))
    if knobs[name].kind in ("layer", "integer"):
        return knobs[name].check(whole(text), 1_000_000)
    return knobs[name].check(text, 0)
