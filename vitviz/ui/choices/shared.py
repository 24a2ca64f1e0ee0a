"""The choices that pages share: photo, model, layer, head, query, heads switched off, and how maps are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice, flag, name, one_of, share, whole
from vitviz.ui.text import LANGUAGES, _

Direction = Literal["attends_to", "attended_by"]
ScaleScope = Literal["map", "layer", "model", "absolute"]

LARGEST_SIDE = 640
"""Largest input size that a reader can ask for, in pixels: attention costs the fourth power of the side."""


def _side(text: str) -> int:
    pixels = whole(text)
    if pixels > LARGEST_SIDE:
        raise OptionError(_("wanted at most {most} pixels").format(most=LARGEST_SIDE))
    return pixels


def _head(text: str) -> str:
    return text if text in ("mean", "max") else str(whole(text))


def pairs_of(text: str) -> list[tuple[int, int]]:
    """Return the (layer, head) pairs of a text such as "3.1-11.5"; raises OptionError for another text."""
    pairs = [part.split(".") for part in text.split("-") if part]
    if not all(len(pair) == 2 and pair[0].isdecimal() and pair[1].isdecimal() for pair in pairs):
        raise OptionError(_("wanted heads such as 3.1-11.5"))
    return [(int(layer), int(head)) for layer, head in pairs]


def pairs_text(pairs: Iterable[tuple[int, int]]) -> str:
    """Return the text of (layer, head) pairs, in rising order and each once: "3.1-11.5"."""
    return "-".join(f"{layer}.{head}" for layer, head in sorted(set(pairs)))


def _pairs(text: str) -> str:
    pairs_of(text)
    return text


EXAMPLE = Choice("example", "", name, always=True)
MODEL = Choice("model", "default", name, always=True)
LAYER = Choice("layer", -1, whole, always=True)  # -1: the last layer
HEAD = Choice("head", "mean", _head, always=True)
PATCH = Choice("patch", "", name, always=True)
WEIGHTS = Choice("weights", "pretrained", one_of("pretrained", "random"))
SIZE = Choice("size", 0, _side)
ABLATE = Choice("ablate", "", _pairs)
LANGUAGE = Choice("language", "", one_of(*LANGUAGES))  # empty: the browser's
DIRECTION: Choice[Literal["attends_to", "attended_by"]] = Choice(
    "direction", "attends_to", one_of("attends_to", "attended_by")
)
SCALE: Choice[Literal["map", "layer", "model", "absolute"]] = Choice(
    "scale", "map", one_of("map", "layer", "model", "absolute")
)
SPECIAL = Choice("special", True, flag)
OPACITY = Choice("opacity", 0.6, share)
PALETTE = Choice("palette", "viridis", one_of("viridis", "cividis", "spotlight"))
SMOOTH = Choice("smooth", False, flag)
