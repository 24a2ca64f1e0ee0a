"""The curve sketch: an empty plot into which a reader draws what a curve will look like, with pointer or keyboard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import streamlit as st

from vitviz.numbers import percent
from vitviz.ui.components.labels import sketch_labels
from vitviz.ui.components.packing import pack
from vitviz.ui.components.sources import SKETCH
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_curve_sketch", html=SKETCH.html, css=SKETCH.css, js=SKETCH.module)
_TICKS = 5


@dataclass(frozen=True, kw_only=True)
class SketchAxes:
    """The empty plot: places on the horizontal axis, each with a height to draw, and the range of the vertical one."""

    places: Sequence[float]
    """Rising, at least two."""
    x_title: str
    y_title: str
    low: float
    high: float
    log: bool = False
    """Whether the vertical axis is logarithmic."""
    log_places: bool = False
    """Whether the horizontal axis is logarithmic."""
    percent: bool = False
    """Whether heights are shares, said in per cent."""

    def value(self, share: float) -> float:
        """Return the height at a share of the axis from its lower end."""
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + (self.high - self.low) * share

    def share(self, value: float) -> float:
        """Return the share of the axis, from its lower end, at which a height lies; 0 or 1 beyond its ends."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def words(self, value: float) -> str:
        """Return a height as text."""
        return percent(value) if self.percent else f"{value:,.3g}"

    def ticks(self) -> list[tuple[float, str]]:
        """Return what stands at the vertical axis: share of the axis and text."""
        if not self.log:
            return [(step / (_TICKS - 1), self.words(self.value(step / (_TICKS - 1)))) for step in range(_TICKS)]
        powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
        return [(self.share(10.0**power), f"{10.0**power:g}") for power in powers]

    def read(self, sent: object) -> tuple[float, ...] | None:
        """Return the heights that the browser sent, one a place, or None for anything else."""
        heights = sent.get("heights") if isinstance(sent, dict) else None
        if not isinstance(heights, list) or len(heights) != len(self.places):
            return None
        if not all(isinstance(share, int | float) and 0 <= share <= 1 for share in heights):
            return None
        return tuple(self.value(float(share)) for share in heights)

    def shares(self) -> list[float]:
        """Return where each place lies on the horizontal axis, from 0 to 1."""
        scale = [math.log(place) for place in self.places] if self.log_places else list(self.places)
        return [(place - scale[0]) / (scale[-1] - scale[0]) for place in scale]

    def pack(self) -> bytes:
        """Return the blob for the browser."""
        meta = {
            "places": [f"{place:g}" for place in self.places],
            "shares": self.shares(),
            "x_title": self.x_title,
            "y_title": self.y_title,
            "low": self.low,
            "high": self.high,
            "log": self.log,
            "percent": self.percent,
            "ticks": self.ticks(),
            "labels": sketch_labels(),
            "content": blake2b(repr((self.places, self.low, self.high)).encode(), digest_size=8).hexdigest(),
        }
        return pack(meta, {})


def curve_sketch(axes: SketchAxes, *, key: str, on_drawn: Callable[[tuple[float, ...]], None]) -> None:
    """Show the empty plot; ``on_drawn`` gets one height a place before the script runs again."""

    def drawn(said: object) -> None:
        heights = axes.read(said)
        if heights is not None:
            on_drawn(heights)

    mount(_component, axes.pack(), key=key, drawn=drawn)
