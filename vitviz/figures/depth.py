"""Curves of networks of different depth on one axis: the share of the way through each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, axis, band, figure, plain, small
from vitviz.record import Record


@dataclass(frozen=True)
class DepthCurve(Record):
    """One quantity of one network, from its first layer to its last."""

    name: str
    values: ArrayLike
    """(layer,)."""
    layers: Sequence[str]
    """Name of each layer, for the hover text."""
    colour: str = VIT_BLUE
    dashed: bool = False
    low: ArrayLike | None = None
    """Lower edge of the band, (layer,)."""
    high: ArrayLike | None = None
    """Upper edge of the band, (layer,)."""


def depth_curve(
    curves: Sequence[DepthCurve],
    *,
    y_title: str,
    x_title: str = "Depth",
    mark: float | None = None,
    reference: tuple[str, float] | None = None,
    height: int = 360,
) -> go.Figure:
    """Return quantities against depth, 100 % being the last layer of each network.

    ``mark`` draws a line at a depth from 0 to 1; ``reference`` a dotted level with a name.
    Raises OptionError for no curves, a curve without a name for each layer, or non-finite values.
    """
    if not curves:
        raise OptionError("A depth curve needs at least one curve; got none. Pass [DepthCurve(…)].")
    traces = [trace for one in curves for trace in _band(one)] + [_line(one) for one in curves]
    if reference is not None:
        name, level = reference
        traces.append(
            go.Scatter(
                x=np.array([0, 1], np.float32),
                y=small([level, level], name),
                name=plain(name),
                mode="lines",
                line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
                hovertemplate=f"{plain(name)}: %{{y:.4g}}<extra></extra>",
            )
        )
    made = figure(
        traces,
        x=axis(x_title, tickformat=".0%", range=[0, 1.02], zeroline=False),
        y=axis(y_title, rangemode="tozero"),
        height=height,
        showlegend=True,
    )
    if mark is not None:
        made.add_vline(x=mark, line={"color": QUERY_ORANGE, "width": 2})
    return made


def _places(one: DepthCurve) -> NDArray[np.float32]:
    count = np.shape(one.values)[0]
    if count != len(one.layers):
        raise OptionError(f"The curve {one.name!r} has {count} values for {len(one.layers)} layers; wanted one each.")
    places: NDArray[np.float32] = (np.arange(1, count + 1) / count).astype(np.float32)
    return places


def _line(one: DepthCurve) -> go.Scatter:
    return go.Scatter(
        x=_places(one),
        y=small(one.values, one.name),
        name=plain(one.name),
        mode="lines" if one.dashed else "lines+markers",
        line={"color": one.colour, "width": 2.2, "dash": "dash" if one.dashed else "solid"},
        marker={"size": 6, "color": one.colour},
        customdata=[plain(layer) for layer in one.layers],
        hovertemplate=f"{plain(one.name)}<br>%{{customdata}}: %{{y:.4g}}<extra></extra>",
    )


def _band(one: DepthCurve) -> list[go.Scatter]:
    if one.low is None or one.high is None:
        return []
    return band(one.name, _places(one), one.low, one.high, one.colour)
