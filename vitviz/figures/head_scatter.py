"""One dot a head: the distance that its attention bridges, against the depth of its layer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_index
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, figure, plain, small
from vitviz.numbers import in_unit

Head = tuple[int, int]
"""Layer and head, both from 0."""


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

    ``distance``, or another number a head, is (layers, heads) in ``unit``, where "%" is that of shares; NaN has no dot.
    The selected head has an orange outline, ticked (ablated) heads are crosses. Each dot carries (layer, head) as
    custom data, for clicks.
    Raises OptionError for another shape, infinite values, no value at all, or a head that does not exist.
    """
    numbers = in_unit(distance, unit).astype(np.float32)
    small(numbers[~np.isnan(numbers)], y_title)
    if numbers.ndim != 2:
        raise OptionError(f"Distances must be (layers, heads); got shape {numbers.shape}. Use head_statistics.")
    layers, heads = numbers.shape
    for layer, head in [*ticked, *([selected] if selected is not None else [])]:
        check_index("Layer", layer, layers), check_index("Head", head, heads)
    places = [(layer, head) for layer in range(layers) for head in range(heads) if not np.isnan(numbers[layer, head])]
    crossed = [place in set(ticked) for place in places]
    dots = go.Scatter(
        x=np.array([layer for layer, _ in places], dtype=np.int32),
        y=numbers[~np.isnan(numbers)],
        mode="markers",
        text=[f"L{layer}·H{head}" for layer, head in places],
        customdata=np.array(places, dtype=np.int32),
        marker=_dots(crossed),
        # Streamlit would fade all other heads after a click; the selection is drawn by the outline.
        unselected={"marker": {"opacity": 0.85}},
        hovertemplate=f"%{{text}}<br>{_hover(unit)}<extra></extra>",
    )
    return figure(
        [dots] if selected is None or np.isnan(numbers[selected]) else [dots, _ring(selected, numbers)],
        x=layer_axis(x_title, layers).settings((0, layers - 1)),
        y=Axis(f"{y_title} ({unit})", from_zero=True).settings((0, float(np.nanmax(numbers)))),
        height=height,
        showlegend=False,
    )


def _hover(unit: str) -> str:
    return "%{y:.3~g}%" if unit == "%" else f"%{{y:.2f}} {plain(unit)}"


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
