"""Repeated runs: a dot a run with their mean beside them, and mean and deviation of a table of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unicodedata import east_asian_width

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.theme import NEUTRAL, axis, figure, plain, small

_LETTERS = 9  # in a line of a group's name: four groups stand side by side on a phone
_SPREAD = 0.22  # half the width over which the dots of a group stand


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
    x, y, half = (small(part, mean_title) for part in zip(*means, strict=True))
    bars = go.Scatter(
        x=x,
        y=y,
        error_y={"type": "data", "array": half, "color": NEUTRAL, "thickness": 2, "width": 8},
        mode="markers",
        name=plain(mean_title),
        text=[plain(name) for name in groups],
        marker={"symbol": "line-ew", "size": 22, "line": {"width": 3, "color": NEUTRAL}},
        hovertemplate="%{text}: %{y:.3~p}<extra></extra>",
    )
    ticks = {"tickvals": list(range(len(groups))), "ticktext": [_in_lines(name) for name in groups]}
    return figure(
        [*dots, bars],
        x=axis("", showgrid=False, zeroline=False, tickangle=0, range=[-0.5, len(groups) - 0.5], **ticks),
        y=axis(y_title, tickformat=".0%"),
        height=height,
        showlegend=False,
    )


def _in_lines(name: str) -> str:
    """Return a group's name in short lines; a Chinese one has no spaces to break at, but signs."""
    lines = [""]
    for word in plain(name).replace("，", "， ").replace("（", " （").split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer) > _LETTERS:
            lines.append(word)
        else:
            lines[-1] = longer
    return "<br>".join(lines)


def _width(text: str) -> int:
    """Return the width of a text in letters: a Chinese sign has that of two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _dots(name: str, values: NDArray[np.float32], colour: str, place: int) -> go.Scatter:
    across = np.linspace(-_SPREAD, _SPREAD, len(values)) if len(values) > 1 else np.zeros(1)
    return go.Scatter(
        x=small(place + across, name),
        y=values,
        name=plain(name),
        mode="markers",
        text=[f"{plain(name)} {run}" for run in range(len(values))],
        marker={"size": 10, "color": colour, "opacity": 0.85},
        hovertemplate="%{text}: %{y:.3~p}<extra></extra>",
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
