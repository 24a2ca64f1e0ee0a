"""A map laid over its photo: coloured cells, or a spotlight that only darkens what is not attended."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.paint import Picture, Rgb, cell_index, checked_map, checked_photo, paint_map, smooth
from vitviz.figures.palettes import QUERY
from vitviz.figures.scale import Scale, scale_for

Cell = tuple[int, int]
"""Row and column of a patch, as PatchGrid.position returns them."""
_GREYING = 3
"""How much faster than the map gets opaque its photo gets grey, as in the viewers."""


def overlay(
    photo: ArrayLike,
    values: ArrayLike,
    *,
    scale: Scale | None = None,
    palette: str | None = None,
    opacity: float = 0.6,
    interpolated: bool = False,
    spotlight: bool = False,
    query: Cell | None = None,
    grid_lines: bool = False,
) -> Picture:
    """Return a photo (height, width, 3) with a map (rows, columns) over it, the size of the photo.

    ``opacity`` 0 is the photo, 1 the map alone. Under colours the photo turns grey, from a third on wholly, so that
    every hue belongs to the map. A patch is one flat cell unless ``interpolated``, which smooths and should be
    labelled so. ``spotlight`` keeps the photo's colours and darkens the rest. ``query`` outlines one patch
    in orange, ``grid_lines`` draws the patch borders. ``scale`` None is the map's own; a grid of maps must share one.
    Raises OptionError for a photo that is not uint8 RGB, a photo smaller than the map, NaN without a scale.
    """
    picture, numbers = checked_photo(photo), checked_map(values)
    scale = scale or scale_for(numbers, "map")
    rows, columns = numbers.shape
    if spotlight:
        picture = darken(picture, values, scale, opacity=opacity, interpolated=interpolated)
    else:
        height, width = picture.shape[:2]
        painted = paint_map(values, scale, height=height, width=width, palette=palette, interpolated=interpolated)
        picture = blend(blend(picture, grey(picture), min(1.0, _GREYING * opacity)), painted, opacity)
    if grid_lines:
        picture = draw_grid(picture, rows, columns)
    return picture if query is None else outline(picture, rows, columns, query)


def blend(below: Picture, above: Picture, opacity: float) -> Picture:
    """Return two pictures of one size mixed: ``opacity`` 0 is the lower one, 1 the upper one, exactly."""
    _check_opacity(opacity)
    if opacity in (0, 1):
        return (above if opacity else below).copy()
    mixed = below.astype(np.float32) * (1 - opacity) + above.astype(np.float32) * opacity
    return np.rint(mixed).astype(np.uint8)


def darken(
    photo: ArrayLike, values: ArrayLike, scale: Scale, *, opacity: float = 0.8, interpolated: bool = False
) -> Picture:
    """Return the photo as if lit by the map: full light at ``scale.high``, 1 - ``opacity`` of it at ``scale.low``.

    No colour is added, so it is safe for every kind of colour vision. Raises OptionError for a signed scale, where
    darkness would hide one of the two signs.
    """
    _check_opacity(opacity)
    if scale.signed:
        raise OptionError("A spotlight cannot show signs; got a signed scale. Use 'RdBu' without spotlight.")
    picture, numbers = checked_photo(photo), checked_map(values)
    height, width = picture.shape[:2]
    if interpolated:
        light = scale.fraction(smooth(numbers, height, width))
    else:
        light = scale.fraction(np.nan_to_num(numbers, nan=scale.low))
        light = light[cell_index(height, light.shape[0])][:, cell_index(width, light.shape[1])]
    brightness = (1 - opacity * (1 - light)).astype(np.float32)[..., None]  # (height, width, 1)
    lit: Picture = np.rint(picture * brightness).astype(np.uint8)
    return lit


def outline(picture: Picture, rows: int, columns: int, cell: Cell, *, colour: Rgb = QUERY) -> Picture:
    """Return the picture with a thick outline round one cell of a grid, thin dark lines on either side of it."""
    row, column = cell
    if not (0 <= row < rows and 0 <= column < columns):
        raise OptionError(
            f"There is no patch in row {row}, column {column}; wanted a row from 0 to {rows - 1} and a column from 0 "
            f"to {columns - 1}. PatchGrid.position gives both for a patch number."
        )
    height, width = picture.shape[:2]
    top, bottom = row * height / rows, (row + 1) * height / rows
    left, right = column * width / columns, (column + 1) * width / columns
    thick = max(3.0, min(bottom - top, right - left) / 5, min(height, width) / 180)
    y = _beyond(np.arange(height) + 0.5, top, bottom)[:, None]
    x = _beyond(np.arange(width) + 0.5, left, right)[None, :]
    distance = np.maximum(y, x)  # from the cell's border, positive outside
    drawn = picture.copy()
    drawn[np.abs(distance) <= thick / 2 + 1] = (20, 20, 20)
    drawn[np.abs(distance) <= thick / 2] = colour
    return drawn


def draw_grid(picture: Picture, rows: int, columns: int, *, strength: float = 0.4) -> Picture:
    """Return the picture with thin light lines between the cells of a grid."""
    height, width = picture.shape[:2]
    cell_index(height, rows), cell_index(width, columns)  # refuses a picture smaller than its grid
    thick = max(1, round(min(height, width) / 600))
    lines = np.zeros((height, width), dtype=np.bool_)
    for line in range(1, rows):
        lines[_stripe(line * height / rows, thick)] = True
    for line in range(1, columns):
        lines[:, _stripe(line * width / columns, thick)] = True
    drawn = picture.copy()
    drawn[lines] = blend(picture[lines], np.full_like(picture[lines], 255), strength)
    return drawn


def _beyond(centres: NDArray[np.floating], low: float, high: float) -> NDArray[np.floating]:
    """Return how far each pixel centre lies outside [low, high]; negative inside."""
    outside: NDArray[np.floating] = np.maximum(low - centres, centres - high)
    return outside


def _stripe(place: float, thick: int) -> slice:
    start = max(0, round(place - thick / 2))
    return slice(start, start + thick)


def _check_opacity(opacity: float) -> None:
    if not 0 <= opacity <= 1:
        raise OptionError(f"Opacity must lie between 0 (the photo alone) and 1 (the map alone); got {opacity}.")


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture without colours, (height, width, 3), so that colours over it mean signs.

    The luma of ITU-R BT.601, rounded to the nearest level. Cut off instead, 75 of the 256 greys would come out a
    level darker than they are (98 as 97, because the weights have no exact binary form), and colours half a level.
    """
    shade = np.rint(picture @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    return np.repeat(shade[..., None], 3, axis=2)
