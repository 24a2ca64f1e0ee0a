"""Laws as curves: how quantities grow, with the current point, named places, and logarithmic axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, axis, band, figure, plain, small
from vitviz.record import Record


@dataclass(frozen=True)
class Law(Record):
    """One curve."""

    name: str
    values: ArrayLike
    """(point,)."""
    colour: str
    dashed: bool = False
    """Dashed for a formula that stands beside a measurement."""
    dots: bool = False
    """Whether the points are drawn too: for measurements."""
    low: ArrayLike | None = None
    """Lower edge of a band, (point,)."""
    high: ArrayLike | None = None
    """Upper edge of a band, (point,)."""


def scaling(
    x: ArrayLike,
    laws: Sequence[Law],
    *,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    points: Mapping[str, tuple[float, float]] | None = None,
    marks: Mapping[str, float] | None = None,
    y_range: tuple[float, float] | None = None,
    height: int = 380,
) -> go.Figure:
    """Return curves over common places.

    ``points`` are orange dots with a name, such as the current setting on a curve; ``marks`` dotted vertical lines
    with a name. ``y_range`` are the ends of the axis, in the values' own unit.
    Raises OptionError for no curves, another number of values than places, values that are not finite, or values
    below or at 0 on a logarithmic axis.
    """
    places = small(x, x_title)
    numbers = {law.name: small(law.values, law.name) for law in laws}
    _check(places, numbers, log_x, log_y)
    shown = np.concatenate(list(numbers.values()))
    ends = y_range or (float(shown.min()), float(shown.max()))
    lines = [trace for law in laws for trace in _band(places, law)]
    lines += [_mark(name, place, ends) for name, place in (marks or {}).items()]
    lines += [_line(places, numbers[law.name], law) for law in laws]
    lines += [_point(name, place) for name, place in (points or {}).items()]
    span = {} if y_range is None else {"range": list(np.log10(ends) if log_y else ends)}
    return figure(
        lines,
        x=axis(x_title, zeroline=False, **_kind(log_x, _decades(places))),
        y=axis(y_title, **_kind(log_y, _decades(np.array(ends))), **span),
        height=height,
        showlegend=True,
    )


def _kind(logarithmic: bool, decades: float) -> dict[str, object]:
    """Return the axis settings; a logarithmic one labels powers of ten, and 2 and 5 between few of them."""
    if not logarithmic:
        return {}
    return {"type": "log", "dtick": 1 if decades > 2.5 else "D2", "exponentformat": "power"}


def _decades(values: NDArray[np.floating[Any]]) -> float:
    """Return how many powers of ten values span; 0 where there is no logarithm."""
    low, high = float(values.min()), float(values.max())
    return float(np.log10(high / low)) if low > 0 else 0.0


def _check(places: NDArray[np.float32], numbers: Mapping[str, NDArray[np.float32]], log_x: bool, log_y: bool) -> None:
    wrong = [name for name, values in numbers.items() if values.shape != places.shape]
    if wrong or not numbers:
        raise OptionError(
            f"Curves with another number of values than the {len(places)} places: {', '.join(wrong) or 'none given'}; "
            "wanted at least one, with a value a place."
        )
    low = [name for name, values in numbers.items() if log_y and values.min() <= 0]
    if low or (log_x and places.min() <= 0):
        raise OptionError(
            f"A logarithmic axis has no place for 0 and below; got such values in {', '.join(low) or 'the places'}. "
            "Clip them, or use a plain axis."
        )


def _line(places: NDArray[np.float32], values: NDArray[np.float32], law: Law) -> go.Scatter:
    return go.Scatter(
        x=places,
        y=values,
        name=plain(law.name),
        mode="lines+markers" if law.dots else "lines",
        line={"color": law.colour, "width": 2.2, "dash": "dash" if law.dashed else "solid"},
        marker={"size": 6, "color": law.colour},
        hovertemplate=f"{plain(law.name)}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
    )


def _band(places: NDArray[np.float32], law: Law) -> list[go.Scatter]:
    if law.low is None or law.high is None:
        return []
    return band(law.name, places, law.low, law.high, law.colour)


def _mark(name: str, place: float, ends: tuple[float, float]) -> go.Scatter:
    return go.Scatter(
        x=small([place, place], name),
        y=small(ends, name),
        name=plain(name),
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )


def _point(name: str, place: tuple[float, float]) -> go.Scatter:
    return go.Scatter(
        x=small([place[0]], name),
        y=small([place[1]], name),
        name=plain(name),
        mode="markers",
        marker={"size": 12, "color": QUERY_ORANGE, "symbol": "diamond", "line": {"width": 1, "color": "#FFFFFF"}},
        hovertemplate=f"{plain(name)}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
        showlegend=False,
    )
