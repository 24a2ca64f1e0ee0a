"""The line chart on the screen: every figure of the dashboard with curves is this one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from vitviz.errors import OptionError
from vitviz.figures.axes import Axis, Span
from vitviz.figures.curve import FADED, Curve, Level, Point, Shade
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, faint, figure, plain, small

PLACE = "{name}<br>%{x:.4g}: %{y:.4g}"
TITLED = "{name}<br>{title} %{x:.4g}: %{y:.4g}"
LAYER = "{name}<br>{title} %{x}: %{y:.4g}"
"""What the pointer tells of a point, in Plotly's words; {name} is the curve's and {title} that of the x axis."""


def line_chart(
    items: Sequence[Curve | Level | Point],
    *,
    x: Axis,
    y: Axis,
    hover: str = PLACE,
    legend: bool | None = None,
    shade: Shade | None = None,
    mark: float | None = None,
    height: int = 340,
) -> go.Figure:
    """Return curves, levels and points in the order given, the bands behind all of them.

    ``hover`` is what the pointer tells (PLACE, TITLED, LAYER or another text in Plotly's words). ``legend`` None
    draws one for more than one item. ``mark`` draws an orange line at a value of x. ``height`` in pixels.
    Raises OptionError for no curve, parts of different lengths, values that are not finite, or, on a logarithmic axis,
    not positive.
    """
    curves = [item for item in items if isinstance(item, Curve)]
    if not curves:
        raise OptionError("A line chart needs at least one curve; got none. Pass [Curve(name, x, y)].")
    across, up = _span(items, 0, x), _span(items, 1, y)
    hover = hover.replace("{title}", plain(x.title))
    traces = [edge for curve in curves for edge in _band(curve)]
    for item in items:
        if isinstance(item, Curve):
            traces.append(_curve(item, hover))
        elif isinstance(item, Level):
            traces.append(_level(item, x.span or across, y.span or up))
        else:
            traces.append(_point(item))
    made = figure(
        traces,
        x=x.settings(across),
        y=y.settings(up),
        height=height,
        showlegend=len(items) > 1 if legend is None else legend,
    )
    if shade is not None:
        _shade(made, shade, log=x.log)
    if mark is not None:
        made.add_vline(x=mark, line={"color": QUERY_ORANGE, "width": 2})
    return made


def _span(items: Sequence[Curve | Level | Point], side: int, axis: Axis) -> Span:
    """Return the smallest and largest value along an axis; refuses what a logarithm has no place for."""
    ends = []
    for item in items:
        if isinstance(item, Level):
            continue
        values = item.points()[side] if isinstance(item, Curve) else small([(item.x, item.y)[side]], item.name)
        if axis.log and values.min() <= 0:
            raise OptionError(
                f"A logarithmic axis has no place for {values.min():g}, in {item.name!r}; wanted positive values. "
                "Leave those out, clip them, or use an even axis."
            )
        ends += [float(values.min()), float(values.max())]
    return min(ends), max(ends)


def _curve(curve: Curve, hover: str) -> go.Scatter:
    x, y = curve.points()
    mode = ["lines"] * curve.has_line + ["markers"] * curve.has_dots
    return go.Scatter(
        x=x,
        y=y,
        name=plain(curve.name),
        mode="+".join(mode),
        line={"color": curve.colour, "width": 2.2 if curve.listed else 1.2, "dash": curve.dash},
        marker={"size": 6 if curve.has_line else 8, "color": curve.colour, "symbol": curve.symbol},
        showlegend=None if curve.listed else False,
        opacity=FADED if curve.faded else 1,
        customdata=[plain(name) for name in curve.point_names] or None,
        hovertemplate=hover.replace("{name}", plain(curve.name)) + "<extra></extra>",
    )


def _band(curve: Curve) -> list[go.Scatter]:
    """Return the faint band round a curve: its edges are neither in the legend nor under the pointer."""
    edges = curve.band()
    if edges is None:
        return []
    edge = {"x": curve.points()[0], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    fill = {"fill": "tonexty", "fillcolor": faint(curve.colour, curve.opacity)}
    return [go.Scatter(y=edges[0], **edge), go.Scatter(y=edges[1], **fill, **edge)]


def _level(level: Level, across: Span, up: Span) -> go.Scatter:
    both = (level.value, level.value)
    x, y = (both, up) if level.upright else (across, both)
    told = plain(level.name) + (f": {level.number}" if level.number else "")
    under = {"hoverinfo": "skip"} if level.number is None else {"hovertemplate": f"{told}<extra></extra>"}
    return go.Scatter(
        x=small(x, level.name),
        y=small(y, level.name),
        name=plain(level.name),
        mode="lines",
        line={"color": level.colour, "width": 1.5, "dash": "dot"},
        **under,
    )


def _point(point: Point) -> go.Scatter:
    told = PLACE.replace("{name}", plain(point.name)) + "<extra></extra>"
    border = {"width": 2 if point.listed else 1, "color": "#FFFFFF"}
    mark = {"size": 15} if point.listed else {"size": 12, "symbol": "diamond"}
    return go.Scatter(
        x=small([point.x], point.name),
        y=small([point.y], point.name),
        name=plain(point.name),
        mode="markers",
        marker={"color": QUERY_ORANGE, "line": border} | mark,
        showlegend=point.listed and bool(point.name),
        **({"hovertemplate": told} if point.name else {"hoverinfo": "skip"}),
    )


def _shade(made: go.Figure, shade: Shade, *, log: bool) -> None:
    made.add_vrect(x0=shade.low, x1=shade.high, fillcolor=faint(NEUTRAL, 0.18), line_width=0)
    place = (shade.low * shade.high) ** 0.5 if log else (shade.low + shade.high) / 2
    made.add_annotation(
        text=plain(shade.name),
        x=np.log10(place) if log else place,
        y=0.98,
        yref="paper",
        yanchor="top",
        showarrow=False,
    )
