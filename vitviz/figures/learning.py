"""Training runs as curves with bands, and repeated runs as dots with their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, axis, band, figure, level_line, plain, small
from vitviz.record import Record

_SPREAD = 0.22  # half the width over which the dots of a group stand


@dataclass(frozen=True)
class Learner(Record):
    """One curve: a network's readings, with a band of one standard deviation if there are several runs."""

    name: str
    x: ArrayLike
    """(reading,) updates, or digits in the training set."""
    values: ArrayLike
    """(reading,) the mean."""
    colour: str = VIT_BLUE
    deviations: ArrayLike | None = None
    """(reading,) half the width of the band."""
    dashed: bool = False


def learning_curves(
    learners: Sequence[Learner],
    *,
    x_title: str,
    y_title: str,
    x_ticks: Sequence[float] = (),
    logarithmic: tuple[bool, bool] = (False, False),
    percent: bool = False,
    reference: tuple[str, float] | None = None,
    height: int = 380,
) -> go.Figure:
    """Return curves of readings over updates or over the size of the training set.

    ``x_ticks`` are the places that have a label; ``logarithmic`` says so for x and y; ``percent`` prints values as
    percentages; ``reference`` is a named level, such as chance.
    Raises OptionError for no curve, curves whose parts differ in length, or values that are not finite.
    """
    if not learners:
        raise OptionError("A figure of learning needs at least one curve; got none. Pass Learner(…).")
    form = ".1%" if percent else ".4g"
    lines: list[go.Scatter] = []
    for each in learners:
        lines += [*_band(each), _line(each, form)]
    if reference is not None:
        lines.append(_level(reference, learners, form))
    ticks = {"tickvals": list(x_ticks), "ticktext": [f"{tick:g}" for tick in x_ticks]}
    kinds = ["log" if each else "linear" for each in logarithmic]
    return figure(
        lines,
        x=axis(x_title, type=kinds[0], **(ticks if x_ticks else {})),
        y=axis(y_title, type=kinds[1], tickformat=".0%" if percent else ""),
        height=height,
        showlegend=True,
    )


def _line(one: Learner, form: str) -> go.Scatter:
    x, y = small(one.x, one.name), small(one.values, one.name)
    if x.shape != y.shape:
        raise OptionError(
            f"{one.name} has {len(y)} values for {len(x)} places; wanted one each. Draw what has been read so far."
        )
    return go.Scatter(
        x=x,
        y=y,
        name=plain(one.name),
        mode="lines+markers" if len(x) <= 40 else "lines",
        line={"color": one.colour, "width": 2.2, "dash": "dash" if one.dashed else "solid"},
        marker={"size": 6, "color": one.colour},
        hovertemplate=f"{plain(one.name)}<br>%{{x:.4g}}: %{{y:{form}}}<extra></extra>",
    )


def _band(one: Learner) -> list[go.Scatter]:
    if one.deviations is None:
        return []
    middle = np.asarray(one.values, np.float64)
    half = np.asarray(one.deviations, np.float64)
    x = small(one.x, one.name)
    return band(one.name, x, middle - half, middle + half, one.colour, opacity=0.16)


def _level(reference: tuple[str, float], learners: Sequence[Learner], form: str) -> go.Scatter:
    name, value = reference
    places = np.concatenate([np.asarray(each.x, np.float64).ravel() for each in learners])
    return level_line(name, value, small([places.min(), places.max()], name), f"%{{y:{form}}}")


def repeated_runs(
    groups: Mapping[str, tuple[ArrayLike, str]],
    *,
    y_title: str,
    mean_title: str = "mean ± standard deviation",
    height: int = 360,
) -> go.Figure:
    """Return one column of dots a group, a dot a run, with the mean and one standard deviation beside them.

    ``groups`` has (values (run,) in [0, 1], colour) by name. Raises OptionError for no group, or one without runs.
    """
    if not groups:
        raise OptionError("Repeated runs need at least one group; got none. Train first.")
    dots, means = [], []
    for place, (name, (values, colour)) in enumerate(groups.items()):
        numbers = small(values, name)
        dots.append(_dots(name, numbers, colour, place))
        means.append((place + _SPREAD + 0.08, float(numbers.mean()), _deviation(numbers)))
    x, y, half = (small(each, mean_title) for each in zip(*means, strict=True))
    bars = go.Scatter(
        x=x,
        y=y,
        error_y={"type": "data", "array": half, "color": NEUTRAL, "thickness": 2, "width": 8},
        mode="markers",
        name=plain(mean_title),
        text=[plain(name) for name in groups],
        marker={"symbol": "line-ew", "size": 22, "line": {"width": 3, "color": NEUTRAL}},
        hovertemplate="%{text}: %{y:.1%}<extra></extra>",
    )
    ticks = {"tickvals": list(range(len(groups))), "ticktext": [plain(name) for name in groups]}
    return figure(
        [*dots, bars],
        x=axis("", showgrid=False, zeroline=False, range=[-0.5, len(groups) - 0.5], **ticks),
        y=axis(y_title, tickformat=".0%"),
        height=height,
        showlegend=False,
    )


def _dots(name: str, values: NDArray[np.float32], colour: str, place: int) -> go.Scatter:
    across = np.linspace(-_SPREAD, _SPREAD, len(values)) if len(values) > 1 else np.zeros(1)
    return go.Scatter(
        x=small(place + across, name),
        y=values,
        name=plain(name),
        mode="markers",
        text=[f"{plain(name)} {run}" for run in range(len(values))],
        marker={"size": 10, "color": colour, "opacity": 0.85},
        hovertemplate="%{text}: %{y:.1%}<extra></extra>",
    )


def _deviation(values: NDArray[np.float32]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def mean_and_deviation(table: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return mean and sample standard deviation (group,) of repeated runs (group, run), missing runs being NaN.

    A single run has no deviation: 0 is drawn. Raises OptionError for a group without a run.
    """
    numbers = np.asarray(table, np.float64)
    counts = (~np.isnan(numbers)).sum(-1)
    if not counts.all():
        raise OptionError(
            f"{int((counts == 0).sum())} of {len(counts)} groups have no finished run; leave them out of the figure."
        )
    mean = np.nansum(numbers, -1) / counts
    squares = np.nansum((numbers - mean[:, None]) ** 2, -1)
    return mean, np.sqrt(squares / np.maximum(counts - 1, 1))
