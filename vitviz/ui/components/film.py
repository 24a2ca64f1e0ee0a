"""The film on a page: maps that follow each other, played and scrubbed in the browser. All frames are sent once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.film_view import FilmView
from vitviz.ui.components.sources import FILM
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_film", html=FILM.html, css=FILM.css, js=FILM.module)


def film(view: FilmView, *, key: str, on_choose: Callable[[int], None] | None = None) -> None:
    """Show the film. ``on_choose`` gets the frame that the reader chose with the button, before the script runs again.

    Playing and scrubbing ask the server nothing.
    """

    def chosen(said: object) -> None:
        frame = view.read_frame(said)
        if frame is not None and on_choose is not None:
            on_choose(frame)

    mount(_component, view.pack(), key=key, chosen=chosen)
