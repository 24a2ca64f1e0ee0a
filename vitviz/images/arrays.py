"""NumPy arrays as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError
from vitviz.images.depth import NOTHING, Known, eight_bits
from vitviz.images.limits import check_size
from vitviz.images.opening import Opening
from vitviz.images.strips import rows_of, values_of

_LAYOUT = "(height, width) for grey, (height, width, 3) for RGB or (height, width, 4) for RGBA"


def picture_of(array: NDArray[Any], opening: Opening, *, of_file: bool = False) -> Image.Image:
    """Return an array as a picture of 8 bits: whole numbers, fractions from 0 to 1, or True for white.

    Numbers of more than 8 bits and fractions are scaled by a window; see ``vitviz.images.depth``.
    Raises ImageError for an array of another shape or type, and for values whose white is not known.
    """
    values = np.asarray(array)
    _check_type(array, values)
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    _check_shape(values)
    check_size(values.shape[1], values.shape[0], of_file=of_file)
    opening.full = (values.shape[1], values.shape[0])
    if values.dtype == np.bool_:
        values = values.view(np.uint8) * np.uint8(255)
    if values.dtype == np.uint8:
        opening.flat()
        return Image.fromarray(np.ascontiguousarray(values))
    return deep_array(values, f"type {values.dtype}", opening)


def deep_array(values: NDArray[Any], kind: str, opening: Opening, known: Known = NOTHING) -> Image.Image:
    """Return an array of more than 8 bits, (height, width) or with 3 or 4 channels, as a picture of 8 bits."""
    height, width = values.shape[:2]
    colours = values_of(rows_of(values[..., :3] if values.ndim == 3 else values), width, height)
    pixels = eight_bits(colours, kind, opening, known)
    if values.ndim == 3 and values.shape[2] == 4:
        alpha = values_of(rows_of(values[..., 3]), width, height)
        scaled = eight_bits(alpha, f"{kind} in its fourth channel", Opening("full"), Known(full=known.full))
        pixels = np.dstack([pixels, scaled])
    return Image.fromarray(pixels)


def _check_type(array: NDArray[Any], values: NDArray[Any]) -> None:
    if values.dtype.kind not in "buif":
        raise ImageError(
            "The array has the type {dtype}; wanted numbers: uint8, or others with a known white. Convert it.",
            dtype=values.dtype,
        )
    if np.ma.is_masked(array):
        raise ImageError(
            "The array is masked in places; wanted a value for every pixel. Fill it first: array.filled()."
        )


def _check_shape(values: NDArray[Any]) -> None:
    shape = values.shape
    if values.ndim == 2 or (values.ndim == 3 and shape[2] in (3, 4)):
        return
    if values.ndim == 3 and shape[0] in (1, 3, 4):
        raise ImageError(
            "The array has the shape {shape}; wanted {layout}. Its channels come first: array.transpose(1, 2, 0) puts "
            "them last.",
            shape=shape,
            layout=_LAYOUT,
        )
    raise ImageError(
        "The array has the shape {shape}; wanted {layout}. Give one picture at a time, and choose its channels.",
        shape=shape,
        layout=_LAYOUT,
    )
