"""The patch painter on a page: a brush over the patches of a photo, by mouse, finger or keyboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from vitviz.ui.components.painter_view import PainterView, Stroke
from vitviz.ui.components.sources import PAINTER
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_patch_painter", html=PAINTER.html, css=PAINTER.css, js=PAINTER.module)


def patch_painter(
    view: PainterView, *, key: str, on_stroke: Callable[[Stroke], None], on_rest: Callable[[], None] = lambda: None
) -> None:
    """Show the painter; ``on_stroke`` gets the painted patches after each stroke, before the script runs again.

    ``on_rest`` is called once when a finished stroke was answered and no other one has begun for a moment.
    """

    def painted(said: object) -> None:
        stroke = view.read_stroke(said if isinstance(said, Mapping) else None)
        if stroke is not None:
            on_stroke(stroke)

    mount(_component, view.pack(), key=key, stroke=painted, rest=lambda _said: on_rest())
