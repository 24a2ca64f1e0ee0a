"""A map over its photo as a page shows it: the title, the picture and its colours in numbers."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.overlay import outline, overlay
from vitviz.figures.paint import hatch
from vitviz.figures.palettes import colour
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.ui.choices.shared import OPACITY, PALETTE
from vitviz.ui.reader import link
from vitviz.ui.text import plain

_BARE = 480
"""Longer side in pixels of a map without a photo."""


def look(*, signed: bool = False) -> dict[str, Any]:
    """Return palette, spotlight and opacity as the reader chose them, for ``overlay`` and for ``Panel``.

    ``signed`` maps keep the palette of their scale: darkness has no sign.
    """
    palette, spotlight = link.get(PALETTE), link.get(PALETTE) == "spotlight" and not signed
    coloured = None if signed or spotlight else palette
    return {"palette": coloured, "spotlight": spotlight, "opacity": link.get(OPACITY)}


def look_bar(scale: Scale, *, title: str = "") -> str:
    """Return the colour bar of maps that are drawn with the ``look`` on a scale, as HTML."""
    sample = Panel(photo=np.zeros((1, 1, 3), np.uint8), scale=scale, **look(signed=scale.signed))
    return colour_bar(scale, title=title, colours=sample.bar_colours())


def title(words: str) -> None:
    """Draw the title of a panel."""
    st.markdown(f"**{plain(words)}**")


def empty_panel(photo: NDArray[np.uint8], words: str) -> None:
    """Draw the place of a map that is not there yet: an outlined, hatched frame of the photo's shape with the reason.

    A photo under one colour would look like a map that is zero everywhere.
    """
    height, width = photo.shape[:2]
    st.html(
        f'<div class="vitviz-empty" role="img" aria-label="{escape(words)}" style="aspect-ratio: {width} / {height}">'
        f"<span>{escape(words)}</span></div>"
    )


def map_panel(panel: Panel, *, alt: str, titled: bool = True) -> None:
    """Draw a panel of the print export on the page: its label if it has one, the map over the photo, the colour bar.

    ``alt`` says the picture in words. Raises OptionError for a panel without photo, map or scale.
    """
    if panel.photo is None or panel.map is None or panel.scale is None:
        raise OptionError(f"Panel {panel.label!r} lacks its photo, map or scale; wanted all three. Pass them.")
    if panel.label and titled:
        title(panel.label)
    picture = overlay(
        panel.photo,
        panel.map,
        scale=panel.scale,
        palette=panel.palette,
        opacity=panel.opacity,
        spotlight=panel.spotlight,
    )
    st.image(picture, width="stretch", output_format="JPEG", alt=alt)
    st.html(colour_bar(panel.scale, colours=panel.bar_colours()))


def bare_map(
    values: NDArray[np.floating[Any]],
    *,
    scale: Scale,
    alt: str,
    label: str = "",
    cell: tuple[int, int] | None = None,
    bar: bool = True,
) -> None:
    """Draw a map (rows, columns) that lies over no photo: its label, its patches as squares, the colour bar.

    Patches without a value are hatched; ``cell`` is outlined. ``alt`` says the picture in words. Label and bar are
    text of the page, which grows with it and follows its theme.
    """
    if label:
        title(label)
    rows, columns = values.shape
    side = max(1, _BARE // max(rows, columns))
    missing = np.isnan(values).repeat(side, axis=0).repeat(side, axis=1)
    picture = colour(values, scale.palette, scale.low, scale.high).repeat(side, axis=0).repeat(side, axis=1)
    picture = hatch(picture, missing) if missing.any() else picture
    if cell is not None:
        picture = outline(picture, rows, columns, cell)
    st.image(picture, width="stretch", output_format="PNG", alt=alt)
    if bar:
        st.html(colour_bar(scale))
