"""Detection pictures: a noisy picture with its object outlined, and which patches see it, miss it, or are mistaken."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.overlay import draw_grid
from vitviz.figures.paint import Picture, cell_index
from vitviz.figures.palettes import QUERY

Box = tuple[float, float, float, float]

KINDS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {"seen": (0, 158, 115), "missed": (230, 159, 0), "false alarm": (204, 121, 167), "quiet": (228, 228, 228)}
)
"""What a patch may be, and its colour: Okabe and Ito's green, orange and purple, and a pale grey."""


def grey_picture(pixels: ArrayLike, *, reach: float, box: Box | None = None, side: int = 512) -> Picture:
    """Return values (height, width) as a grey picture about ``side`` pixels high: 0 is mid-grey, ± ``reach`` the ends.

    ``box`` (left, top, right, bottom) in pixels of the values is outlined in orange, just outside.
    Raises OptionError for a reach that is not positive.
    """
    numbers = np.asarray(pixels, dtype=np.float64)
    if numbers.ndim != 2 or not reach > 0:
        raise OptionError(
            f"A grey picture needs values (height, width) and a positive reach; got shape {numbers.shape} and {reach}."
        )
    factor = max(1, side // numbers.shape[0])
    grey = np.rint(np.clip(0.5 + numbers / (2 * reach), 0, 1) * 255).astype(np.uint8)
    large = grey.repeat(factor, 0).repeat(factor, 1)
    picture: Picture = np.repeat(large[..., None], 3, axis=2)
    return picture if box is None else _framed(picture, tuple(factor * edge for edge in box))


def detection_map(detected: ArrayLike, touched: ArrayLike, *, side: int = 512, box: Box | None = None) -> Picture:
    """Return which patches (rows, columns) see the object, miss it, or are mistaken, as a picture ``side`` pixels wide.

    ``detected`` says which patches exceed the threshold, ``touched`` which ones the object covers in part. ``box`` is
    the object in shares of the picture's side. Raises OptionError for two shapes, or more patches than pixels.
    """
    hits, there = np.asarray(detected, dtype=np.bool_), np.asarray(touched, dtype=np.bool_)
    if hits.ndim != 2 or hits.shape != there.shape:
        raise OptionError(
            f"Detections of shape {hits.shape} and touched patches of shape {there.shape} do not fit; "
            "wanted (rows, columns) for both."
        )
    kinds = np.select([hits & there, there, hits], [0, 1, 2], 3)  # (rows, columns)
    colours = np.array(list(KINDS.values()), dtype=np.uint8)[kinds]
    rows, columns = hits.shape
    height = round(side * rows / columns)
    picture: Picture = colours[cell_index(height, rows)][:, cell_index(side, columns)]
    if min(height // rows, side // columns) >= 6:
        picture = draw_grid(picture, rows, columns, strength=0.9)
    if box is None:
        return picture
    return _framed(picture, (box[0] * side, box[1] * height, box[2] * side, box[3] * height))


def kind_counts(detected: NDArray[np.bool_], touched: NDArray[np.bool_]) -> dict[str, int]:
    """Return how many patches are of each kind, in the order of KINDS."""
    seen, missed = int((detected & touched).sum()), int((~detected & touched).sum())
    wrong = int((detected & ~touched).sum())
    return dict(zip(KINDS, (seen, missed, wrong, detected.size - seen - missed - wrong), strict=True))


def _framed(picture: Picture, box: tuple[float, ...]) -> Picture:
    """Return the picture with an orange frame of three pixels just outside a box."""
    height, width = picture.shape[:2]
    left, top = (int(np.floor(edge)) for edge in box[:2])
    right, bottom = (int(np.ceil(edge)) for edge in box[2:])
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    outside = np.maximum(
        np.maximum(top - y, y - bottom + 1), np.maximum(left - x, x - right + 1)
    )  # pixels beyond the box
    framed = picture.copy()
    framed[(outside >= 2) & (outside <= 4)] = QUERY
    return framed
