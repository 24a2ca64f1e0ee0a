"""The head atlas on a page: one number a head as a matrix, to find the heads worth opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from vitviz.ui.components.atlas_view import AtlasView, HeadIndex
from vitviz.ui.components.sources import ATLAS

_component = st.components.v2.component("vitviz_head_atlas", html=ATLAS.html, css=ATLAS.css, js=ATLAS.module)


class AtlasEvent(NamedTuple):
    """What the reader did since the last run: each is for one run only, then None again."""

    picked: HeadIndex | None
    """The head that was clicked, or chosen with Enter."""
    ticked: HeadIndex | None
    """The head whose tick was changed, by Shift and a click or with x: the caller keeps the list."""


def head_atlas(
    view: AtlasView,
    *,
    key: str,
    on_pick: Callable[[HeadIndex], None] | None = None,
    on_tick: Callable[[HeadIndex], None] | None = None,
) -> AtlasEvent:
    """Show the atlas and return what was picked or ticked in this run.

    ``on_pick`` and ``on_tick`` are called with the head before the script runs again. Nothing is sent while the
    reader only points at heads.
    """

    def sent(name: str) -> HeadIndex | None:
        value = st.session_state.get(key)
        return view.read_place(value.get(name)) if value else None

    def call(name: str, function: Callable[[HeadIndex], None] | None) -> None:
        place = sent(name)
        if place is not None and function is not None:
            function(place)

    result = _component(
        key=key,
        data=view.pack(),
        on_picked_change=lambda: call("picked", on_pick),
        on_ticked_change=lambda: call("ticked", on_tick),
    )
    return AtlasEvent(view.read_place(result.picked), view.read_place(result.ticked))
