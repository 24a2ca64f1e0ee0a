"""Plotly figures on a page: with a text for those who do not see them, and the page's own background."""

from __future__ import annotations

import pandas  # type: ignore[import-untyped]  # noqa: F401  # whole before any figure: see below
import plotly.graph_objects as go
import streamlit as st

from vitviz.attention.statistics import HeadStatistics
from vitviz.figures.alt import alt_text
from vitviz.figures.curves import distance_scatter
from vitviz.ui import heads
from vitviz.ui.labels import figure_words
from vitviz.ui.scene import Scene
from vitviz.ui.text import _

# Plotly asks every value whether it is a pandas series, and takes the pandas that it finds among the loaded modules.
# While another reader's thread imports pandas for its first table, that is half a module, and the figure fails.


def chart(figure: go.Figure, *, key: str) -> None:
    """Draw a figure over the full width, with its summary in words."""
    st.plotly_chart(
        figure,
        key=key,
        width="stretch",
        theme="streamlit",
        alt=alt_text(figure, words=figure_words()),
        config={"displaylogo": False},
    )


def distance_chart(scene: Scene, table: HeadStatistics) -> None:
    """Draw the mean attention distance of every head against its layer."""
    selected = (scene.layer, int(scene.head)) if scene.head.isdecimal() else None
    figure = distance_scatter(
        table.distance,
        selected=selected,
        ticked=heads.ablated(),
        unit=_("patches"),
        x_title=_("Layer"),
        y_title=_("Mean attention distance"),
    )
    chart(figure, key="distance")
    st.caption(
        _(
            "Looking everywhere alike would give {uniform:.1f} patches. In trained models early layers mix near and "
            "far; late layers look far."
        ).format(uniform=table.uniform_distance)
    )
