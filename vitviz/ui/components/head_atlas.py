"""The head atlas on a page: one number a head as a matrix, to find the heads worth opening."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.atlas_view import AtlasView, HeadIndex
from vitviz.ui.components.sources import ATLAS
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_head_atlas", html=ATLAS.html, css=ATLAS.css, js=ATLAS.module)


def head_atlas(
    view: AtlasView,
    *,
    key: str,
    on_pick: Callable[[HeadIndex], None] | None = None,
    on_tick: Callable[[list[HeadIndex]], None] | None = None,
) -> None:
    """Show the atlas. ``on_pick`` gets the head that was clicked, or chosen with Enter, before the script runs again.

    ``on_tick`` gets all heads with a tick, where one was changed by Shift and a click or with x: the caller keeps the
    list. Nothing is sent while the reader only points at heads.
    """

    def picked(said: object) -> None:
        place = view.read_place(said)
        if place is not None and on_pick is not None:
            on_pick(place)

    def ticked(said: object) -> None:
        places = view.read_places(said)
        if places is not None and on_tick is not None:
            on_tick(places)

    mount(_component, view.pack(), key=key, picked=picked, ticked=ticked)
