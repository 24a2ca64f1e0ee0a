"""Windows: which value is black and which is white in a picture of more than 8 bits a channel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import ImageError, OptionError, check_choice
from vitviz.images.notes import CLIPPED, SCALED, SIXTEEN_BITS
from vitviz.images.opening import Opening, Window
from vitviz.images.photo import Scaling
from vitviz.images.strips import Values
from vitviz.numbers import percent
from vitviz.record import Record

WINDOWS = ("auto", "full", "range", "percentiles")
"""``auto``: what the file says (DICOM, HEIC); else whole numbers from 0 to the white of the fewest bits (8, 10, 12, 14,
16) that hold them all, fractions from 0 to 1, others are refused. ``full``: everything that the file could hold: from 0
to 65535, fractions from 0 to 1. ``range``: from the picture's lowest value to its highest. ``percentiles``: from the
1st to the 99th percentile of its values, of the reduced picture if it is one."""
PERCENTILES = (1, 99)
_BITS = (8, 10, 12, 14, 16)
_ROWS = 256  # scaled at a time: fractions of a whole picture would take eight times its memory
Limits = tuple[float, float]


@dataclass(frozen=True)
class Known(Record):
    """What a file says about its values."""

    auto: Limits | None = None
    """The window that it asks for."""
    full: Limits | None = None
    """The values that it could hold."""
    inverted: bool = False
    """Whether higher values are darker."""


NOTHING = Known()


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
            "The window {window!r} cannot be used; wanted {choices}, or two finite numbers, the value that becomes "
            "black and a larger one that becomes white.",
            window=window,
            choices=", ".join(map(repr, WINDOWS)),
        )
    return low, high


def read_window(text: str) -> Window:
    """Return a window of a text such as "percentiles" or "400,2000"; raises OptionError for another."""
    if "," not in text:
        return check_window(text)
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        return check_window((math.nan, math.nan) if text.count(",") == 1 else text)
    return check_window((low, high))


def eight_bits(values: Values, kind: str, opening: Opening, known: Known = NOTHING) -> NDArray[np.uint8]:
    """Return values of more than 8 bits, of any shape, as 0 (black) to 255 (white); ``kind`` names them in messages.

    What was done is noted. Raises ImageError for values whose black and white are not known.
    """
    window = check_window(opening.window)
    _check_finite(values, kind)
    if window == "auto" and known.auto is None and _are_eight(values):
        return np.asarray(values.array).round().astype(np.uint8)
    low, high = window if isinstance(window, tuple) else _limits(values, window, kind, known)
    scaled = np.empty(values.array.shape, np.uint8)
    outside = 0.0
    for row in range(0, len(scaled), _ROWS):
        part = (values.array[row : row + _ROWS].astype(np.float64) - low) / (high - low)
        outside += np.count_nonzero((part < 0) | (part > 1))
        part = part.clip(0, 1)
        scaled[row : row + _ROWS] = ((1 - part if known.inverted else part) * 255).round()
    _tell(opening, values, (high, low) if known.inverted else (low, high), outside / scaled.size)
    return scaled


def _are_eight(values: Values) -> bool:
    """Return whether 32 bits, as Pillow and NumPy make of any whole numbers, hold 8; 16 bits are meant as 16."""
    return values.whole and values.depth > 2 and values.least >= 0 and values.most <= 255


def _check_finite(values: Values, kind: str) -> None:
    if values.wrong:
        raise ImageError(
            "The picture has the {what} and holds {wrong:,} values that are NaN or infinite, of {count:,}; wanted "
            "finite numbers. Replace them first.",
            what=kind,
            wrong=values.wrong,
            count=values.size,
        )


def _limits(values: Values, window: str, kind: str, known: Known) -> Limits:
    least, most = values.least, values.most
    if window in ("range", "percentiles"):
        low, high = (least, most) if window == "range" else _percentiles(values)
        return (low, high) if low < high else (low, low + 1)  # one value only: it is black
    limits = known.auto or known.full if window == "auto" else known.full
    if limits is not None:
        return limits
    top = 2 ** _BITS[-1] - 1 if values.whole else 1
    if least < 0 or most > top:
        raise ImageError(
            "The picture has the {what}, with values from {least:g} to {most:g}, and nothing says which is white; "
            "wanted whole numbers of 8 or 16 bits, or fractions from 0 to 1. Convert it to 8 bits first: 0 black, 255 "
            "white.",
            what=kind,
            least=least,
            most=most,
            advice={
                "window='range'": "Or say what is black and white: window='range' takes the lowest and the highest "
                "value, window='percentiles' leaves the outermost aside, and two numbers are black and white."
            },
        )
    if window == "full" or not values.whole:
        return 0, top
    return 0, next(2**bits - 1 for bits in _BITS if most <= 2**bits - 1)


def _percentiles(values: Values) -> Limits:
    low, high = (float(value) for value in np.percentile(values.array, PERCENTILES))
    return (low, high) if low < high else (float(values.least), float(values.most))


def _tell(opening: Opening, values: Values, limits: Limits, outside: float) -> None:
    """Note which values became black and white."""
    black, white = limits
    opening.scaling = Scaling(float(black), float(white), float(values.least), float(values.most), outside)
    if values.whole and limits == (0, 65535):
        opening.note(SIXTEEN_BITS)
        return
    opening.note(CLIPPED if outside else SCALED, low=f"{black:.6g}", high=f"{white:.6g}", share=percent(outside))
