"""Pictures of the steps of a Vision Transformer: a vector as a strip of cells, and the filters of its patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from vitviz.errors import OptionError
from vitviz.figures.paint import Picture, Rgb
from vitviz.figures.palettes import colour
from vitviz.figures.sprites import WHITE
from vitviz.figures.theme import small


def strip(values: ArrayLike, *, rows: int = 1, cell: int = 4, height: int = 28, signed: bool = True) -> Picture:
    """Return a vector as a strip of coloured cells, read row by row: (rows × height, cells × cell, 3).

    Signed vectors are red above zero and blue below, up to the largest size. The last row is filled up with white.
    Raises OptionError for an empty vector or one that is not finite.
    """
    numbers = small(values, "strip").ravel()
    if rows < 1 or cell < 1:
        raise OptionError(f"A strip of {rows} rows with cells of {cell} pixels is empty; wanted 1 or more.")
    top = float(np.abs(numbers).max()) or 1.0
    low, palette = (-top, "RdBu") if signed else (0.0, "viridis")
    columns = -(-len(numbers) // rows)
    painted = np.full((rows * columns, 3), 255, np.uint8)
    painted[: len(numbers)] = colour(numbers[None], palette, low, top)[0]
    cells = painted.reshape(rows, columns, 3)
    large: Picture = cells.repeat(height, 0).repeat(cell, 1)
    return large


def filters(weights: ArrayLike, *, columns: int = 14, pixels: int = 56, gap: int = 3, ground: Rgb = WHITE) -> Picture:
    """Return the filters of a patch embedding (filter, 3, p, p) as small colour pictures, each on its own scale.

    Grey is weight 0; a filter answers most to a patch that looks like its picture. ``ground`` lies between them.
    """
    numbers = small(weights, "filters")
    if numbers.ndim != 4 or numbers.shape[1] != 3:
        raise OptionError(f"Filters must be (filter, 3, p, p); got shape {numbers.shape}.")
    count, _colours, down, across = numbers.shape
    top = np.abs(numbers).max((1, 2, 3), keepdims=True)
    shown = 0.5 + 0.5 * numbers / np.where(top > 0, top, 1)
    step = max(1, pixels // max(down, across))
    tiles = (shown * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
    tiles = tiles.repeat(step, 1).repeat(step, 2)
    high, wide = tiles.shape[1] + gap, tiles.shape[2] + gap
    rows = -(-count // columns)
    sheet = np.full((rows * high, columns * wide, 3), ground, np.uint8)
    for place, tile in enumerate(tiles):
        top_edge, left = place // columns * high, place % columns * wide
        sheet[top_edge : top_edge + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet
