"""Colours of 16 bits a channel, of which Pillow itself keeps the upper 8."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.images import notes as told
from vitviz.images.depth import eight_bits
from vitviz.images.opening import Opening
from vitviz.images.photo import Scaling
from vitviz.images.strips import Rows, Values, rows_of, smaller, values_of

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""The other order of bytes: read the wrong way round, the upper 8 bits of a value are its lower ones."""
_SWAPPED = ("RGB", "RGBA", "RGBX")
_BRIGHT = 64
"""Of 255: pictures with a value this high use their range, as far as 14 bits in 16 are a part of it."""


def raw_order(opened: Image.Image) -> str:
    """Return Pillow's name for how the values of a picture that is not yet decoded are stored; empty if unknown."""
    tiles: Any = getattr(opened, "tile", None) or [(None, None, None, "")]
    arguments = tiles[0][3]
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def is_sixteen(opened: Image.Image) -> bool:
    """Return whether a picture that is not yet decoded has colours of 16 bits a channel."""
    return re.search(";16[BLN]$", raw_order(opened)) is not None and opened.mode in ("RGB", "RGBA", "LA", "RGBa")


def sixteen_bits(
    upper: Image.Image, order: str, lower: Callable[[str], Image.Image] | None, opening: Opening
) -> Image.Image:
    """Return a decoded picture of 16 bits a channel with 8: ``upper`` is what Pillow makes of it.

    ``lower`` opens the file once more, in an order of bytes of its own. Its lower 8 bits are read where they count:
    under a window of one's own, and where the upper 8 hold next to nothing, as of a scan of 12 bits.
    """
    colours = upper.getbands()[: 1 if upper.mode == "LA" else 3]
    extremes = [upper.getchannel(band).getextrema() for band in colours]
    least, most = min(low for low, _ in extremes), max(high for _, high in extremes)
    bright = int(most) >= _BRIGHT or most == 0  # type: ignore[arg-type]
    if upper.mode == "RGBa" or opening.window == "full" or (opening.window == "auto" and bright):
        opening.note(told.SIXTEEN_BITS)
        opening.scaling = Scaling(0, 65535, 257.0 * least, 257.0 * most, 0)  # type: ignore[operator]
        return upper
    values = values_of(_colours(upper), *upper.size)
    clear = smaller(upper.getchannel("A"), "L") if "A" in upper.getbands() else None
    kind, _, byte = order.rpartition(";16")
    rough = lower is None or kind not in _SWAPPED
    if lower is None or rough:
        whole = replace(values, array=_times(values.array), least=256 * values.least, most=256 * values.most + 255)
    else:
        upper.close()  # ours alone; the lower bits need its memory
        whole = _both(values, lower(f"{kind};16{_OTHER[byte]}"))
    narrow = Image.fromarray(eight_bits(replace(whole, whole=True, depth=2), "type uint16", opening))
    if rough:
        opening.note(told.UPPER_BITS)
    if clear is not None:
        narrow.putalpha(clear)
    return narrow


def _colours(picture: Image.Image) -> Rows:
    rows = rows_of(picture)
    count = 1 if picture.mode == "LA" else 3
    return lambda start, stop: rows(start, stop)[..., 0] if count == 1 else rows(start, stop)[..., :3]


def _times(upper: NDArray[Any]) -> NDArray[Any]:
    """Return upper bits as values of 16 bits; means of them stay fractions."""
    return upper * np.float32(256) if upper.dtype.kind == "f" else upper.astype(np.uint16) * np.uint16(256)


def _both(upper: Values, picture: Image.Image) -> Values:
    """Return values of 16 bits of their upper ones and of a picture of their lower ones.

    Both were made smaller, which commutes with the sum: 256 times the mean is the mean of 256 times.
    """
    with picture:
        lower = values_of(_colours(picture), *picture.size)
    array = _times(upper.array) + lower.array
    most = max(float(array.max()), 256 * upper.most)  # of means it may be less than the picture's own
    return replace(upper, array=array, least=float(array.min()), most=most)
