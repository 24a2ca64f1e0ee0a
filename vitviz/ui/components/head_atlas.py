"""The head atlas on a page: one number a head as a matrix, to find the heads worth opening."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from vitviz.ui.components.atlas_view import AtlasView, HeadIndex
from vitviz.ui.components.sources import ATLAS

_component = st.components.v2.component("vitviz_head_atlas", html=ATLAS.html, css=ATLAS.css, js=ATLAS.module)


class AtlasEvent(NamedTuple):
    """What the reader did since the last run: each is for one run only, then None again."""

    picked: HeadIndex | None
    """The head that was clicked, or chosen with Enter."""
    ticked: list[HeadIndex] | None
    """All heads with a tick, where one was changed by Shift and a click or with x: the caller keeps the list."""


def head_atlas(
    view: AtlasView,
    *,
    key: str,
    on_pick: Callable[[HeadIndex], None] | None = None,
    on_tick: Callable[[list[HeadIndex]], None] | None = None,
) -> AtlasEvent:
    """Show the atlas and return what was picked or ticked in this run.

    ``on_pick`` is called with the head and ``on_tick`` with all ticked ones before the script runs again. Nothing is
    sent while the reader only points at heads.
    """

    def sent(name: str) -> Any:
        return (st.session_state.get(key) or {}).get(name)

    def picked() -> None:
        place = view.read_place(sent("picked"))
        if place is not None and on_pick is not None:
            on_pick(place)

    def ticked() -> None:
        places = view.read_places(sent("ticked"))
        if places is not None and on_tick is not None:
            on_tick(places)

    result = _component(
        key=key,
        data=view.pack(),
        on_picked_change=picked,
        on_ticked_change=ticked,
    )
    return AtlasEvent(view.read_place(result.picked), view.read_places(result.ticked))
