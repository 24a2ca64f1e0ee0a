"""A receptive field over its photo: pixels by their share of the strongest one, and boxes round places."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from vitviz.errors import OptionError, check_choice
from vitviz.figures.overlay import overlay
from vitviz.figures.paint import Picture, Rgb, checked_map
from vitviz.figures.scale import Scale

SCALES = ("log", "linear")
DECADES = 3
"""How many powers of ten below the strongest pixel the logarithmic colours reach."""
VERMILION: Rgb = (213, 94, 0)
_HALO: Rgb = (255, 255, 255)

PixelBox = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels of the map; right and bottom are exclusive."""


def relative_field(values: ArrayLike, scale: str = "log") -> tuple[NDArray[np.float64], Scale]:
    """Return a field (height, width) as shares of its strongest pixel, and the colours that fit.

    "log" returns log₁₀ of the share, cut off at -DECADES, because a receptive field falls by powers of ten; "linear"
    returns the share itself. Raises OptionError for a field that is negative somewhere or zero everywhere.
    """
    check_choice("Scale of the field", scale, SCALES)
    numbers = checked_map(values)
    top = float(numbers.max())
    if not (np.isfinite(numbers).all() and numbers.min() >= 0 and top > 0):
        raise OptionError(
            f"A receptive field has values from {numbers.min():.3g} to {top:.3g}; "
            "wanted finite numbers, none negative, not all zero. Choose another layer or token."
        )
    if scale == "linear":
        return numbers / top, Scale(0, 1)
    return np.log10(np.maximum(numbers / top, 10.0**-DECADES)), Scale(-DECADES, 0)


def field_overlay(
    photo: ArrayLike,
    values: ArrayLike,
    *,
    scale: str = "log",
    palette: str = "viridis",
    opacity: float = 0.6,
    cell: int = 1,
    place: PixelBox | None = None,
    theoretical: PixelBox | None = None,
) -> Picture:
    """Return a photo with a receptive field over it; ``palette`` may be "spotlight", which darkens the rest.

    ``cell`` is the side in pixels of the squares whose mean is painted: single pixels of a gradient flicker.
    ``place`` outlines in orange what is read; ``theoretical`` draws the theoretical field as a dashed box. Both are in
    pixels of the map. Raises OptionError for a field that is none, or a photo smaller than the map.
    """
    numbers = checked_map(values)
    shares, colours = relative_field(cell_means(numbers, cell), scale)
    spotlight = palette == "spotlight"
    shown = overlay(
        photo, shares, scale=colours, palette=None if spotlight else palette, opacity=opacity, spotlight=spotlight
    )
    return field_boxes(shown, numbers.shape, place=place, theoretical=theoretical)


def field_boxes(
    picture: Picture, shape: tuple[int, ...], *, place: PixelBox | None = None, theoretical: PixelBox | None = None
) -> Picture:
    """Return a painted field of ``shape`` (height, width), of whatever size it is painted, with its boxes."""
    if theoretical is not None:
        picture = dashed_box(picture, _scaled(theoretical, shape, picture))
    return picture if place is None else _outlined(picture, _scaled(place, shape, picture))


def cell_means(values: ArrayLike, cell: int) -> NDArray[np.float64]:
    """Return the mean of a map (height, width) over squares of ``cell`` pixels, which must divide both sides."""
    numbers = checked_map(values)
    height, width = numbers.shape
    if cell < 1 or height % cell or width % cell:
        raise OptionError(
            f"Squares of {cell} pixels do not fill a map of {height} × {width}; wanted a side that divides both. "
            "Use 1 for single pixels."
        )
    means: NDArray[np.float64] = numbers.reshape(height // cell, cell, width // cell, cell).mean((1, 3))
    return means


def dashed_box(picture: Picture, box: tuple[float, float, float, float], *, colour: Rgb = VERMILION) -> Picture:
    """Return a picture with a dashed box (left, top, right, bottom), on a white line so that it shows on anything."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    draw = ImageDraw.Draw(image)
    thick = max(2, round(min(image.size) / 130))
    dash = 4 * thick
    left, top, right, bottom = box
    right, bottom = max(left, right - 1), max(top, bottom - 1)
    draw.rectangle((left, top, right, bottom), outline=_HALO, width=thick)
    for start in np.arange(left, right, 2 * dash):
        end = min(start + dash, right)
        draw.rectangle((start, top, end, top + thick - 1), fill=colour)
        draw.rectangle((start, bottom - thick + 1, end, bottom), fill=colour)
    for start in np.arange(top, bottom, 2 * dash):
        end = min(start + dash, bottom)
        draw.rectangle((left, start, left + thick - 1, end), fill=colour)
        draw.rectangle((right - thick + 1, start, right, end), fill=colour)
    return np.asarray(image)


def _outlined(picture: Picture, box: tuple[float, float, float, float]) -> Picture:
    image = Image.fromarray(np.ascontiguousarray(picture))
    draw = ImageDraw.Draw(image)
    thick = max(3, round(min(image.size) / 140))
    left, top, right, bottom = box
    draw.rectangle((left - 1, top - 1, right, bottom), outline=(20, 20, 20), width=thick + 2)
    draw.rectangle((left, top, right - 1, bottom - 1), outline=(255, 122, 0), width=thick)
    return np.asarray(image)


def _scaled(box: PixelBox, shape: tuple[int, ...], picture: Picture) -> tuple[float, float, float, float]:
    """Return a box in pixels of the map as a box in pixels of the picture."""
    down, across = picture.shape[0] / shape[0], picture.shape[1] / shape[1]
    left, top, right, bottom = box
    return left * across, top * down, right * across, bottom * down
