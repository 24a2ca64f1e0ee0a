"""Curves, dots and bars: quantities against depth, answers before and after, distributions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_index
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, Axis, axis, band, figure, level_line, plain, small
from vitviz.record import Record

Head = tuple[int, int]
"""Layer and head, both from 0."""


@dataclass(frozen=True)
class Series(Record):
    """One curve: a value a layer, and a band round it if there is one."""

    name: str
    values: ArrayLike
    """(layers,)."""
    low: ArrayLike | None = None
    """Lower edge of the band, (layers,)."""
    high: ArrayLike | None = None
    """Upper edge of the band, (layers,)."""
    colour: str = VIT_BLUE
    """As "#rrggbb"; VIT_BLUE for a transformer, CNN_VERMILION for a convolutional network."""
    dashed: bool = False


def layer_curve(
    series: Sequence[Series],
    *,
    y_title: str,
    x_title: str = "Layer",
    first_layer: int = 0,
    reference: tuple[str, float] | None = None,
    height: int = 320,
) -> go.Figure:
    """Return quantities against depth, one line each, with its band if given.

    ``y_title`` names the quantity and its unit. ``reference`` draws a dashed level with a name, such as the entropy
    of uniform attention. ``first_layer`` is -1 where the input of block 0 comes first.
    Raises OptionError for no series, series of different lengths or non-finite values.
    """
    if not series:
        raise OptionError("A layer curve needs at least one series; got none. Pass [Series(name, values)].")
    lengths = sorted({np.shape(one.values)[0] for one in series})
    if len(lengths) > 1:
        raise OptionError(f"The series have {lengths} layers; wanted the same number. Draw one figure for each model.")
    layers = np.arange(first_layer, first_layer + lengths[0], dtype=np.int32)
    traces = [trace for one in series for trace in _band(one, layers)]
    traces += [_line(one, layers, x_title) for one in series]
    if reference is not None:
        traces.append(level_line(*reference, layers[[0, -1]], "%{y:.4g}"))
    return figure(
        traces,
        x=_layer_axis(x_title, lengths[0]),
        y=axis(y_title),
        height=height,
        showlegend=len(series) > 1 or reference is not None,
    )


def _layer_axis(title: str, layers: int) -> Axis:
    every = {"dtick": 1} if layers <= 16 else {}
    return axis(title, tickformat="d", zeroline=False, **every)


def _line(one: Series, layers: NDArray[np.int32], x_title: str) -> go.Scatter:
    return go.Scatter(
        x=layers,
        y=small(one.values, one.name),
        name=plain(one.name),
        mode="lines+markers",
        line={"color": one.colour, "width": 2.2, "dash": "dash" if one.dashed else "solid"},
        marker={"size": 6, "color": one.colour},
        hovertemplate=f"{plain(one.name)}<br>{plain(x_title)} %{{x}}: %{{y:.4g}}<extra></extra>",
    )


def _band(one: Series, layers: NDArray[np.int32]) -> list[go.Scatter]:
    if one.low is None or one.high is None:
        return []
    return band(one.name, layers, one.low, one.high, one.colour)


def distance_scatter(
    distance: ArrayLike,
    *,
    selected: Head | None = None,
    ticked: Collection[Head] = (),
    unit: str = "patches",
    x_title: str = "Layer",
    y_title: str = "Mean attention distance",
    height: int = 360,
) -> go.Figure:
    """Return head distance against depth, one dot a head, as figure 7 of Dosovitskiy et al. 2021.

    ``distance`` is (layers, heads) in ``unit``. The selected head has an orange outline, ticked (ablated) heads are
    crosses. Each dot carries (layer, head) as custom data, for clicks.
    Raises OptionError for another shape, non-finite values, or a head that does not exist.
    """
    numbers = small(distance, y_title)
    if numbers.ndim != 2:
        raise OptionError(f"Distances must be (layers, heads); got shape {numbers.shape}. Use head_statistics.")
    layers, heads = numbers.shape
    for layer, head in [*ticked, *([selected] if selected is not None else [])]:
        check_index("Layer", layer, layers), check_index("Head", head, heads)
    places = [(layer, head) for layer in range(layers) for head in range(heads)]
    crossed = [place in set(ticked) for place in places]
    dots = go.Scatter(
        x=np.array([layer for layer, _ in places], dtype=np.int32),
        y=numbers.reshape(-1),
        mode="markers",
        text=[f"L{layer}·H{head}" for layer, head in places],
        customdata=np.array(places, dtype=np.int32),
        marker=_dots(crossed),
        # Streamlit would fade all other heads after a click; the selection is drawn by the outline.
        unselected={"marker": {"opacity": 0.85}},
        hovertemplate=f"%{{text}}<br>%{{y:.2f}} {plain(unit)}<extra></extra>",
    )
    return figure(
        [dots] if selected is None else [dots, _ring(selected, numbers)],
        x=_layer_axis(x_title, layers),
        y=axis(f"{y_title} ({unit})", rangemode="tozero"),
        height=height,
        showlegend=False,
    )


def _dots(crossed: Sequence[bool]) -> dict[str, object]:
    return {
        "symbol": ["x-thin" if cross else "circle" for cross in crossed],
        "size": 9,
        "color": [NEUTRAL if cross else VIT_BLUE for cross in crossed],
        "opacity": 0.85,
        "line": {"width": [3 if cross else 0 for cross in crossed], "color": NEUTRAL},
    }


def _ring(selected: Head, distance: NDArray[np.float32]) -> go.Scatter:
    """Return the orange outline of the selected head, drawn last so that no other dot covers it."""
    return go.Scatter(
        x=[selected[0]],
        y=distance[selected][None],
        mode="markers",
        marker={"symbol": "circle-open", "size": 14, "color": QUERY_ORANGE, "line": {"width": 3}},
        unselected={"marker": {"opacity": 1}},
        hoverinfo="skip",
    )


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
            orientation="h",
            name=plain(label),
            marker={"color": colour},
            customdata=shown,
            texttemplate="%{x:.1%}",
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{customdata}}<br>{plain(label)}: %{{x:.2%}}<extra></extra>",
        )
        for group, label, colour in zip(groups, labels, colours, strict=False)
    ]
    largest = max(float(group.max()) for group in groups)
    return figure(
        bars,
        x=axis(x_title, tickformat=".0%" if largest > 0.05 else ".1%", range=[0, min(1.0, largest) * 1.18 + 0.01]),
        # Positions with texts, not the names themselves: two classes of ImageNet are called "crane".
        y=axis("", tickvals=places, ticktext=shown, autorange="reversed", showgrid=False, zeroline=False),
        height=height or 70 + (26 if after is None else 44) * len(names),
        showlegend=after is not None,
        bargap=0.25,
    )


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
