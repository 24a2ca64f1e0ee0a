"""A statistic of an atlas: by layer a curve with its spread over the photos, by two axes a table, else dots."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from vitviz.atlas.layout import LAYER, METHOD, METRICS, STREAM, YES_OR_NO
from vitviz.atlas.result import Summary
from vitviz.errors import OptionError, check_choice
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.curve import Curve, spread
from vitviz.figures.heatmaps import token_matrix
from vitviz.figures.line_chart import LAYER as LAYER_HOVER
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.photo_spread import intervals_chart
from vitviz.figures.scale import scale_for
from vitviz.pictures.drawing import Charts, Drawing, Extra, Say

SHARE = "{name}<br>{title} %{x}: %{y:.3~p}"
"""What the pointer tells of a share by layer."""


def statistic(
    result: Summary, *, title: str = "", metric: str = "difference", extra: Extra = (), say: Say = str
) -> Drawing:
    """Draw a statistic over the photos; ``title`` names it (its own name if empty).

    By layer it is a curve with the standard deviation over the photos as its band (of what is yes or no, the 95%
    interval); by layer and head, or by two layers, a table of means; of explanations dots with the 95% intervals of
    one ``metric`` of METRICS.
    """
    check_choice("Metric", metric, METRICS)
    if not result.count.any():
        raise OptionError(f"No photo has a value of {result.statistic.name}; there is nothing to draw.")
    name, axes = title or result.statistic.name, result.statistic.axes
    if axes in ((LAYER,), (STREAM,)):
        curve = by_layer(result, name)
        first = say("After layer (−1: input)") if axes == (STREAM,) else say("Layer")
        x = layer_axis(first, result.mean.size)
        share = (result.statistic.low, result.statistic.high) == (0, 1)
        y, hover = (Axis(name, ".0%"), SHARE) if share else (Axis(name), LAYER_HOVER)
        return Charts({"": line_chart([curve, *extra], x=x, y=y, hover=hover, height=320)})
    if METHOD in axes:
        return _methods(result, name, METRICS.index(metric))
    if not axes:
        return Charts({"": intervals_chart([name], [result.mean], [np.nan_to_num(result.half)], x_title=name)})
    return _table(result, name, say)


def by_layer(summary: Summary, name: str, *, colour: str = VIT_BLUE, dash: str = "solid", banded: bool = True) -> Curve:
    """Return the means by layer, with the band of ``statistic`` where it is wanted.

    The band ends where the statistic does: no share is below 0 or above 1.
    """
    known = np.flatnonzero(summary.count > 0)
    first = -1 if summary.statistic.axes == (STREAM,) else 0  # the input of the first block stands before layer 0
    half = summary.half if summary.statistic.name in YES_OR_NO else summary.deviation
    band = spread(summary.mean[known], np.nan_to_num(half[known])) if banded else {}
    low = min(0.0, summary.statistic.low)
    kept = {edge: np.clip(values, low, summary.statistic.high) for edge, values in band.items()}
    return Curve(name, known + first, summary.mean[known], colour, dash, **kept)


def _methods(result: Summary, name: str, metric: int) -> Drawing:
    """Draw one metric of every explanation, the best on top."""
    mean, half = result.mean[:, metric], np.nan_to_num(result.half[:, metric])
    known = [int(place) for place in np.argsort(-mean) if np.isfinite(mean[place])]
    if not known:
        raise OptionError(f"No photo has the metric {METRICS[metric]!r}; choose another one.")
    methods = [result.names[0][place] for place in known]
    return Charts({"": intervals_chart(methods, mean[known], half[known], x_title=f"{name}: {METRICS[metric]}")})


def _table(result: Summary, name: str, say: Say) -> Drawing:
    if not np.isfinite(result.mean).all():
        raise OptionError(f"Some places have no value of {name}, so there is no whole table; read its field mean.")
    rows, columns = result.names
    square = result.statistic.axes == (STREAM, STREAM)
    chart = token_matrix(
        result.mean,
        list(columns),
        query_names=list(rows),
        scale=scale_for(result.mean, "map"),
        query_title=say("After layer") if square else say("Layer"),
        key_title=say("After layer") if square else say("Head"),
        value_title=name,
        height=420,
    )
    return Charts({"": chart})


DRAWINGS: Mapping[type, Callable[..., Drawing]] = {Summary: statistic}
