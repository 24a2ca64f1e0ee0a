"""Numbers over many photos: how they are spread, which classes raise them, and heads by two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_index
from vitviz.figures.palettes import VIT_BLUE, plotly_scale
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, TICKS, TYPE, axis, figure, plain, small
from vitviz.record import Record

Head = tuple[int, int]
"""Layer and head, both from 0."""


@dataclass(frozen=True)
class Mark(Record):
    """A named value in a distribution."""

    name: str
    value: float
    colour: str = QUERY_ORANGE


def spread_chart(
    counts: ArrayLike,
    edges: ArrayLike,
    *,
    x_title: str,
    y_title: str = "Photos",
    marks: Sequence[Mark] = (),
    height: int = 260,
) -> go.Figure:
    """Return how a number is spread over photos, from the counts (bin,) of bins with the ends ``edges`` (bin + 1,).

    Bins may differ in width: the area of a bar is its share of the photos, and the pointer tells the count. Empty bins
    at either end are left out. Raises OptionError for no photo at all.
    """
    numbers, ends = np.asarray(counts, dtype=np.int64), np.asarray(edges, dtype=np.float64)
    filled = np.flatnonzero(numbers)
    if not filled.size:
        raise OptionError("There is no photo to count; wanted at least one. Leave out what could not be measured.")
    span = slice(int(filled[0]), int(filled[-1]) + 1)
    numbers, low, high = numbers[span], ends[:-1][span], ends[1:][span]
    bars = go.Bar(
        x=((low + high) / 2).astype(np.float32),
        y=(numbers / numbers.sum() / (high - low)).astype(np.float32),
        width=(high - low).astype(np.float32),
        marker={"color": VIT_BLUE, "line": {"width": 0}},
        customdata=np.stack([low, high, numbers], axis=-1).astype(np.float32),
        hovertemplate="%{customdata[0]:.3g} … %{customdata[1]:.3g}: %{customdata[2]:d}<extra></extra>",
    )
    made = figure(
        [bars], x=axis(x_title), y=axis(y_title, showticklabels=False), height=height, bargap=0, showlegend=False
    )
    for mark in marks:
        made.add_vline(
            x=mark.value,
            line={"color": mark.colour, "width": 2},
            annotation_text=plain(mark.name),
            annotation_position="top",
        )
    return made


def intervals_chart(
    names: Sequence[str],
    means: ArrayLike,
    halves: ArrayLike,
    *,
    x_title: str,
    reference: Mark | None = None,
    height: int | None = None,
) -> go.Figure:
    """Return means with their intervals, one row a name, the first on top; ``reference`` is drawn across all rows.

    Raises OptionError for other numbers of means or halves than names, or values that are not finite.
    """
    middle, half = small(means, x_title), small(halves, x_title)
    if not middle.shape == half.shape == (len(names),):
        raise OptionError(
            f"Got {middle.shape} means and {half.shape} halves for {len(names)} names; wanted one a name."
        )
    places = np.arange(len(names), dtype=np.int32)
    dots = go.Scatter(
        x=middle,
        y=places,
        mode="markers",
        text=[plain(name) for name in names],
        marker={"size": 9, "color": VIT_BLUE},
        error_x={"type": "data", "array": half, "color": VIT_BLUE, "thickness": 2, "width": 0},
        hovertemplate="%{text}<br>%{x:.4g} ± %{error_x.array:.2g}<extra></extra>",
    )
    across = axis(x_title)
    across["title"]["text"] = across["title"]["text"].replace(" (", "<br>(")  # the names leave little room on a phone
    made = figure(
        [dots],
        x=across,
        y=axis("", tickvals=places, ticktext=[plain(name) for name in names], autorange="reversed", zeroline=False),
        height=height or 80 + 24 * len(names),
        showlegend=False,
    )
    if reference is not None:
        made.add_vline(
            x=reference.value,
            line={"color": reference.colour, "width": 2, "dash": "dot"},
            annotation_text=plain(reference.name),
            annotation_position="top",
        )
    return made


def heads_chart(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_title: str,
    y_title: str,
    layer_title: str = "Layer",
    selected: Head | None = None,
    height: int = 380,
) -> go.Figure:
    """Return one dot a head by two numbers (layer, head), coloured by layer; heads without both are left out.

    The selected head has an orange outline. Each dot carries (layer, head) as custom data.
    Raises OptionError for tables of other shapes, no head at all, or a head that does not exist.
    """
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if across.shape != up.shape or across.ndim != 2:
        raise OptionError(f"Two tables (layer, head) are needed; got {across.shape} and {up.shape}.")
    layers, heads = across.shape
    if selected is not None:
        check_index("Layer", selected[0], layers), check_index("Head", selected[1], heads)
    places = np.argwhere(np.isfinite(across) & np.isfinite(up)).astype(np.int32)
    at = tuple(places.T)
    dots = go.Scatter(
        x=small(across[at], x_title),
        y=small(up[at], y_title),
        mode="markers",
        text=[f"L{layer}·H{head}" for layer, head in places],
        customdata=places,
        marker=_by_layer(places[:, 0], layers, layer_title),
        unselected={"marker": {"opacity": 0.9}},
        hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
    )
    ring = [_ring(across, up, selected)] if selected is not None and np.isfinite(across[selected]) else []
    return figure([dots, *ring], x=axis(x_title), y=axis(y_title), height=height, showlegend=False)


def _by_layer(layers: NDArray[np.int32], count: int, title: str) -> dict[str, object]:
    return {
        "size": 9,
        "opacity": 0.9,
        "color": layers,
        "colorscale": plotly_scale("viridis"),
        "cmin": 0,
        "cmax": max(1, count - 1),
        "line": {"width": 0.5, "color": NEUTRAL},
        "colorbar": {
            "title": {"text": plain(title), "side": "right", "font": {"color": TICKS, "size": TYPE}},
            "tickfont": {"color": TICKS, "size": TYPE},
            "thickness": 12,
            "outlinewidth": 0,
        },
    }


def _ring(across: NDArray[np.float64], up: NDArray[np.float64], head: Head) -> go.Scatter:
    return go.Scatter(
        x=small([across[head]], "x"),
        y=small([up[head]], "y"),
        mode="markers",
        marker={"symbol": "circle-open", "size": 14, "color": QUERY_ORANGE, "line": {"width": 3}},
        unselected={"marker": {"opacity": 1}},
        hoverinfo="skip",
    )
