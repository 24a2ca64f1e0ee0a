"""The attention rollout as maps: up to one layer, or up to every layer in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vitviz.argument import checked
from vitviz.attention.rollout import rollout, rollout_row, rollouts
from vitviz.attention.view import (
    DIRECTIONS,
    MEAN,
    POOL,
    MapView,
    check_query,
    default_query,
    query_words,
    select_line,
    view_of,
)
from vitviz.clause import Clause
from vitviz.errors import OptionError, check_choice
from vitviz.trace.trace import Trace


@checked
def rollout_view(
    trace: Trace,
    query: str | int | None = None,
    *,
    direction: str = "attends_to",
    hide_special: bool = True,
    matrix: Tensor | None = None,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    start_layer: int = 0,
    end_layer: int | None = None,
) -> MapView:
    """Return one map of the attention rollout; the options are those of ``vitviz.rollout``.

    ``matrix`` is that rollout where it has been computed already, (query, key), made with the same options.
    Raises OptionError for what the trace does not have and options outside their range, GridError for another matrix.
    """
    check_choice("Direction", direction, DIRECTIONS)
    if query == POOL:
        raise OptionError(
            "A rollout ends at the last block, and the query 'pool' comes after it; wanted a token or 'mean'. "
            "Show the attention of 'pool' instead."
        )
    query = check_query(trace.grid, default_query(trace.grid) if query is None else query)
    last = trace.layers - 1 if end_layer is None else end_layer
    options: dict[str, Any] = {
        "head_fusion": head_fusion,
        "discard_ratio": discard_ratio,
        "residual": residual,
        "start_layer": start_layer,
        "end_layer": last,
    }
    if matrix is None and query != MEAN and direction == "attends_to":
        shares = rollout_row(trace, trace.grid.token(query), **options)  # (token,)
    else:
        full = rollout(trace, **options) if matrix is None else matrix
        shares = select_line(full, trace.grid, query, direction)  # (token,)
    return view_of(shares, trace, query, direction, hide_special, _rollout_words(trace, query, direction, options))


def rollout_views(
    trace: Trace,
    query: str | int | None = None,
    *,
    direction: str = "attends_to",
    hide_special: bool = True,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    start_layer: int = 0,
) -> tuple[MapView, ...]:
    """Return the map of the rollout up to every layer, first to last, in the time of one rollout.

    The options are those of ``rollout_view``, which gives the same maps one at a time. Raises OptionError as it does.
    """
    check_choice("Direction", direction, DIRECTIONS)
    query = check_query(trace.grid, default_query(trace.grid) if query is None else query)
    options: dict[str, Any] = {
        "head_fusion": head_fusion,
        "discard_ratio": discard_ratio,
        "residual": residual,
        "start_layer": start_layer,
    }
    views = []
    for end, matrix in enumerate(rollouts(trace, **options), start_layer):
        shares = select_line(matrix, trace.grid, query, direction).clone()  # (token,); the matrix is let go
        label = _rollout_words(trace, query, direction, {**options, "end_layer": end})
        views.append(view_of(shares, trace, query, direction, hide_special, label))
    return tuple(views)


def _rollout_words(trace: Trace, query: str, direction: str, options: Mapping[str, Any]) -> Clause:
    return Clause(
        "rollout of layers {start} to {end}, {fusion} of the heads: {looks}",
        start=options["start_layer"],
        end=options["end_layer"],
        fusion=Clause(options["head_fusion"]),
        looks=query_words(trace.grid, query, direction),
    )


def layer_alone_words(trace: Trace, query: str, direction: str, layer: int, head_fusion: str) -> Clause:
    """Return what a rollout of a single layer without residual path shows: that layer's attention."""
    return Clause(
        "layer {layer} alone, {fusion} of the heads: {looks}",
        layer=layer,
        fusion=Clause(head_fusion),
        looks=query_words(trace.grid, query, direction),
    )
