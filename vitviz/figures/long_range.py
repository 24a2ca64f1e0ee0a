"""Figures of the Long range page: accuracy against distance, verdicts side by side, what an attention layer counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from vitviz.errors import OptionError
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.figures.theme import QUERY_ORANGE, axis, band, faint, figure, level_line, plain, small
from vitviz.record import Record

SECOND_CNN = "#9C3F00"
"""A darker vermilion, for a second convolutional network; its curves are dashed too. Darker still, it would be lost on
the ground of the dark theme."""


@dataclass(frozen=True)
class Answers(Record):
    """What one network says, and how it is drawn."""

    name: str
    values: ArrayLike
    """(distance,) accuracies, or (answer,) probabilities, in [0, 1]."""
    deviation: ArrayLike | None = None
    """(distance,): standard deviation over seeds, drawn as a band."""
    colour: str = VIT_BLUE
    dashed: bool = False


def distance_curves(
    distances: ArrayLike,
    curves: Sequence[Answers],
    *,
    chance: tuple[str, float],
    field: tuple[str, float] | None = None,
    current: float | None = None,
    x_title: str = "Distance (pixels)",
    y_title: str = "Accuracy",
    height: int = 380,
) -> go.Figure:
    """Return accuracy against distance with bands, the level of guessing, and where a field ends.

    ``distances`` (distance,) in pixels; ``field`` a name and the distance from which no window holds both halves,
    shaded from there on; ``current`` the distance of the board that is shown. Raises OptionError for no curves or
    curves of another length.
    """
    places = small(distances, x_title)
    wrong = [each.name for each in curves if np.shape(each.values) != places.shape]
    if wrong or not curves:
        raise OptionError(
            f"Curves of another length than the {len(places)} distances: "
            f"{', '.join(wrong) or 'none was given'}; wanted at least one, with a value a distance."
        )
    guess = level_line(*chance, places[[0, -1]], "%{y:.1%}")
    traces = [trace for each in curves for trace in _band(each, places)]
    traces += [guess, *(_curve(each, places, x_title) for each in curves)]
    made = figure(
        traces,
        x=axis(x_title, tickvals=places, zeroline=False),
        y=axis(y_title, tickformat=".0%", range=[0, 1.04]),
        height=height,
        showlegend=True,
    )
    if field is not None:
        made.add_vrect(
            x0=field[1],
            x1=float(places[-1] + (places[1] - places[0]) / 2) if len(places) > 1 else field[1] + 1,
            fillcolor=faint(CNN_VERMILION, 0.10),
            line_width=0,
            annotation_text=plain(field[0]),
            annotation_position="bottom right",
        )
    if current is not None:
        made.add_vline(x=current, line={"color": QUERY_ORANGE, "width": 2, "dash": "dash"})
    return made


def _band(one: Answers, places: ArrayLike) -> list[go.Scatter]:
    if one.deviation is None or not np.any(one.deviation):
        return []
    values, deviation = np.asarray(one.values, float), np.asarray(one.deviation, float)
    low, high = np.clip(values - deviation, 0, 1), np.clip(values + deviation, 0, 1)
    return band(one.name, places, low, high, one.colour)


def _curve(one: Answers, places: ArrayLike, x_title: str) -> go.Scatter:
    return go.Scatter(
        x=places,
        y=small(one.values, one.name),
        name=plain(one.name),
        mode="lines+markers",
        line={"color": one.colour, "width": 2.4, "dash": "dash" if one.dashed else "solid"},
        marker={"size": 7, "color": one.colour, "symbol": "diamond" if one.dashed else "circle"},
        hovertemplate=f"{plain(one.name)}<br>{plain(x_title)} %{{x}}: %{{y:.1%}}<extra></extra>",
    )


def verdict_bars(
    answers: Sequence[str], networks: Sequence[Answers], *, truth: int, x_title: str = "Probability", height: int = 300
) -> go.Figure:
    """Return the probability of every answer, one group of bars an answer and one bar a network.

    The right answer's name is bold. Raises OptionError for probabilities outside [0, 1], or of another number of
    answers.
    """
    places = np.arange(len(answers))
    bars = []
    for each in networks:
        shares = small(each.values, each.name)
        if shares.shape != places.shape or shares.min() < 0 or shares.max() > 1 + 1e-5:
            raise OptionError(
                f"{each.name} has {shares.shape} probabilities from {shares.min():.3g} to {shares.max():.3g} for "
                f"{len(answers)} answers; wanted one an answer, in [0, 1]."
            )
        bars.append(
            go.Bar(
                x=shares,
                y=places,
                orientation="h",
                name=plain(each.name),
                customdata=[plain(answer) for answer in answers],
                marker={"color": each.colour, "pattern": {"shape": "/" if each.dashed else "", "solidity": 0.25}},
                texttemplate="%{x:.0%}",
                textposition="outside",
                cliponaxis=False,
                hovertemplate=f"{plain(each.name)}<br>%{{customdata}}: %{{x:.1%}}<extra></extra>",
            )
        )
    names = [f"<b>{plain(one)}</b>" if at == truth else plain(one) for at, one in enumerate(answers)]
    return figure(
        bars,
        x=axis(x_title, tickformat=".0%", range=[0, 1.12]),
        y=axis("", tickvals=places, ticktext=names, autorange="reversed", showgrid=False),
        height=height,
        showlegend=True,
        barmode="group",
        bargap=0.25,
    )


def count_curve(
    betas: ArrayLike,
    counts: ArrayLike,
    *,
    limit: tuple[str, float],
    current: tuple[float, float],
    x_title: str = "β",
    y_title: str = "trace(A)",
    height: int = 320,
) -> go.Figure:
    """Return what an attention layer counts against β, the exact number it tends to, and the β that is chosen."""
    places = small(betas, x_title)
    line = go.Scatter(
        x=places,
        y=small(counts, y_title),
        name=plain(y_title),
        mode="lines",
        line={"color": VIT_BLUE, "width": 2.4},
        hovertemplate="β = %{x:.2f}: %{y:.3f}<extra></extra>",
    )
    exact = level_line(*limit, places[[0, -1]], "%{y}")
    point = go.Scatter(
        x=[current[0]],
        y=[current[1]],
        mode="markers",
        marker={"size": 12, "color": QUERY_ORANGE},
        showlegend=False,
        hoverinfo="skip",
    )
    return figure(
        [exact, line, point],
        x=axis(x_title, zeroline=False),
        y=axis(y_title, rangemode="tozero"),
        height=height,
        showlegend=True,
    )
