"""Scale: which value has which colour, decided once for all the maps that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_choice
from vitviz.figures.palettes import levels
from vitviz.numbers import number, percent
from vitviz.record import Record

SCOPES = ("map", "layer", "model", "absolute")
"""Whose smallest and largest value the colours span: one map, one layer's heads, all layers, or the fixed 0 … 1."""

_DIMENSIONS = {"map": (2,), "layer": (2, 3), "model": (2, 3, 4), "absolute": (2, 3, 4)}
_WANTED = {"map": "(rows, columns)", "layer": "(heads, rows, columns)", "model": "(layers, heads, rows, columns)"}


@dataclass(frozen=True)
class Scale(Record):
    """The values of the first and the last colour, and the reference between them."""

    low: float
    """Value of the first colour."""
    high: float
    """Value of the last colour."""
    uniform: float | None = None
    """1/N: the share of each of N tokens if attention were spread evenly; None where the map is not a share."""
    scope: str = "map"
    """One of SCOPES."""
    signed: bool = False
    """True if negative values mean something, so that zero is in the middle and the palette diverges."""
    shares: bool = False
    """True for values that are shares, and so said in per cent; those with an even share are, without saying so."""

    def __post_init__(self) -> None:
        check_choice("Scale scope", self.scope, SCOPES)
        if not (np.isfinite([self.low, self.high]).all() and self.low <= self.high):
            raise OptionError(
                f"A scale from {self.low} to {self.high} is impossible; wanted two finite numbers, low ≤ high."
            )
        if self.signed and self.low != -self.high:
            raise OptionError(
                f"A signed scale must be symmetric about 0; got {self.low} to {self.high}. Use ± the larger of the two."
            )

    @property
    def palette(self) -> str:
        """The palette that fits: "viridis", or "RdBu" if the scale is signed."""
        return "RdBu" if self.signed else "viridis"

    def text(self, value: float) -> str:
        """Return a value as it stands at the colour bar: a share in per cent, any other as a number."""
        return percent(value) if self.shares or self.uniform is not None else number(value)

    def fraction(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return where each value lies between low (0) and high (1), clipped; 0.5 where low = high."""
        numbers = np.asarray(values, dtype=np.float64)
        if self.low == self.high:
            return np.full(numbers.shape, 0.5)
        return np.clip((numbers - self.low) / (self.high - self.low), 0, 1)

    def quantise(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return the entry of a 256-colour table for each value: what a browser needs to paint the map."""
        return levels(values, self.low, self.high)


def scale_for(maps: ArrayLike, scope: str = "map", *, signed: bool = False, uniform: float | None = None) -> Scale:
    """Return the one scale that all the given maps share.

    Pass exactly the maps that the scope names: one (rows, columns) for "map", one layer's (heads, rows, columns) for
    "layer", (maps, rows, columns) or (layers, heads, rows, columns) for "model". "absolute" is 0 … 1 (signed: -1 … 1)
    whatever is passed, and refuses values outside. There is deliberately no scale per head for a grid of heads: it
    would make a flat head look as sharp as a focused one.

    ``uniform`` is the even share 1/N of N tokens, 1/``grid.tokens`` where prefix tokens share too; None if the values
    are not shares. Signed maps have none.
    Raises OptionError for NaN, infinite or (unless signed) negative values and for the wrong number of maps.
    """
    numbers = _checked(maps, check_choice("Scale scope", scope, SCOPES), signed=signed)
    if scope == "absolute":
        low, high = (-1.0 if signed else 0.0), 1.0
        _refuse_outside(numbers, low, high)
    else:
        low, high = float(numbers.min()), float(numbers.max())
        if signed:
            high = max(abs(low), abs(high))
            low = -high
    return Scale(low, high, None if signed else uniform, scope, signed)


def layer_scales(maps: ArrayLike, *, signed: bool = False, uniform: float | None = None) -> tuple[Scale, ...]:
    """Return one scale a layer for maps (layers, heads, rows, columns): what a layer × head sheet needs by default."""
    numbers = np.asarray(maps)
    if numbers.ndim != 4:
        raise OptionError(
            f"layer_scales needs maps of shape (layers, heads, rows, columns); got {numbers.shape}. "
            "Use scale_for for the heads of a single layer."
        )
    return tuple(scale_for(layer, "layer", signed=signed, uniform=uniform) for layer in numbers)


def finite_maps(maps: ArrayLike, dimensions: Sequence[int], wanted: str) -> NDArray[np.float64]:
    """Return the maps as float64 if they have the wanted number of axes and no NaN or infinity, else raise."""
    numbers = np.asarray(maps, dtype=np.float64)
    if numbers.ndim not in dimensions or not numbers.size:
        raise OptionError(f"Got maps of shape {numbers.shape}; wanted {wanted}. Lay tokens out with PatchGrid.to_map.")
    bad = int(numbers.size - np.isfinite(numbers).sum())
    if bad:
        raise OptionError(
            f"{bad} of {numbers.size} map values are NaN or infinite; wanted finite numbers. A picture of them would "
            "mislead: look for a masked row, a division by zero or half-precision overflow where the map was made."
        )
    return numbers


def _checked(maps: ArrayLike, scope: str, *, signed: bool) -> NDArray[np.float64]:
    shape = np.shape(maps)
    if scope == "map" and len(shape) == 3:
        raise OptionError(
            f"Scope 'map' is the scale of one map, (rows, columns); got {shape[0]} maps. Scaling each head of a grid "
            "by itself makes flat heads look sharp: use 'layer', 'model' or 'absolute', or pass one map."
        )
    if scope == "layer" and len(shape) == 4:
        raise OptionError(
            f"Scope 'layer' is the scale of one layer, (heads, rows, columns); got {shape[0]} layers. "
            "Pass one layer's maps, use layer_scales for one scale a layer, or choose 'model'."
        )
    numbers = finite_maps(maps, _DIMENSIONS[scope], _WANTED.get(scope, "(…, rows, columns)"))
    if not signed and numbers.min() < 0:
        raise OptionError(
            f"The smallest value is {numbers.min():.3g}, but the map was said to have no sign. "
            "Pass signed=True, which centres the colours at zero."
        )
    return numbers


def _refuse_outside(numbers: NDArray[np.float64], low: float, high: float) -> None:
    # Rounding may lift a share of 1 a little above 1: that is not a wrong map.
    if numbers.min() < low - 1e-5 or numbers.max() > high + 1e-5:
        raise OptionError(
            f"The absolute scale runs from {low:g} to {high:g}; got values from {numbers.min():.3g} to "
            f"{numbers.max():.3g}. Use the scope 'map', 'layer' or 'model' for values that are not shares."
        )
