"""The axes of a line chart: what is measured, in which unit, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vitviz.errors import check_choice
from vitviz.figures.theme import axis, plain
from vitviz.record import Record

Span = tuple[float, float]
"""Smallest and largest value."""
MARKS = ("numbers", "powers", "auto")
"""What stands on a logarithmic axis: 1, 2, 5, 10, 20 … in full, and powers of ten beyond three decades, every second
beyond seven; powers of ten with small 2 and 5 between them, alone beyond two and a half decades; or Plotly's choice."""


@dataclass(frozen=True)
class Axis(Record):
    """One axis."""

    title: str
    """The quantity and its unit."""
    form: str = ""
    """How numbers are written, in the words of d3: ".0%" for shares, "d" for whole numbers."""
    span: Span | None = None
    """Its ends in the unit of the values; None fits them to the curves."""
    from_zero: bool = False
    ticks: Sequence[float] = ()
    """The places that have a mark, where they are chosen."""
    tick_names: Sequence[str] = ()
    """What stands at the marks instead of their numbers."""
    step: float | None = None
    """From mark to mark."""
    log: bool = False
    marks: str = "numbers"
    """One of MARKS, for a logarithmic axis."""

    def __post_init__(self) -> None:
        check_choice("Marks of an axis", self.marks, MARKS)

    def settings(self, values: Span) -> dict[str, Any]:
        """Return the axis in Plotly's words; ``values`` are the ends of what is drawn."""
        more: dict[str, Any] = {"tickformat": self.form} if self.form else {}
        if self.log:
            more |= {"type": "log", **self._decades(values)}
        if self.span is not None:
            more["range"] = list(np.log10(self.span) if self.log else self.span)
        if self.from_zero:
            more["rangemode"] = "tozero"
        if self.step is not None:
            more["dtick"] = self.step
        if len(self.ticks):
            names = self.tick_names or [f"{tick:g}" for tick in self.ticks]
            more |= {"tickvals": list(self.ticks), "ticktext": [plain(name) for name in names]}
        return axis(self.title, **more)

    def _decades(self, values: Span) -> dict[str, Any]:
        if self.marks == "auto":
            return {}
        low, high = self.span or values
        decades = float(np.log10(high / low))
        if self.marks == "powers":
            return {"dtick": 1 if decades > 2.5 else "D2", "exponentformat": "power"}
        if decades > 3:
            return {"dtick": 1 if decades < 7 else 2, "exponentformat": "power"}
        return {"dtick": "D2", "tickformat": "~g"}


def layer_axis(title: str, layers: int) -> Axis:
    """Return the axis of a model's depth: whole numbers, all of them where they have room."""
    return Axis(title, "d", step=1 if layers <= 16 else None)
