"""A map over its photo as a page shows it: the title, the picture and its colours in numbers."""

from __future__ import annotations

import streamlit as st

from vitviz.errors import OptionError
from vitviz.figures.overlay import overlay
from vitviz.figures.sheet import Panel
from vitviz.ui.furniture.bars import colour_bar
from vitviz.ui.text import plain


def title(words: str) -> None:
    """Draw the title of a panel."""
    st.markdown(f"**{plain(words)}**")


def map_panel(panel: Panel, *, alt: str, titled: bool = True) -> None:
    """Draw a panel of the print export on the page: its label if it has one, the map over the photo, the colour bar.

    ``alt`` says the picture in words. Raises OptionError for a panel without photo, map or scale.
    """
    if panel.photo is None or panel.map is None or panel.scale is None:
        raise OptionError(f"Panel {panel.label!r} lacks its photo, map or scale; wanted all three. Pass them.")
    if panel.label and titled:
        title(panel.label)
    picture = overlay(panel.photo, panel.map, scale=panel.scale, palette=panel.palette, opacity=panel.opacity)
    st.image(picture, width="stretch", output_format="JPEG", alt=alt)
    st.html(colour_bar(panel.scale, panel.palette))
