"""What a line chart shows, on the screen and in print: curves with their bands, levels, and the reader's own point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_choice
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, small
from vitviz.record import Record

DASHES = ("solid", "dash", "dot")
KINDS = ("auto", "both", "line", "dots")
FADED = 0.3
"""Opacity of a faded curve."""
_FEW = 40  # more points than these hide their line


@dataclass(frozen=True)
class Curve(Record):
    """One curve, or a row of dots."""

    name: str
    x: ArrayLike
    """(point,)."""
    y: ArrayLike
    """(point,)."""
    colour: str = VIT_BLUE
    """As "#rrggbb"; VIT_BLUE for a transformer, CNN_VERMILION for a convolutional network."""
    dash: str = "solid"
    """One of DASHES."""
    kind: str = "auto"
    """One of KINDS: a line with its points, the line alone, or the points alone; "auto" marks those of a line where
    they are 40 or fewer."""
    low: ArrayLike | None = None
    """Lower edge of the band, (point,)."""
    high: ArrayLike | None = None
    """Upper edge of the band, (point,)."""
    opacity: float = 0.18
    """Of the band."""
    symbol: str = "circle"
    """Plotly's name of the mark at a point."""
    faded: bool = False
    """Whether it is drawn pale and without a band: what there was before, behind what comes now."""
    point_names: Sequence[str] = ()
    """What the pointer calls each point instead of its x."""
    listed: bool = True
    """Whether the legend names it; a curve that is not listed is drawn thin, and the pointer names it."""

    def __post_init__(self) -> None:
        check_choice("Dash", self.dash, DASHES)
        check_choice("Kind of curve", self.kind, KINDS)

    def points(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return x and y, each (point,). Raises OptionError unless both are finite and of one length."""
        x, y = small(self.x, self.name), small(self.y, self.name)
        if x.shape != y.shape or x.ndim != 1:
            raise OptionError(f"The curve {self.name!r} has x of shape {x.shape} and y of shape {y.shape}; {_FIT}")
        if self.point_names and len(self.point_names) != len(x):
            raise OptionError(f"The curve {self.name!r} has {len(self.point_names)} names for {len(x)} points; {_FIT}")
        return x, y

    def band(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the edges of the band, each (point,), or None. Raises OptionError as ``points``."""
        if self.faded or self.low is None or self.high is None:
            return None
        low, high = small(self.low, self.name), small(self.high, self.name)
        if not low.shape == high.shape == np.shape(self.x):
            raise OptionError(
                f"The band of {self.name!r} has edges of shape {low.shape} and {high.shape} for {np.size(self.x)} "
                f"points; {_FIT}"
            )
        return low, high

    @property
    def has_line(self) -> bool:
        """Whether the points are joined."""
        return self.kind != "dots"

    @property
    def has_dots(self) -> bool:
        """Whether the points are marked."""
        return self.kind in ("both", "dots") or (self.kind == "auto" and np.size(self.x) <= _FEW)


_FIT = "wanted one for each point. Draw what has been measured so far."


@dataclass(frozen=True)
class Level(Record):
    """A straight reference: a value of y from side to side, or of x from bottom to top."""

    name: str
    value: float
    upright: bool = False
    """Whether it is a value of x."""
    colour: str = NEUTRAL
    number: str | None = ""
    """Plotly's form of its value, such as "%{y:.3~p}", which follows its name under the pointer; None says nothing
    there and leaves it out of the figure in words."""


@dataclass(frozen=True)
class Point(Record):
    """Where the reader's knobs stand, in orange. Without a name it is neither in the legend nor under the pointer."""

    name: str
    x: float
    y: float
    listed: bool = True
    """Whether it is in the legend; if not, it is a diamond on one of the curves."""


@dataclass(frozen=True)
class Shade(Record):
    """A range of x that is set apart, with the word that says why."""

    name: str
    low: float
    high: float


def spread(mean: ArrayLike, deviation: ArrayLike) -> dict[str, Any]:
    """Return the band of a Curve from its mean and its deviation, each (point,)."""
    middle, half = np.asarray(mean, np.float64), np.asarray(deviation, np.float64)
    return {"low": middle - half, "high": middle + half}
