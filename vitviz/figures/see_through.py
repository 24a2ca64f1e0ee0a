"""Pictures without a ground of their own, for a page that may be light or dark."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from vitviz.figures.paint import Rgb

GREY_INK = (118, 118, 118)
"""Text that can be read on white and on black: a contrast of 4.5 and 4.6."""


def see_through(draw: Callable[[Rgb], Image.Image]) -> Image.Image:
    """Return a picture as RGBA whose ground is transparent; ``draw`` draws it on a ground of a colour.

    Drawn on black and on white, a pixel differs by the share of the ground that is seen in it.

    >>> from PIL import Image
    >>> from vitviz.figures.see_through import see_through
    >>> see_through(lambda ground: Image.new("RGB", (1, 1), ground)).getpixel((0, 0))[3]
    0
    """
    black, white = (np.asarray(draw((level, level, level)), dtype=np.float64) for level in (0, 255))
    cover = 1 - (white - black).mean(-1, keepdims=True) / 255  # (row, column, 1)
    colours = np.divide(black, cover, out=np.zeros_like(black), where=cover > 0)
    levels = np.concatenate([colours, 255 * cover], axis=-1).round().clip(0, 255)
    return Image.fromarray(levels.astype(np.uint8), "RGBA")
