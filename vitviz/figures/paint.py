"""Painting with arrays: a map as coloured cells, and the colour bar that says what the colours are worth."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from vitviz.errors import OptionError
from vitviz.figures.lettering import INK, Typeface
from vitviz.figures.palettes import MISSING, colour, table
from vitviz.figures.scale import Scale
from vitviz.numbers import number, percent

Rgb = tuple[int, int, int]
Picture = NDArray[np.uint8]
"""An RGB picture, (height, width, 3)."""

_HATCH = (140, 140, 140)


def cell_index(pixels: int, cells: int) -> NDArray[np.intp]:
    """Return the cell under each pixel of a line, when ``cells`` equal cells share ``pixels`` pixels."""
    if pixels < cells:
        raise OptionError(
            f"{cells} cells do not fit into {pixels} pixels: some would vanish. "
            f"Enlarge the picture to at least {cells} pixels on that side."
        )
    return np.arange(pixels) * cells // pixels


def paint_map(
    values: ArrayLike, scale: Scale, *, height: int, width: int, palette: str | None = None, interpolated: bool = False
) -> Picture:
    """Return a map (rows, columns) as a picture (height, width, 3), one flat cell a patch.

    ``palette`` None takes the scale's own. ``interpolated`` smooths between the patch centres, which invents detail:
    say so beside the picture. NaN cells are hatched grey; they cannot be smoothed.
    """
    numbers = checked_map(values)
    palette = palette or scale.palette
    if interpolated:
        return colour(smooth(numbers, height, width), palette, scale.low, scale.high)
    rows, columns = (cell_index(size, cells) for size, cells in zip((height, width), numbers.shape, strict=True))
    picture = colour(numbers, palette, scale.low, scale.high)[rows][:, columns]  # (height, width, 3)
    missing = np.isnan(numbers)
    return hatch(picture, missing[rows][:, columns]) if missing.any() else picture


def smooth(values: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Return a map interpolated bilinearly to (height, width): no value lies outside the map's own range."""
    if np.isnan(values).any():
        raise OptionError(
            f"{int(np.isnan(values).sum())} cells have no value (NaN) and cannot be interpolated; "
            "wanted a map without gaps. Use interpolated=False."
        )
    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float64)


def hatch(picture: Picture, missing: NDArray[np.bool_]) -> Picture:
    """Return the picture with the missing pixels in grey with diagonal stripes, so that no palette looks like them."""
    height, width = missing.shape
    stripe = max(2, min(height, width) // 64)
    diagonal = (np.arange(height)[:, None] + np.arange(width)[None, :]) // stripe % 3 == 0
    hatched = picture.copy()
    hatched[missing] = MISSING
    hatched[missing & diagonal] = _HATCH
    return hatched


def with_interval(mean: float, half: float) -> tuple[str, str]:
    """Return a mean and half its interval, the half with two significant digits and the mean with as many places.

    >>> from vitviz.figures.paint import with_interval
    >>> with_interval(3.6216, 0.0458)
    ('3.622', '0.046')
    """
    if not 0 < half < math.inf:
        return number(mean), number(half)
    places = max(1 - math.floor(math.log10(half)), 0)
    return f"{mean:.{places}f}", f"{half:.{places}f}"


def bar_height(scale: Scale, size: int) -> int:
    """Return the height in pixels that ``draw_bar`` needs at a text size."""
    return round(size * (2.6 if _reference(scale) is None else 4.0))


def draw_bar(
    image: Image.Image,
    corner: tuple[int, int],
    width: int,
    scale: Scale,
    typeface: Typeface,
    *,
    size: int,
    colours: Picture | None = None,
    ink: Rgb = INK,
    ends: tuple[str, str] | None = None,
) -> None:
    """Draw a horizontal colour bar with its top left at ``corner``: true minimum, maximum and 1/N.

    ``colours`` is the table, (256, 3), the scale's own if None; ``ends`` replaces the two numbers, for a bar whose
    rows have scales of their own.
    """
    left, top = corner
    lut = table(scale.palette) if colours is None else colours
    strip = np.broadcast_to(lut[cell_colours(width)], (round(size * 0.9), width, 3))
    image.paste(Image.fromarray(np.ascontiguousarray(strip)), corner)
    below = top + round(size * 1.2)
    low, high = ends or (scale.text(scale.low), scale.text(scale.high))
    typeface.write(image, (left, below), low, size=size, ink=ink)
    typeface.write(image, (left + width, below), high, size=size, ink=ink, anchor="ra")
    reference = _reference(scale)
    if reference is None:
        return
    name, value = reference
    typeface.write(image, (left + width / 2, below + size * 1.35), name, size=size, ink=ink, anchor="ma")
    if ends is None and scale.low <= value <= scale.high and scale.low < scale.high:
        x = left + float(scale.fraction(value)) * (width - 1)
        _notch(image, x, top + round(size * 0.9), size, ink)


def cell_colours(width: int) -> NDArray[np.intp]:
    """Return the table entry of each of ``width`` pixels of a colour bar."""
    return np.rint(np.linspace(0, 255, width)).astype(np.intp)


def _reference(scale: Scale) -> tuple[str, float] | None:
    """Return the text and the value of the mark on a colour bar: zero, 1/N or none."""
    if scale.signed:
        return "0", 0.0
    return None if scale.uniform is None else (f"1/N = {percent(scale.uniform)}", scale.uniform)


def _notch(image: Image.Image, x: float, bottom: int, size: int, ink: Rgb) -> None:
    """Draw the small triangle under the bar that points at the reference value."""
    half = max(2.0, size * 0.22)
    foot = bottom + 1.7 * half
    ImageDraw.Draw(image).polygon([(x, bottom), (x - half, foot), (x + half, foot)], ink)


def checked_photo(photo: ArrayLike) -> Picture:
    """Return the photo if it is (height, width, 3) uint8, else raise OptionError."""
    array = np.asarray(photo)
    if array.ndim != 3 or array.shape[-1] != 3 or array.dtype != np.uint8 or not array.size:
        raise OptionError(
            f"A photo must be (height, width, 3) of uint8; got shape {array.shape} of {array.dtype}. "
            "Convert it with np.asarray(image.convert('RGB'))."
        )
    return array


def checked_map(values: ArrayLike) -> NDArray[np.float64]:
    """Return a map as float64 if it is (rows, columns), else raise OptionError. NaN may be in it."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 2 or not numbers.size:
        raise OptionError(f"A map has (rows, columns); got shape {numbers.shape}. Use PatchGrid.to_map for tokens.")
    return numbers
