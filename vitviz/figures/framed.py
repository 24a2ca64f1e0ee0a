"""A whole photo with the part framed that a model sees of it; the rest is dimmed and hatched: it is not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.grid import PatchGrid

Shares = tuple[float, float, float, float]
_DIMMED = 0.38
"""Share of its light that is left of what is not seen."""
_HATCH = 7
"""Pixels from one line of the hatching to the next."""
_FRAME, _QUERY = (255, 255, 255), (255, 140, 0)


def framed(
    photo: Image.Image,
    box: Shares,
    *,
    side: int,
    cell: tuple[int, int] | None = None,
    grid: PatchGrid | None = None,
    inside: Shares = (0.0, 0.0, 1.0, 1.0),
) -> NDArray[np.uint8]:
    """Return a photo, at most ``side`` pixels long, with a frame round the part that is seen.

    ``box`` is that part, (left, top, right, bottom) as shares of the photo's width and height, and ``inside`` where it
    lies in the model's input; ``cell`` is row and column of a patch of ``grid`` that is outlined. (height, width, 3),
    0 to 255.
    """
    small = photo.copy()
    small.thumbnail((side, side), reducing_gap=2.0)
    picture = np.asarray(small.convert("RGB")).copy()
    height, width = picture.shape[:2]
    left, top, right, bottom = (round(place * length) for place, length in zip(box, (width, height) * 2, strict=True))
    unseen = np.ones((height, width), np.bool_)
    unseen[top:bottom, left:right] = False
    lines = (np.add.outer(np.arange(height), np.arange(width)) % _HATCH) < 1
    picture[unseen] = (picture[unseen] * _DIMMED).astype(np.uint8)
    picture[unseen & lines] = 150
    _outline(picture, (left, top, right, bottom), _FRAME)
    if cell is not None and grid is not None:
        _outline(picture, _place(box, inside, cell, grid, (width, height)), _QUERY)
    return picture


def _place(
    box: Shares, inside: Shares, cell: tuple[int, int], grid: PatchGrid, size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) of a patch in a photo of a width and height in pixels; bars are cut off."""
    row, column = cell
    spots = (column / grid.columns, row / grid.rows, (column + 1) / grid.columns, (row + 1) / grid.rows)
    shares = []
    for axis, spot in enumerate(spots):
        low, high = box[axis % 2], box[axis % 2 + 2]
        first, last = inside[axis % 2], inside[axis % 2 + 2]
        shares.append(low + (min(max(spot, first), last) - first) / (last - first) * (high - low))
    left, top, right, bottom = (round(share * size[axis % 2]) for axis, share in enumerate(shares))
    return left, top, right, bottom


def _outline(picture: NDArray[np.uint8], box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    """Draw a line of two pixels with a dark one on its inner side, inside of a box."""
    left, top, right, bottom = box
    for inset, shade in ((0, colour), (1, colour), (2, (20, 20, 20))):
        if right - left > 2 * inset and bottom - top > 2 * inset:
            part = picture[top + inset : bottom - inset, left + inset : right - inset]
            part[[0, -1]], part[:, [0, -1]] = shade, shade
