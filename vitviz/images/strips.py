"""Large pictures made smaller strip by strip, so that never more than one copy of them is in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.images.limits import KEEP_SIDE
from vitviz.record import Record

_PIXELS = 2_000_000  # of a strip, about
Rows = Callable[[int, int], NDArray[Any]]
"""Returns the values of rows, from one to another exclusive: (row, width) or (row, width, channel)."""


@dataclass(frozen=True, eq=False)
class Values(Record):
    """The values of a picture, made smaller if it is much larger than what is kept."""

    array: NDArray[Any]
    """(height, width) or (height, width, channel): as they were, or means of squares of pixels."""
    least: float
    """The lowest value before it was made smaller; NaN if there is none that is a number."""
    most: float
    wrong: int
    """How many values were NaN or infinite."""
    size: int
    """How many values there were."""
    whole: bool
    """Whether they were whole numbers."""
    depth: int
    """Bytes of a value."""


def factor_of(width: int, height: int) -> int:
    """Return by how much a side is divided, at most to what is kept: 1 for a picture less than twice as long."""
    return max(1, max(width, height) // KEEP_SIDE)


def rows_of(picture: Image.Image | NDArray[Any]) -> Rows:
    """Return what gives the rows of a decoded picture or of an array."""
    if isinstance(picture, np.ndarray):
        return lambda start, stop: picture[start:stop]
    return lambda start, stop: np.asarray(picture.crop((0, start, picture.width, stop)))


def values_of(rows: Rows, width: int, height: int) -> Values:
    """Return the values of a picture of more than 8 bits, at most twice KEEP_SIDE long."""
    factor = factor_of(width, height)
    parts: list[NDArray[Any]] = []
    least, most, wrong, size, dtype = np.inf, -np.inf, 0, 0, np.dtype(np.uint8)
    for start, stop in _strips(width, height, factor):
        strip = rows(start, stop)
        dtype, size = strip.dtype, size + strip.size
        bad = 0 if dtype.kind in "iub" else strip.size - int(np.count_nonzero(np.isfinite(strip)))
        wrong += bad
        if not bad:
            least, most = min(least, strip.min().item()), max(most, strip.max().item())
        parts.append(strip if factor == 1 else _means(strip, factor))
    return Values(np.concatenate(parts), least, most, wrong, size, dtype.kind in "iub", dtype.itemsize)


def smaller(picture: Image.Image, mode: str) -> Image.Image:
    """Return a picture of 8 bits in a mode such as "RGB", at most twice KEEP_SIDE long, never the same object."""
    factor = factor_of(*picture.size)
    if factor == 1:
        return picture.convert(mode)
    width, height = picture.size
    made = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for start, stop in _strips(width, height, factor):
        strip = picture.crop((0, start, width, stop))
        made.paste((strip if strip.mode == mode else strip.convert(mode)).reduce(factor), (0, start // factor))
    return made


def _strips(width: int, height: int, factor: int) -> list[tuple[int, int]]:
    """Return the first and last row, exclusive, of strips whose heights the factor divides."""
    step = max(1, _PIXELS // (width * factor)) * factor
    return [(start, min(height, start + step)) for start in range(0, height, step)]


def _means(strip: NDArray[Any], factor: int) -> NDArray[np.float32]:
    """Return the means of squares of ``factor`` pixels; those at the far edges may be narrower."""
    height, width = strip.shape[:2]
    down, across = np.arange(0, height, factor), np.arange(0, width, factor)
    sums = np.add.reduceat(np.add.reduceat(strip, across, axis=1, dtype=np.float64), down, axis=0)
    counts = np.outer(np.diff([*down, height]), np.diff([*across, width]))
    means: NDArray[np.float32] = (sums / counts.reshape(counts.shape + (1,) * (strip.ndim - 2))).astype(np.float32)
    return means
