"""Colours: look-up tables for maps, the colours of pinned heads, models and layers.

Sequential tables (viridis, cividis) show amounts, diverging ones (RdBu, PuOr) show signs: their middle is zero.
All four keep their order for colour-blind eyes; there is no rainbow, because it draws edges that are not in the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from plotly.colors import diverging, hex_to_rgb, sequential, unlabel_rgb

from vitviz.errors import OptionError, check_choice

SEQUENTIAL = ("viridis", "cividis")
"""Palettes for values without a sign."""
DIVERGING = ("RdBu", "PuOr")
"""Palettes for values with a sign. RdBu: red is positive, blue negative. PuOr: orange is positive, purple negative."""
PALETTES = SEQUENTIAL + DIVERGING

MISSING = (176, 176, 176)
"""Grey of a cell without a value; pictures hatch it too, because cividis has a grey of its own."""
QUERY = (255, 122, 0)
"""Orange of the outline round the query patch."""
VIT_BLUE = "#0072B2"
"""Every curve of a Vision Transformer."""
CNN_VERMILION = "#D55E00"
"""Every curve of a convolutional network."""
PINNED = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Colours of pinned heads, in order: Okabe and Ito's eight, told apart by all common kinds of colour vision."""

FIRST_LAYER, LAST_LAYER = "#059ED1", "#0255CA"
"""Ends of the blues of the layers, light to dark: as far apart as a contrast of 3 on white and on the dark theme's
ground leaves them."""


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(hex_to_rgb(colour) if colour.startswith("#") else unlabel_rgb(colour))


def _interpolate(stops: Sequence[tuple[float, ...]], count: int) -> NDArray[np.float64]:
    """Return ``count`` colours evenly spaced along the stops, joined by straight lines: (count, 3)."""
    anchors = np.linspace(0, 1, len(stops))
    wanted = np.linspace(0, 1, count)
    return np.stack([np.interp(wanted, anchors, channel) for channel in zip(*stops, strict=True)], axis=-1)


def _stops(palette: str) -> list[tuple[float, ...]]:
    check_choice("Palette", palette, PALETTES)
    # Plotly runs from red to blue and from orange to purple; here the warm end is the positive one.
    stops = {
        "viridis": sequential.Viridis,
        "cividis": sequential.Cividis,
        "RdBu": diverging.RdBu[::-1],
        "PuOr": diverging.PuOr[::-1],
    }[palette]
    return [_rgb(stop) for stop in stops]


@cache
def table(palette: str = "viridis") -> NDArray[np.uint8]:
    """Return the look-up table of a palette: (256, 3) uint8, read-only, from the lowest value to the highest.

    The stops are Plotly's, so pictures and Plotly figures agree. The two middle entries (127 and 128) of a diverging
    table are the same neutral colour, so zero is exactly in the middle. Raises OptionError for an unknown palette.
    """
    stops = _stops(palette)
    if palette in SEQUENTIAL:
        colours = _interpolate(stops, 256)
    else:
        middle = len(stops) // 2
        colours = np.concatenate([_interpolate(stops[: middle + 1], 128), _interpolate(stops[middle:], 128)])
    lut = np.rint(colours).astype(np.uint8)
    lut.flags.writeable = False
    return lut


def plotly_scale(palette: str) -> list[list[float | str]]:
    """Return the palette as a Plotly colour scale, with the same colours as ``table``."""
    stops = _stops(palette)
    return [[place / (len(stops) - 1), "rgb({:.0f},{:.0f},{:.0f})".format(*stop)] for place, stop in enumerate(stops)]


def levels(values: ArrayLike, low: float, high: float) -> NDArray[np.uint8]:
    """Return the table entry of each value: 0 at ``low`` and below, 255 at ``high`` and above, 128 if low = high.

    A map without contrast (low = high) has the middle colour everywhere: neither "nothing" nor "everything".
    NaN is given 0 here; ``colour`` paints it grey. Raises OptionError if low > high, or for an infinite value.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not (np.isfinite([low, high]).all() and low <= high):
        raise OptionError(f"A colour scale from {low} to {high} is impossible; give two finite numbers, low ≤ high.")
    if np.isinf(numbers).any():
        raise OptionError(
            f"{int(np.isinf(numbers).sum())} of {numbers.size} values are infinite and have no colour; wanted finite "
            "numbers, or NaN for a cell without a value. Look for a division by zero or a logarithm of zero."
        )
    if low == high:
        return np.full(numbers.shape, 128, dtype=np.uint8)
    fraction = np.clip((np.nan_to_num(numbers, nan=low) - low) / (high - low), 0, 1)
    return np.rint(fraction * 255).astype(np.uint8)


def colour(
    values: ArrayLike, palette: str = "viridis", low: float | None = None, high: float | None = None
) -> NDArray[np.uint8]:
    """Return the RGB colour of every value: (…, 3) uint8. NaN becomes the neutral grey MISSING.

    ``low`` and ``high`` are the values of the first and last colour; left out, they are the smallest and the largest
    value, or ± the largest size where the palette is diverging.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if low is None or high is None:
        smallest, largest = _range(numbers, symmetric=palette in DIVERGING)
        low, high = smallest if low is None else low, largest if high is None else high
    rgb: NDArray[np.uint8] = np.take(table(palette), levels(numbers, low, high), axis=0)  # (…, 3)
    rgb[np.isnan(numbers)] = MISSING
    return rgb


def _range(numbers: NDArray[np.float64], *, symmetric: bool) -> tuple[float, float]:
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return 0.0, 0.0
    if symmetric:
        largest = float(np.abs(finite).max())
        return -largest, largest
    return float(finite.min()), float(finite.max())


def layer_ramp(layers: int) -> tuple[str, ...]:
    """Return one colour a layer, from light (first) to dark (last) blue, as "#rrggbb"."""
    if layers < 1:
        raise OptionError(f"A ramp needs at least one layer; got {layers}.")
    ramp = _interpolate([_rgb(FIRST_LAYER), _rgb(LAST_LAYER)], layers) if layers > 1 else np.array([_rgb(LAST_LAYER)])
    return tuple("#{:02x}{:02x}{:02x}".format(*(int(round(channel)) for channel in step)) for step in ramp)
