"""Colours of 16 bits a channel, of which Pillow itself keeps the upper 8."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from vitviz.images.depth import Window, eight_bits
from vitviz.images.notes import SIXTEEN_BITS

_SWAPPED = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow's name of a PNG's order of bytes, and of the other one: read the wrong way round, the upper 8 bits of a
value are its lower ones."""
_BRIGHT = 64
"""Of 255: pictures with a value this high use their range, as far as 14 bits in 16 are a part of it."""


def raw_order(opened: Image.Image) -> str:
    """Return Pillow's name for how the values of a picture that is not yet decoded are stored; empty if unknown."""
    tiles: Any = getattr(opened, "tile", None) or [(None, None, None, "")]
    told = tiles[0][3]
    return str(told[0] if isinstance(told, tuple) and told else told)


def is_sixteen(opened: Image.Image) -> bool:
    """Return whether a picture that is not yet decoded has colours of 16 bits a channel."""
    return ";16" in raw_order(opened) and not opened.mode.startswith("I")


def through_window(upper: Image.Image, order: str, data: bytes | None, notes: list[str], window: Window) -> Image.Image:
    """Return a decoded picture of 16 bits a channel with 8: ``upper`` is what Pillow makes of it.

    The lower 8 bits are read from ``data`` where they count: under a window of one's own, and where the upper 8 hold
    next to nothing, as of a scan of 12 bits.
    """
    values = np.asarray(upper)
    colours = values[..., :3]
    used = window == "full" or (window == "auto" and (int(colours.max()) >= _BRIGHT or not colours.any()))
    if used:
        notes.append(SIXTEEN_BITS)
        return upper
    wide = colours.astype(np.uint16) * 256
    if data is not None and order in _SWAPPED:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as again:
            again.tile = [tile._replace(args=_SWAPPED[order]) for tile in again.tile]
            wide += np.asarray(again)[..., :3]
    narrow = eight_bits(wide, "The picture has 16 bits a channel", notes, window)
    return Image.fromarray(np.concatenate([narrow, values[..., 3:]], axis=-1))
