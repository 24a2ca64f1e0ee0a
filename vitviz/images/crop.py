"""Crop: how a picture of another shape than a model's input is brought to that shape, before the model prepares it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vitviz.errors import OptionError
from vitviz.record import Record

Crop = str | float
"""One of ``CROPS``, or where the part that is seen lies along the picture's long side: 0 left or top, 1 right or
bottom."""
TRAINED, PAD, SQUASH = "trained", "pad", "squash"
CROPS = (TRAINED, PAD, SQUASH)
"""As the model was trained, for most models the middle; the whole picture with bars; the whole picture, squashed."""
PLACES = {"left": 0.0, "top": 0.0, "center": 0.5, "centre": 0.5, "middle": 0.5, "right": 1.0, "bottom": 1.0}
"""Words for places along the long side."""


def read_crop(text: str) -> Crop:
    """Return the crop of a text: one of ``CROPS`` or ``PLACES``, or a number; raises OptionError for another one."""
    word = text.strip().lower()
    if word in PLACES:
        return PLACES[word]
    try:
        return check_crop(float(word))
    except ValueError:
        return check_crop(word)


def check_crop(crop: object) -> Crop:
    """Return a crop that can be used; raises OptionError for anything else."""
    if isinstance(crop, str) and crop in CROPS:
        return crop
    if isinstance(crop, str) and crop in PLACES:
        return PLACES[crop]
    number = isinstance(crop, int | float | np.number) and not isinstance(crop, bool)
    if number and math.isfinite(crop) and 0 <= crop <= 1:  # type: ignore[arg-type, operator]
        return float(crop)  # type: ignore[arg-type]
    raise OptionError(
        "The crop {crop} cannot be used; wanted {listed}, or a number from 0 to 1: where the crop "
        "lies along the long side ({other_listed}). Choose one.",
        crop=repr(crop),
        listed=", ".join(CROPS),
        other_listed=", ".join(PLACES),
    )


@dataclass(frozen=True)
class Shape(Record):
    """What a crop must know of the model that sees the picture."""

    height: int
    """Of the input in pixels."""
    width: int
    shown: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """(left, top, right, bottom) of what the model shows of a picture of its input's shape, as shares of its width and
    height: many cut a margin off."""
    fill: tuple[int, int, int] = (128, 128, 128)
    """The colour of bars: the mean colour of the pictures that the model was trained on, which is 0 in its input."""


def shaped(picture: Image.Image, crop: Crop, shape: Shape) -> Image.Image:
    """Return a picture in the shape of a model's input, to be prepared by the model as usual.

    Padded, all of the picture is seen: where the model cuts a margin off, only bars lie in it. Squashed, it is treated
    as a picture of the right shape is, margin included. A part is as large as the trained crop, and reaches the
    picture's ends at 0 and 1.
    """
    if crop == TRAINED:
        return picture
    if crop == PAD:
        return _padded(picture, shape)
    if crop == SQUASH:
        return _squashed(picture, shape)
    return _part(picture, float(crop), shape)


def _padded(picture: Image.Image, shape: Shape) -> Image.Image:
    left, top, right, bottom = shape.shown
    scale = max(picture.width / (right - left) / shape.width, picture.height / (bottom - top) / shape.height)
    width, height = math.ceil(scale * shape.width), math.ceil(scale * shape.height)
    canvas = Image.new("RGB", (width, height), shape.fill)
    middle = (left + right) / 2 * width, (top + bottom) / 2 * height
    canvas.paste(picture, (round(middle[0] - picture.width / 2), round(middle[1] - picture.height / 2)))
    return canvas


def _squashed(picture: Image.Image, shape: Shape) -> Image.Image:
    """Enlarge the side that is too short; what makes it small again is the model's own preparation."""
    scale = max(picture.width / shape.width, picture.height / shape.height)
    size = max(1, round(scale * shape.width)), max(1, round(scale * shape.height))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _part(picture: Image.Image, place: float, shape: Shape) -> Image.Image:
    """Return the largest part of the right shape, so that what is seen of it begins at 0 and ends at 1."""
    scale = min(picture.width / shape.width, picture.height / shape.height)
    width, height = max(1, round(scale * shape.width)), max(1, round(scale * shape.height))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    if picture.width * shape.height >= picture.height * shape.width:
        left = _start(picture.width, width, shape.shown[0::2], place)
    else:
        top = _start(picture.height, height, shape.shown[1::2], place)
    box = (max(0, left), max(0, top), min(picture.width, left + width), min(picture.height, top + height))
    part = picture.crop(box)
    if part.size == (width, height):
        return part
    # what lies beyond the end is in the margin that the model cuts off; repeated, so that no edge is made there
    beyond = ((box[1] - top, top + height - box[3]), (box[0] - left, left + width - box[2]), (0, 0))
    return Image.fromarray(np.pad(np.asarray(part), beyond, mode="edge"))


def _start(side: int, length: int, shown: tuple[float, ...], place: float) -> int:
    """Return where a part begins along a side of the picture, its unseen margins included."""
    first, last = shown
    return round(place * (side - (last - first) * length) - first * length)
