"""Bars: the answers of one model before and after, those of several networks side by side, and how values spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, TYPE, axis, figure, plain, small
from vitviz.numbers import percent

_NUMBERS = {
    "texttemplate": "%{text}",
    "textposition": "outside",
    "textfont": {"size": TYPE},
    "constraintext": "none",  # else they shrink with the bars
    "cliponaxis": False,
}
"""The share at the end of each bar."""
_MARGIN = {"l": 8, "r": 30, "t": 28, "b": 8}
"""Room for that share at the end of the longest bar, where long names leave little on a phone."""


class Verdict(NamedTuple):
    """What one network says, and how it is drawn."""

    name: str
    probabilities: ArrayLike
    """(answer,) in [0, 1]."""
    colour: str = VIT_BLUE
    hatched: bool = False


def answers_bar(
    names: Sequence[str],
    before: ArrayLike,
    after: ArrayLike | None = None,
    *,
    x_title: str = "Probability",
    labels: tuple[str, str] = ("before", "after"),
    colour: str = VIT_BLUE,
    height: int | None = None,
) -> go.Figure:
    """Return the model's best answers as bars, best first; with ``after``, before and after an intervention.

    ``before`` and ``after`` are probabilities in [0, 1], one a name. ``colour`` is the model's: VIT_BLUE, or
    CNN_VERMILION for a convolutional network. Raises OptionError for numbers outside, or another number of names.
    """
    groups = [_shares(before, len(names), labels[0])]
    if after is not None:
        groups.append(_shares(after, len(names), labels[1]))
    colours = [colour] if after is None else [NEUTRAL, colour]
    places = np.arange(len(names), dtype=np.int32)
    shown = [plain(name) for name in names]
    bars = [
        go.Bar(
            x=group,
            y=places,
            text=_numbers(group),
            orientation="h",
            name=plain(label),
            marker={"color": colour},
            customdata=shown,
            **_NUMBERS,
            hovertemplate=f"%{{customdata}}<br>{plain(label)}: %{{x:.3~p}}<extra></extra>",
        )
        for group, label, colour in zip(groups, labels, colours, strict=False)
    ]
    largest = max(float(group.max()) for group in groups)
    end = min(1.0, largest) * 1.25 + 0.01
    marks: dict[str, Any] = {"tickvals": [0, 0.5, 1]} if end >= 1.2 else {}  # there is no 120%
    return figure(
        bars,
        x=axis(x_title, tickformat=".0%" if largest > 0.05 else ".1%", range=[0, end], **marks),
        # Positions with texts, not the names themselves: two classes of ImageNet are called "crane".
        y=axis("", tickvals=places, ticktext=shown, autorange="reversed", showgrid=False, zeroline=False),
        height=height or 84 + (28 if after is None else 54) * len(names),
        showlegend=after is not None,
        margin=_MARGIN,
        bargap=0.25,
    )


def _numbers(shares: NDArray[np.float32]) -> list[str]:
    """Return shares as they stand at their bars, and not with all the noughts of a very small one."""
    return [plain(percent(share)) for share in shares]


def _shares(values: ArrayLike, count: int, label: str) -> NDArray[np.float32]:
    shares = small(values, label)
    if shares.shape != (count,):
        raise OptionError(f"Got {shares.shape} probabilities {label!r} for {count} names; wanted one a name.")
    if shares.min() < 0 or shares.max() > 1 + 1e-5:
        raise OptionError(
            f"Probabilities {label!r} run from {shares.min():.3g} to {shares.max():.3g}; wanted numbers in [0, 1]. "
            "Apply softmax to logits first."
        )
    return shares


def verdict_bars(
    answers: Sequence[str], networks: Sequence[Verdict], *, truth: int, x_title: str = "Probability", height: int = 300
) -> go.Figure:
    """Return the probability of every answer, one group of bars an answer and one bar a network.

    The right answer's name is bold. Raises OptionError for probabilities outside [0, 1], or of another number of
    answers.
    """
    places = np.arange(len(answers))
    bars = []
    for verdict in networks:
        shares = small(verdict.probabilities, verdict.name)
        if shares.shape != places.shape or shares.min() < 0 or shares.max() > 1 + 1e-5:
            raise OptionError(
                f"{verdict.name} has {shares.shape} probabilities from {shares.min():.3g} to {shares.max():.3g} for "
                f"{len(answers)} answers; wanted one an answer, in [0, 1]."
            )
        bars.append(
            go.Bar(
                x=shares,
                y=places,
                text=_numbers(shares),
                orientation="h",
                name=plain(verdict.name),
                customdata=[plain(answer) for answer in answers],
                marker={
                    "color": verdict.colour,
                    "pattern": {"shape": "/" if verdict.hatched else "", "solidity": 0.25},
                },
                **_NUMBERS,
                hovertemplate=f"{plain(verdict.name)}<br>%{{customdata}}: %{{x:.3~p}}<extra></extra>",
            )
        )
    names = [f"<b>{plain(answer)}</b>" if at == truth else plain(answer) for at, answer in enumerate(answers)]
    return figure(
        bars,
        x=axis(x_title, tickformat=".0%", range=[0, 1.12]),
        y=axis("", tickvals=places, ticktext=names, autorange="reversed", showgrid=False),
        height=height,
        showlegend=True,
        margin=_MARGIN,
        barmode="group",
        bargap=0.25,
    )


def histogram(
    values: ArrayLike,
    *,
    x_title: str,
    y_title: str = "Count",
    bins: int = 30,
    mark: tuple[str, float] | None = None,
    height: int = 280,
) -> go.Figure:
    """Return how often values occur, counted here in ``bins`` equal bins so that only the counts travel.

    ``x_title`` names the quantity and its unit; ``mark`` draws a named vertical line at a value.
    """
    if bins < 1:
        raise OptionError(f"A histogram needs at least one bin; got {bins}. Thirty is a good start.")
    counts, edges = np.histogram(small(values, x_title), bins=bins)
    bars = go.Bar(
        x=((edges[:-1] + edges[1:]) / 2).astype(np.float32),
        y=counts.astype(np.int32),
        width=np.diff(edges).astype(np.float32),
        marker={"color": VIT_BLUE, "line": {"width": 0}},
        customdata=np.stack([edges[:-1], edges[1:]], axis=-1).astype(np.float32),
        hovertemplate="%{customdata[0]:.4g} … %{customdata[1]:.4g}: %{y}<extra></extra>",
    )
    made = figure([bars], x=axis(x_title), y=axis(y_title), height=height, bargap=0.04)
    if mark is not None:
        name, value = mark
        made.add_vline(
            x=value, line={"color": QUERY_ORANGE, "width": 2}, annotation_text=plain(name), annotation_position="top"
        )
    return made
