"""A number a head as a panel for print: rows are layers, columns heads, and every cell has its name, "L5·H3"."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from vitviz.figures.lettering import INK, typeface_for
from vitviz.figures.paint import Picture
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel

_SHARE = 0.2  # height of the letters in a cell
_SMALLEST = 7  # pixels of letters that can be read
_BRIGHT = 128


def head_panel(label: str, values: ArrayLike, scale: Scale, *, palette: str | None = None) -> Panel:
    """Return a table (layer, head) as a panel whose cells are named where there is room."""
    numbers = np.asarray(values, np.float32)

    def named(painted: Picture) -> Picture:
        return _named(painted, *numbers.shape)

    return Panel(label=label, map=numbers, scale=scale, palette=palette, finish=named)


def _named(painted: Picture, layers: int, heads: int) -> Picture:
    high, wide = painted.shape[0] / layers, painted.shape[1] / heads
    size = round(min(_SHARE * wide, _SHARE * 1.6 * high))
    if size < _SMALLEST:
        return painted
    sheet, face = Image.fromarray(painted), typeface_for("LH·0123456789")
    for layer in range(layers):
        for head in range(heads):
            x, y = (head + 0.5) * wide, (layer + 0.5) * high
            light = painted[int(y), int(x)].mean() > _BRIGHT
            colour = INK if light else (255, 255, 255)
            face.write(sheet, (x, y), f"L{layer}·H{head}", size=size, anchor="mm", ink=colour)
    return np.asarray(sheet)
