"""The head wall on a page: the maps of all heads at once; pointing at one shows it large.

Pointing never leaves the browser. A click on a head, on a patch of the large map or on a button sends one trigger.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.atlas_view import HeadIndex
from vitviz.ui.components.attention_view import Direction
from vitviz.ui.components.sources import WALL
from vitviz.ui.components.wall_view import WALL_SCALES, WallScale, WallView

_component = st.components.v2.component("vitviz_head_wall", html=WALL.html, css=WALL.css, js=WALL.module)


def head_wall(
    view: WallView,
    *,
    key: str,
    on_pin: Callable[[list[HeadIndex]], None],
    on_off: Callable[[list[HeadIndex]], None],
    on_open: Callable[[HeadIndex], None],
    on_query: Callable[[str], None],
    on_scale: Callable[[WallScale], None],
    on_direction: Callable[[Direction], None],
) -> None:
    """Show the wall.

    Each function is called before the script runs again: with all heads that stand side by side, with all that are
    off, with the one that was opened; with the token that was made the query; with the scale or the direction that was
    chosen.
    """

    def sent(name: str) -> object:
        return (st.session_state.get(key) or {}).get(name)

    def heads(name: str, function: Callable[[list[HeadIndex]], None]) -> None:
        places = view.read_places(sent(name))
        if places is not None:
            function(places)

    def opened() -> None:
        place = view.read_place(sent("open"))
        if place is not None:
            on_open(place)

    def query() -> None:
        name = view.read_query(sent("query"))
        if name is not None:
            on_query(name)

    def scale() -> None:
        chosen = sent("scale")
        if chosen in WALL_SCALES:
            on_scale(chosen)

    def direction() -> None:
        chosen = sent("direction")
        if chosen == "attends_to" or chosen == "attended_by":
            on_direction(chosen)

    _component(
        key=key,
        data=view.pack(),
        on_pin_change=lambda: heads("pin", on_pin),
        on_off_change=lambda: heads("off", on_off),
        on_open_change=opened,
        on_query_change=query,
        on_scale_change=scale,
        on_direction_change=direction,
    )
