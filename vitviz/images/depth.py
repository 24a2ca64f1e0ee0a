"""Windows: which value is black and which is white in a picture of more than 8 bits a channel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import ImageError, OptionError, check_choice
from vitviz.images.notes import CLIPPED, SCALED, SIXTEEN_BITS

Window = str | tuple[float, float]
"""One of WINDOWS, or the values that become black and white."""
WINDOWS = ("auto", "full", "percentiles")
"""``auto``: whole numbers from 0 to the white of the fewest bits (8, 10, 12, 14, 16) that hold them all, fractions from
0 to 1, others are refused. ``full``: from 0 to 65535, fractions from 0 to 1. ``percentiles``: from the 1st to the 99th
percentile of the picture's own values."""
PERCENTILES = (1, 99)
_BITS = (8, 10, 12, 14, 16)
_ROWS = 256  # scaled at a time: fractions of a whole picture would take eight times its memory


def check_window(window: Window) -> Window:
    """Return a window that can be used; raises OptionError for another."""
    if isinstance(window, str):
        return check_choice("Window", window, WINDOWS)
    try:
        low, high = (float(value) for value in window)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise OptionError(
            f"The window {window!r} cannot be used; wanted {', '.join(map(repr, WINDOWS))}, or two finite numbers, the "
            "value that becomes black and a larger one that becomes white."
        )
    return low, high


def eight_bits(values: NDArray[Any], what: str, notes: list[str], window: Window = "auto") -> NDArray[np.uint8]:
    """Return values of more than 8 bits, of any shape, as 0 (black) to 255 (white); ``what`` names them in messages.

    What was done is appended to ``notes``. Raises ImageError for values whose black and white are not known.
    """
    window = check_window(window)
    _check_finite(values, what)
    least, most = values.min().item(), values.max().item()
    if window == "auto" and values.dtype.itemsize > 2 and _whole(values) and least >= 0 and most <= 255:
        # 32 bits, as Pillow and NumPy make of any whole numbers; a file with 16 bits is opened as 16 bits
        return values.astype(np.uint8)
    low, high = window if isinstance(window, tuple) else _limits(values, least, most, window, what)
    outside = np.count_nonzero((values < low) | (values > high)) / values.size
    notes.append(_told(low, high, outside, whole=_whole(values)))
    scaled = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), _ROWS):
        part = (values[row : row + _ROWS].astype(np.float64) - low) / (high - low)
        scaled[row : row + _ROWS] = (part.clip(0, 1) * 255).round()
    return scaled


def _whole(values: NDArray[Any]) -> bool:
    return values.dtype.kind in "iu"


def _check_finite(values: NDArray[Any], what: str) -> None:
    wrong = 0 if _whole(values) else values.size - np.count_nonzero(np.isfinite(values))
    if wrong:
        raise ImageError(
            f"{what} and holds {wrong:,} values that are NaN or infinite, of {values.size:,}; wanted finite numbers. "
            "Replace them first."
        )


def _limits(values: NDArray[Any], least: float, most: float, window: str, what: str) -> tuple[float, float]:
    if window == "percentiles":
        low, high = (float(value) for value in np.percentile(values, PERCENTILES))
        low, high = (low, high) if low < high else (float(least), float(most))
        return low, high if low < high else low + 1  # one value only: it is black
    top = 2 ** _BITS[-1] - 1 if _whole(values) else 1
    if least < 0 or most > top:
        raise ImageError(
            f"{what}, with values from {least:g} to {most:g}, and nothing says which "
            "is white; wanted whole numbers of 8 or 16 bits, or fractions from 0 to 1. Convert it to 8 bits first: 0 "
            "black, 255 white; in Python, open_photo(…, window=(black, white)) does it."
        )
    if window == "full" or not _whole(values):
        return 0, top
    return 0, next(2**bits - 1 for bits in _BITS if most <= 2**bits - 1)


def _told(low: float, high: float, outside: float, *, whole: bool) -> str:
    if whole and (low, high) == (0, 65535):
        return SIXTEEN_BITS
    return (CLIPPED if outside else SCALED).format(low=f"{low:.6g}", high=f"{high:.6g}", share=f"{outside:.1%}")
