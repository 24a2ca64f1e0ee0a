"""The mosaic of positions: one small map for every place of a grid, laid out as the grid itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from vitviz.errors import OptionError
from vitviz.figures.lettering import typeface_for
from vitviz.figures.paint import bar_height, draw_bar
from vitviz.figures.palettes import QUERY, colour
from vitviz.figures.scale import Scale

_TEXT = 14


def mosaic(
    maps: ArrayLike,
    *,
    scale: Scale,
    width: int = 860,
    gap: int = 3,
    selected: tuple[int, int] | None = None,
    bar: bool = True,
) -> Image.Image:
    """Return maps (rows, columns, map rows, map columns) as one picture with a colour bar, each at its place.

    As in Dosovitskiy et al. 2021, figure 7. The picture is about ``width`` pixels wide, each cell a whole number of
    pixels and at least one. ``selected`` is the (row, column) of the map with the orange outline. ``bar`` False leaves
    the colour bar out, for a sheet that has one of this scale.
    Raises OptionError for another shape or values that are not finite.
    """
    sheet = mosaic_sheet(maps, scale=scale, width=width, gap=gap)
    rows, columns = np.shape(maps)[:2]
    high, wide = sheet.height // rows, sheet.width // columns
    outlined = _outlined(selected, high, wide, gap)
    if outlined is not None:
        ImageDraw.Draw(sheet).rectangle(outlined, outline=QUERY, width=4)
    return _with_bar(sheet, scale) if bar else sheet


def mosaic_sheet(maps: ArrayLike, *, scale: Scale, width: int = 860, gap: int = 3) -> Image.Image:
    """Return the maps of a mosaic alone, without colour bar or outline: rows × columns places of one size."""
    numbers = np.asarray(maps, dtype=np.float64)
    if numbers.ndim != 4 or not numbers.size or not np.isfinite(numbers).all():
        raise OptionError(
            f"A mosaic needs finite maps (rows, columns, map rows, map columns); got shape {numbers.shape}. "
            "Use PositionSimilarity.mosaic."
        )
    rows, columns, down, across = numbers.shape
    cell = max(1, (width // columns - gap) // across)
    high, wide = down * cell + gap, across * cell + gap
    painted = colour(numbers.reshape(-1, across), scale.palette, scale.low, scale.high)
    painted = painted.reshape(rows, columns, down, across, 3).repeat(cell, 2).repeat(cell, 3)
    canvas = np.full((rows, columns, high, wide, 3), 255, np.uint8)
    canvas[:, :, : down * cell, : across * cell] = painted
    sheet = canvas.transpose(0, 2, 1, 3, 4).reshape(rows * high, columns * wide, 3)
    return Image.fromarray(sheet)


def _outlined(selected: tuple[int, int] | None, high: int, wide: int, gap: int) -> tuple[int, int, int, int] | None:
    if selected is None:
        return None
    top, left = selected[0] * high, selected[1] * wide
    return max(0, left - gap), max(0, top - gap), left + wide - 1, top + high - 1


def _with_bar(sheet: Image.Image, scale: Scale) -> Image.Image:
    height = sheet.height + _TEXT + bar_height(scale, _TEXT)
    page = Image.new("RGB", (max(sheet.width, 20 * _TEXT), height), (255, 255, 255))
    page.paste(sheet, (0, 0))
    width = min(page.width, 26 * _TEXT)
    typeface = typeface_for("0123456789.e+-=1/N%<")
    draw_bar(page, (0, sheet.height + _TEXT // 2), width, scale, typeface, size=_TEXT)
    return page
