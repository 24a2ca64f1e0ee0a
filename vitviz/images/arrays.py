"""NumPy arrays as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError
from vitviz.images.depth import Window, eight_bits
from vitviz.images.limits import check_size
from vitviz.images.notes import NO_WINDOW

_LAYOUT = "(height, width) for grey, (height, width, 3) for RGB or (height, width, 4) for RGBA"


def picture_of(array: NDArray[Any], notes: list[str], window: Window) -> Image.Image:
    """Return an array as a picture of 8 bits: whole numbers, fractions from 0 to 1, or True for white.

    Numbers of more than 8 bits and fractions are scaled by ``window``; see ``vitviz.images.depth``.
    Raises ImageError for an array of another shape or type, and for values whose white is not known.
    """
    values = np.asarray(array)
    _check_type(array, values)
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    _check_shape(values)
    check_size(values.shape[1], values.shape[0], of_file=False)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    if values.dtype != np.uint8:
        what = f"The array has the type {values.dtype}"
        colours = eight_bits(values[..., :3] if values.ndim == 3 else values, what, notes, window)
        if values.ndim == 3 and values.shape[2] == 4:
            alpha = eight_bits(values[..., 3], f"{what} in its fourth channel", [], "full")
            colours = np.dstack([colours, alpha])
        values = colours
    elif window not in ("auto", "full"):
        notes.append(NO_WINDOW)
    return Image.fromarray(np.ascontiguousarray(values))


def _check_type(array: NDArray[Any], values: NDArray[Any]) -> None:
    if values.dtype.kind not in "buif":
        raise ImageError(
            f"The array has the type {values.dtype}; wanted numbers: uint8, or others with a known white. Convert it."
        )
    if np.ma.is_masked(array):
        raise ImageError(
            "The array is masked in places; wanted a value for every pixel. Fill it first: array.filled()."
        )


def _check_shape(values: NDArray[Any]) -> None:
    shape = values.shape
    if values.ndim == 2 or (values.ndim == 3 and shape[2] in (3, 4)):
        return
    advice = "Give one picture at a time." if values.ndim == 4 else "Choose the channels to show."
    if values.ndim == 3 and shape[0] in (1, 3, 4):
        advice = "Its channels come first: array.transpose(1, 2, 0) puts them last."
    raise ImageError(f"The array has the shape {shape}; wanted {_LAYOUT}. {advice}")
