"""Figures of the Long range page: accuracy against distance, and what an attention layer counts."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level, Point
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import CNN_VERMILION
from vitviz.figures.theme import QUERY_ORANGE, faint, plain

SECOND_CNN = "#9C3F00"
"""A darker vermilion, for a second convolutional network; its curves are dashed too. Darker still, it would be lost on
the ground of the dark theme."""


def distance_curves(
    curves: Sequence[Curve],
    *,
    chance: tuple[str, float],
    field: tuple[str, float] | None = None,
    current: float | None = None,
    extra: Sequence[Curve | Level | Point] = (),
    x_title: str = "Distance (pixels)",
    y_title: str = "Accuracy",
    height: int = 380,
) -> go.Figure:
    """Return accuracy against distance in pixels, the level of guessing, and where a field ends.

    ``field`` is a name and the distance from which no window holds both halves, shaded from there on; ``current`` the
    distance of the board that is shown, ``extra`` what else is drawn. Raises OptionError as ``line_chart``.
    """
    places = [] if not curves else [float(place) for place in curves[0].points()[0]]
    made = line_chart(
        [Level(*chance, number="%{y:.3~p}"), *curves, *extra],
        x=Axis(x_title, ticks=places),
        y=Axis(y_title, ".0%", span=(0, 1.04)),
        hover="{name}<br>{title} %{x}: %{y:.3~p}",
        height=height,
    )
    if field is not None:
        made.add_vrect(
            x0=field[1],
            x1=places[-1] + (places[1] - places[0]) / 2 if len(places) > 1 else field[1] + 1,
            fillcolor=faint(CNN_VERMILION, 0.10),
            line_width=0,
            annotation_text=plain(field[0]),
            annotation_position="bottom right",
        )
    if current is not None:
        made.add_vline(x=current, line={"color": QUERY_ORANGE, "width": 2, "dash": "dash"})
    return made
