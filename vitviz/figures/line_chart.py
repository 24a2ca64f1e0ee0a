"""Lines and dots of a quantity against a knob, on even or logarithmic axes, with levels and the reader's own point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, Axis, axis, band, faint, figure, plain, small
from vitviz.record import Record


@dataclass(frozen=True)
class Line(Record):
    """One line, or a row of dots."""

    name: str
    x: ArrayLike
    y: ArrayLike
    """As many as ``x``."""
    colour: str = VIT_BLUE
    dash: str = "solid"
    """Plotly's word: "solid", "dash" or "dot"."""
    kind: str = "line"
    """"line", "dots", "both" or "steps"."""
    low: ArrayLike | None = None
    """Lower edge of a band."""
    high: ArrayLike | None = None
    """Upper edge of a band."""


@dataclass(frozen=True)
class Level(Record):
    """A straight reference: a value of y from side to side, or of x from bottom to top."""

    name: str
    value: float
    upright: bool = False
    """Whether it is a value of x."""
    colour: str = NEUTRAL


@dataclass(frozen=True)
class Shade(Record):
    """A range of x that is set apart, with the word that says why."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Point(Record):
    """Where the reader's knobs stand."""

    name: str
    x: float
    y: float


def line_chart(
    lines: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    log_x: bool = False,
    log_y: bool = False,
    levels: Sequence[Level] = (),
    shade: Shade | None = None,
    point: Point | None = None,
    ticks: Sequence[float] = (),
    height: int = 340,
) -> go.Figure:
    """Return lines and dots against a knob; titles name the quantity and its unit.

    ``levels`` are dotted references, ``point`` an orange dot, ``ticks`` the marks of x where they are chosen.
    Raises OptionError for no lines, x and y of different lengths, values that are not finite, or, on a logarithmic
    axis, not positive.
    """
    if not lines:
        raise OptionError("A line chart needs at least one line; got none. Pass [Line(name, x, y)].")
    across, up = _span(lines, point, "x", log_x), _span(lines, point, "y", log_y)
    traces = [each for one in lines for each in _band(one)] + [_line(one, x_title) for one in lines]
    traces += [_level(one, across, up) for one in levels]
    if point is not None:
        traces.append(_point(point))
    chosen = {"tickvals": list(ticks), "ticktext": [f"{each:g}" for each in ticks]} if ticks else {}
    made = figure(
        traces,
        x=_axis(x_title, across, log=log_x, **chosen),
        y=_axis(y_title, up, log=log_y),
        height=height,
        showlegend=len(lines) + len(levels) > 1 or point is not None,
    )
    if shade is not None:
        made.add_vrect(x0=shade.low, x1=shade.high, fillcolor=faint(NEUTRAL, 0.18), line_width=0)
        place = (shade.low * shade.high) ** 0.5 if log_x else (shade.low + shade.high) / 2
        made.add_annotation(
            text=plain(shade.name),
            x=np.log10(place) if log_x else place,
            y=0.98,
            yref="paper",
            yanchor="top",
            showarrow=False,
        )
    return made


def _axis(title: str, span: tuple[float, float], *, log: bool, **more: object) -> Axis:
    if not log:
        return axis(title, **more)
    decades = np.log10(span[1] / span[0])
    marks: dict[str, object] = {"dtick": "D2", "tickformat": "~g"}  # 1, 2, 5
    if decades > 3:  # powers of ten alone, every second one where they are many
        marks = {"dtick": 1 if decades < 7 else 2, "exponentformat": "power"}
    return axis(title, type="log", **(marks | more))


def _span(lines: Sequence[Line], point: Point | None, which: str, log: bool) -> tuple[float, float]:
    """Return the smallest and largest value along an axis; refuses what a logarithm has no place for."""
    parts = [small(getattr(one, which), one.name).ravel() for one in lines]
    if point is not None:
        parts.append(small([getattr(point, which)], point.name))
    values = np.concatenate(parts)
    if log and values.min() <= 0:
        raise OptionError(
            f"A logarithmic axis has no place for {values.min():g}; wanted positive values. "
            "Leave those out, or use an even axis."
        )
    return float(values.min()), float(values.max())


def _line(one: Line, x_title: str) -> go.Scatter:
    x, y = small(one.x, one.name), small(one.y, one.name)
    if x.shape != y.shape or x.ndim != 1:
        raise OptionError(
            f"The line {one.name!r} has x of shape {x.shape} and y of shape {y.shape}; wanted one y for each x."
        )
    return go.Scatter(
        x=x,
        y=y,
        name=plain(one.name),
        mode={"line": "lines", "steps": "lines", "dots": "markers"}.get(one.kind, "lines+markers"),
        line={"color": one.colour, "width": 2.2, "dash": one.dash, "shape": "hv" if one.kind == "steps" else "linear"},
        marker={"size": 8 if one.kind == "dots" else 6, "color": one.colour},
        hovertemplate=f"{plain(one.name)}<br>{plain(x_title)} %{{x:.4g}}: %{{y:.4g}}<extra></extra>",
    )


def _band(one: Line) -> list[go.Scatter]:
    if one.low is None or one.high is None:
        return []
    return band(one.name, small(one.x, one.name), one.low, one.high, one.colour)


def _level(one: Level, across: tuple[float, float], up: tuple[float, float]) -> go.Scatter:
    both = (one.value, one.value)
    x, y = (both, up) if one.upright else (across, both)
    return go.Scatter(
        x=small(x, one.name),
        y=small(y, one.name),
        name=plain(one.name),
        mode="lines",
        line={"color": one.colour, "width": 1.6, "dash": "dot"},
        hovertemplate=f"{plain(one.name)}<extra></extra>",
    )


def _point(one: Point) -> go.Scatter:
    x: NDArray[np.float32] = small([one.x], one.name)
    return go.Scatter(
        x=x,
        y=small([one.y], one.name),
        name=plain(one.name),
        mode="markers",
        marker={"size": 15, "color": QUERY_ORANGE, "line": {"width": 2, "color": "#FFFFFF"}},
        hovertemplate=f"{plain(one.name)}<br>%{{x:.4g}}: %{{y:.4g}}<extra></extra>",
    )
