"""The score as patches go or come in the order of several maps, beside what random orders do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from vitviz.errors import OptionError
from vitviz.figures import theme
from vitviz.figures.palettes import PINNED
from vitviz.figures.theme import NEUTRAL, axis, figure, plain, small
from vitviz.record import Record


@dataclass(frozen=True)
class Band(Record):
    """What random orders do: mean and interval, each (step,)."""

    name: str
    mean: ArrayLike
    low: ArrayLike
    high: ArrayLike


def removal_curves(
    fractions: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    band: Band | None = None,
    x_title: str = "Share of the patches removed",
    y_title: str = "Probability",
    height: int = 340,
) -> go.Figure:
    """Return one curve a map over the share of the patches, with the band of random orders behind them.

    ``fractions`` is (step,) in [0, 1], every curve is (step,). The n-th curve has the n-th colour, so two figures of
    the same maps agree. Raises OptionError for no curves, curves of another length and non-finite values.
    """
    shares = small(fractions, x_title)
    numbers = {name: small(values, name) for name, values in curves.items()}
    wrong = [name for name, values in numbers.items() if values.shape != shares.shape]
    if wrong or not numbers:
        raise OptionError(
            f"Curves of another length than the {len(shares)} steps: {', '.join(wrong) or 'none was given'}; "
            "wanted at least one, with a value a step. Draw tests with the same steps together."
        )
    lines = [
        go.Scatter(
            x=shares,
            y=values,
            name=plain(name),
            mode="lines+markers",
            line={"color": PINNED[place % len(PINNED)], "width": 2.2},
            marker={"size": 5},
            hovertemplate=f"{plain(name)}<br>%{{x:.0%}}: %{{y:.4g}}<extra></extra>",
        )
        for place, (name, values) in enumerate(numbers.items())
    ]
    return figure(
        [*([] if band is None else _band(shares, band)), *lines],
        x=axis(x_title, tickformat=".0%"),
        y=axis(y_title),
        height=height,
        showlegend=True,
    )


def _band(shares: ArrayLike, band: Band) -> list[go.Scatter]:
    return [
        *theme.band(band.name, shares, band.low, band.high, NEUTRAL, opacity=0.22),
        go.Scatter(
            x=shares,
            y=small(band.mean, band.name),
            name=plain(band.name),
            mode="lines",
            line={"color": NEUTRAL, "width": 2, "dash": "dot"},
            hovertemplate=f"{plain(band.name)}<br>%{{x:.0%}}: %{{y:.4g}}<extra></extra>",
        ),
    ]
