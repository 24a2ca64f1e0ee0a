"""Matrices and differences as Plotly heat maps, where reading off single numbers matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from vitviz.errors import OptionError
from vitviz.figures.scale import Scale, scale_for
from vitviz.figures.theme import LINE, axis, colour_axis, figure, plain, small, style


def token_matrix(
    matrix: ArrayLike,
    names: Sequence[str],
    *,
    query_names: Sequence[str] | None = None,
    scale: Scale | None = None,
    palette: str | None = None,
    query_title: str = "Query token",
    key_title: str = "Key token",
    value_title: str = "Attention",
    height: int = 560,
) -> go.Figure:
    """Return a matrix (query, key) with the names of its tokens: row = who looks, column = what is looked at.

    ``names`` are the keys', and the queries' too unless ``query_names`` differ; PatchGrid.names has them.
    ``scale`` None spans the matrix, with 1/keys as its uniform value.
    Raises OptionError for names that do not fit, or that occur twice.
    """
    numbers = small(matrix, value_title)
    rows, columns = (names if query_names is None else query_names), names
    if numbers.shape != (len(rows), len(columns)):
        raise OptionError(
            f"Got a matrix of shape {numbers.shape} for {len(rows)} query and {len(columns)} key names; "
            "wanted (query, key). Use PatchGrid.names for the tokens."
        )
    _refuse_repeated(rows)
    _refuse_repeated(columns)
    scale = scale or scale_for(numbers, "map", uniform=1 / len(columns))
    cells = go.Heatmap(
        z=numbers,
        x=[plain(name) for name in columns],
        y=[plain(name) for name in rows],
        coloraxis="coloraxis",
        hovertemplate=(
            f"{plain(query_title)} %{{y}}<br>{plain(key_title)} %{{x}}<br>"
            f"{plain(value_title)} %{{z:.4g}}<extra></extra>"
        ),
    )
    # Type "category": Plotly would else read the patch numbers as places on a line.
    return figure(
        [cells],
        x=axis(key_title, type="category", showgrid=False, constrain="domain"),
        y=axis(query_title, type="category", showgrid=False, autorange="reversed", scaleanchor="x", constrain="domain"),
        height=height,
        coloraxis=colour_axis(scale, palette, title=value_title),
    )


def _refuse_repeated(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise OptionError(
            f"Token names must differ; got {', '.join(map(repr, repeated[:3]))} more than once. "
            "Number them, or use PatchGrid.names."
        )


def difference_map(
    first: ArrayLike,
    second: ArrayLike,
    *,
    names: tuple[str, str] = ("A", "B"),
    scale: Scale | None = None,
    palette: str = "viridis",
    value_title: str = "Attention",
    difference_title: str = "Difference",
    hover: str = "row %{y}, column %{x}",
    height: int = 320,
) -> go.Figure:
    """Return two maps (rows, columns) and their difference side by side: A, B, A - B.

    A and B share one scale (both maps' own if ``scale`` is None); the difference has PuOr about zero: orange where A
    is larger, purple where B is. Rows and columns count from 1 in the hover text.
    Raises OptionError for maps of different shapes or non-finite values.
    """
    left, right = small(first, names[0]), small(second, names[1])
    if left.ndim != 2 or left.shape != right.shape:
        raise OptionError(
            f"Only maps of one shape (rows, columns) can be subtracted; got {left.shape} and {right.shape}. "
            "Trace both images with the same model and size."
        )
    difference = left - right
    both = np.stack([left, right])
    scale = scale or scale_for(both, "layer", signed=bool(both.min() < 0))
    shares = scale.shares or scale.uniform is not None
    titles = [plain(names[0]), plain(names[1]), f"{plain(names[0])} − {plain(names[1])}"]
    made = make_subplots(rows=1, cols=3, subplot_titles=titles, horizontal_spacing=0.04)
    for column, (values, colours) in enumerate(
        zip((left, right, difference), ("coloraxis", "coloraxis", "coloraxis2"), strict=True), start=1
    ):
        made.add_trace(_cells(values, colours, titles[column - 1], hover, shares), row=1, col=column)
    _square_cells(made, left.shape)
    signed = replace(scale_for(difference, "map", signed=True), shares=shares)
    return style(
        made,
        height,
        coloraxis=colour_axis(scale, scale.palette if scale.signed else palette, title=value_title, **_bar(0.32, 0.62)),
        coloraxis2=colour_axis(signed, "PuOr", title=difference_title, **_bar(0.84, 0.3)),
    )


def _cells(values: NDArray[np.float32], colours: str, name: str, hover: str, shares: bool) -> go.Heatmap:
    return go.Heatmap(
        z=values,
        x0=1,
        dx=1,
        y0=1,
        dy=1,
        name=name,
        coloraxis=colours,
        hovertemplate=f"{name}<br>{hover}<br>%{{z:{'.3~p' if shares else '.4g'}}}<extra></extra>",
    )


def _bar(centre: float, length: float) -> dict[str, Any]:
    """Return the place of a horizontal colour bar under the maps, in parts of the figure's width."""
    return {
        "orientation": "h",
        "x": centre,
        "xanchor": "center",
        "y": -0.04,
        "yanchor": "top",
        "len": length,
        "tickangle": 0,
    }


def _square_cells(made: go.Figure, shape: tuple[int, ...]) -> None:
    """Give every panel square cells and no numbers at its axes: the photo beside it has none either."""
    quiet = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
    made.update_xaxes(**quiet, range=[0.5, shape[1] + 0.5], linecolor=LINE)
    made.update_yaxes(**quiet, range=[shape[0] + 0.5, 0.5], linecolor=LINE)
    for column in (1, 2, 3):
        made.update_yaxes(scaleanchor="x" if column == 1 else f"x{column}", row=1, col=column)
