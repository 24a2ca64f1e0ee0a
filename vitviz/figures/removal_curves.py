"""The score as patches go or come in the order of several maps, beside what random orders do."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import PINNED
from vitviz.figures.theme import NEUTRAL


def removal_curves(
    fractions: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    random: Curve | None = None,
    x_title: str = "Share of the patches removed",
    y_title: str = "Probability",
) -> go.Figure:
    """Return one curve a map over the share of the patches, with ``random``, what random orders do, before them.

    ``fractions`` is (step,) in [0, 1], every curve is (step,). The n-th curve has the n-th colour, so two figures of
    the same maps agree. Raises OptionError for no curves, curves of another length and non-finite values.
    """
    drawn = [
        Curve(name, fractions, values, PINNED[place % len(PINNED)])
        for place, (name, values) in enumerate(curves.items())
    ]
    return line_chart(
        [*([random] if random is not None and drawn else []), *drawn],
        x=Axis(x_title, ".0%"),
        y=Axis(y_title),
        hover="{name}<br>%{x:.3~p}: %{y:.4g}",
        legend=True,
    )


def random_curve(name: str, fractions: ArrayLike, mean: ArrayLike, low: ArrayLike, high: ArrayLike) -> Curve:
    """Return what random orders do, each (step,): their mean as a dotted grey line in the band of their interval."""
    return Curve(name, fractions, mean, NEUTRAL, "dot", "line", low, high, opacity=0.22)
