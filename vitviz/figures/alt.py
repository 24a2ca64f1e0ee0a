"""Figures in words, for readers who hear the page instead of seeing it."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.numbers import number, percent

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "axes": "{y} against {x}.",
        "curve": "{name}from {first} to {last}, smallest {low} at {low_at}, largest {high} at {high_at}; {trend}.",
        "dots": "{name}{count} points, smallest {low} at {low_at}, largest {high} at {high_at}; {trend}.",
        "constant": "{name}{high} throughout.",
        "bars": "{name}{items}.",
        "histogram": "{name}{count} values from {low} to {high}; the fullest bin, {most}, is near {peak}.",
        "matrix": "{name}{rows} rows, {columns} columns, smallest {low} at {low_at}, largest {high} at {high_at}.",
        "name": "{name}: ",
        "item": "{name} {value}",
        "place": "{axis} {place}",
        "cell": "row {row}, column {column}",
        "rising": "it rises",
        "falling": "it falls",
        "level": "it has no clear direction",
    }
)
"""English sentences of ``alt_text``; pass another mapping with the same keys and fields for another language."""

_CLEAR = 0.5  # size of the correlation with depth from which a curve is said to rise or fall


def alt_text(made: go.Figure, *, words: Mapping[str, str] = WORDS) -> str:
    """Return what a figure of this package shows in words: smallest and largest value, where, and the direction.

    Raises OptionError for a figure without curves, bars or heat maps.
    """
    x_title, y_title = _title(made.layout.xaxis), _title(made.layout.yaxis)
    sentences = [words["axes"].format(x=x_title, y=y_title)] if x_title and y_title else []
    for trace in made.data:
        if trace.hoverinfo == "skip":  # the edges of a band, the ring round a dot
            continue
        if isinstance(trace, go.Scatter):
            intervals = trace.error_x.array is not None
            sentences.append(_intervals(trace, words) if intervals else _curve(trace, x_title, words))
        elif isinstance(trace, go.Bar):
            sentences.append(_bars(trace, words) if trace.orientation == "h" else _histogram(trace, words))
        elif isinstance(trace, go.Heatmap):
            sentences.append(_matrix(trace, words))
        else:
            raise OptionError(
                f"A {type(trace).__name__} cannot be told in words; wanted curves, bars or heat maps. "
                "Write its description by hand."
            )
    if not sentences:
        raise OptionError("An empty figure cannot be told in words; got no curve, bar or heat map. Draw it first.")
    return unescape(" ".join(sentences))


def direction(places: NDArray[np.floating[Any]], values: NDArray[np.floating[Any]]) -> str:
    """Return "rising", "falling" or "level" by the correlation of values with their places (0.5 or more is clear)."""
    if np.ptp(places) == 0 or np.ptp(values) == 0:
        return "level"
    correlation = float(np.corrcoef(places, values)[0, 1])
    if abs(correlation) < _CLEAR:
        return "level"
    return "rising" if correlation > 0 else "falling"


def _title(axis: Any) -> str:
    return str(axis.title.text or "").replace("<br>", " ")


def _name(trace: Any, words: Mapping[str, str]) -> str:
    return words["name"].format(name=trace.name) if trace.name else ""


def _curve(trace: go.Scatter, x_title: str, words: Mapping[str, str]) -> str:
    x, y = np.asarray(trace.x, dtype=np.float64), np.asarray(trace.y, dtype=np.float64)
    low, high = int(y.argmin()), int(y.argmax())
    names = trace.text
    if names is None:
        names = [words["place"].format(axis=x_title, place=f"{place:g}").strip() for place in x]
    kind = "dots" if trace.mode == "markers" else "constant" if y[low] == y[high] else "curve"
    return words[kind].format(
        name=_name(trace, words),
        count=len(y),
        first=number(y[0]),
        last=number(y[-1]),
        low=number(y[low]),
        low_at=names[low],
        high=number(y[high]),
        high_at=names[high],
        trend=words[direction(x, y)],
    )


def _bars(trace: go.Bar, words: Mapping[str, str]) -> str:
    items = [
        words["item"].format(name=name, value=percent(value))
        for name, value in zip(trace.customdata, np.asarray(trace.x, dtype=np.float64), strict=True)
    ]
    return words["bars"].format(name=_name(trace, words), items=", ".join(items))


def _intervals(trace: go.Scatter, words: Mapping[str, str]) -> str:
    parts = zip(trace.text, trace.x, trace.error_x.array, strict=True)
    items = [
        words["item"].format(name=name, value=f"{number(float(middle))} ± {number(float(half))}")
        for name, middle, half in parts
    ]
    return words["bars"].format(name=_name(trace, words), items=", ".join(items))


def _histogram(trace: go.Bar, words: Mapping[str, str]) -> str:
    counts, edges = np.asarray(trace.y), np.asarray(trace.customdata, dtype=np.float64)
    peak = int(counts.argmax())
    counts = edges[:, 2] if edges.shape[1] > 2 else counts  # of bins that differ in width, beside their heights
    return words["histogram"].format(
        name=_name(trace, words),
        count=int(counts.sum()),
        low=number(edges[0, 0]),
        high=number(edges[-1, 1]),
        most=int(counts[peak]),
        peak=number(float(edges[peak].mean())),
    )


def _matrix(trace: go.Heatmap, words: Mapping[str, str]) -> str:
    values = np.asarray(trace.z, dtype=np.float64)
    low, high = (np.unravel_index(int(place), values.shape) for place in (values.argmin(), values.argmax()))
    return words["matrix"].format(
        name=_name(trace, words),
        rows=values.shape[0],
        columns=values.shape[1],
        low=number(values[low]),
        low_at=_cell(trace, low, words),
        high=number(values[high]),
        high_at=_cell(trace, high, words),
    )


def _cell(trace: go.Heatmap, place: tuple[Any, ...], words: Mapping[str, str]) -> str:
    row, column = int(place[0]), int(place[1])
    rows = trace.y if trace.y is not None else range(1, row + 2)
    columns = trace.x if trace.x is not None else range(1, column + 2)
    return words["cell"].format(row=rows[row], column=columns[column])
