"""Plotly figures on a page: with a text for those who do not see them, and the page's own background."""

from __future__ import annotations

import pandas  # type: ignore[import-untyped]  # noqa: F401  # whole before any figure: see below
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.alt import alt_text
from vitviz.figures.theme import enlarged
from vitviz.ui.choices.shared import PRESENT
from vitviz.ui.furniture import lines
from vitviz.ui.furniture.presentation import TYPE
from vitviz.ui.reader import link
from vitviz.ui.words.labels import figure_words

# Plotly asks every value whether it is a pandas series, and takes the pandas that it finds among the loaded modules.
# While another reader's thread imports pandas for its first table, that is half a module, and the figure fails.


def chart(figure: go.Figure, *, key: str) -> None:
    """Draw a figure over the full width, with its summary in words, and keep it for the files of the page.

    Plotly's toolbar would come up over legends, titles and names of marks: it stays away, as the foot of the page has
    the pictures. Dragging still zooms, and a double click shows everything again. In presentation size its type and its
    height grow with the page's.
    """
    lines.keep(figure, key)
    st.plotly_chart(
        figure if link.get(PRESENT) == "off" else enlarged(figure, TYPE),
        key=key,
        width="stretch",
        theme="streamlit",
        alt=alt_text(figure, words=figure_words()),
        config={"displayModeBar": False},
    )
