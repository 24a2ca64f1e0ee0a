"""The choices that pages share: photo, model, layer, head, query, heads switched off, and how maps are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from vitviz.errors import OptionError
from vitviz.models.devices import Precision
from vitviz.ui.choices.choice import Choice, flag, name, one_of, share, whole
from vitviz.ui.text import LANGUAGES, _

Direction = Literal["attends_to", "attended_by"]
ScaleScope = Literal["map", "layer", "model", "absolute"]

LARGEST_SIDE = 640
"""Largest input size that a reader can ask for, in pixels: attention costs the fourth power of the side."""
LONGEST_PATH = 300
"""Letters of the path of an own model."""


def size_of(text: str) -> tuple[int, int] | None:
    """Return (height, width) of a text such as "224" or "160x224"; None for an empty one and "0", the model's own.

    Raises OptionError for another text.
    """
    sides = [whole(part.strip()) for part in text.lower().replace("×", "x").split("x")] if text else [0]
    if len(sides) > 2 or not all(sides):
        if sides == [0]:
            return None
        raise OptionError(_("wanted height and width in pixels, such as 160x224"))
    if max(sides) > LARGEST_SIDE:
        raise OptionError(_("wanted at most {most} pixels").format(most=LARGEST_SIDE))
    return sides[0], sides[-1]


def size_text(size: tuple[int, int] | None) -> str:
    """Return a size as the link has it."""
    if size is None:
        return ""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def read_size(text: str) -> str:
    """Return a size's text as it stands in the link."""
    return size_text(size_of(text))


def model_name(text: str) -> str:
    """Return the name of a model, or "file:" and a path, or "upload:" and a file's name; may hold "/"."""
    own = text.startswith(("file:", "upload:"))
    if own and len(text) <= LONGEST_PATH and text.isprintable():
        return text
    name(text.replace("/", "_"))
    return text


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


def head_pairs(text: str) -> str:
    """Return a text of (layer, head) pairs as it is; raises OptionError for another text."""
    pairs_of(text)
    return text


EXAMPLE = Choice("example", "", name, always=True)
MODEL = Choice("model", "default", model_name, always=True)
LAYER = Choice("layer", -1, whole, always=True)  # -1: the last layer
HEAD = Choice("head", "mean", _head, always=True)
PATCH = Choice("patch", "", name, always=True)
WEIGHTS = Choice("weights", "pretrained", one_of("pretrained", "random"))
SIZE = Choice("size", "", read_size)  # empty: the model's own
PRECISION: Choice[Literal["", "float32", "bfloat16", "float16"]] = Choice(
    "precision", "", one_of("", *get_args(Precision))
)  # empty: the server's
ANSWERS: Choice[Literal["", "one", "several"]] = Choice("answers", "", one_of("", "one", "several"))
"""Whether one class is right, or several may be at once; empty: as the model's own settings say."""
ABLATE = Choice("ablate", "", head_pairs)
LANGUAGE = Choice("language", "", one_of(*LANGUAGES))  # empty: the browser's
DIRECTION: Choice[Literal["attends_to", "attended_by"]] = Choice(
    "direction", "attends_to", one_of("attends_to", "attended_by")
)
SCALE: Choice[Literal["map", "layer", "model", "absolute"]] = Choice(
    "scale", "map", one_of("map", "layer", "model", "absolute")
)
SPECIAL = Choice("special", True, flag)
OPACITY = Choice("opacity", 0.7, share)
PALETTE = Choice("palette", "spotlight", one_of("viridis", "cividis", "spotlight"))
SMOOTH = Choice("smooth", False, flag)
PRESENT: Choice[Literal["off", "on", "controls"]] = Choice("present", "off", one_of("off", "on", "controls"))
