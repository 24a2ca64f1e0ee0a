"""The head wall on a page: the maps of all heads at once; pointing at one shows it large.

Pointing never leaves the browser. A click on a head, on a patch of the large map or on a button is said once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vitviz.ui.components.atlas_view import HeadIndex
from vitviz.ui.components.attention_view import Direction
from vitviz.ui.components.sources import WALL
from vitviz.ui.components.turns import mount
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

    def heads(said: object, function: Callable[[list[HeadIndex]], None]) -> None:
        places = view.read_places(said)
        if places is not None:
            function(places)

    def opened(said: object) -> None:
        place = view.read_place(said)
        if place is not None:
            on_open(place)

    def query(said: object) -> None:
        name = view.read_query(said)
        if name is not None:
            on_query(name)

    def scale(said: Any) -> None:
        if said in WALL_SCALES:
            on_scale(said)

    def direction(said: object) -> None:
        if said == "attends_to" or said == "attended_by":
            on_direction(said)

    mount(
        _component,
        view.pack(),
        key=key,
        pin=lambda said: heads(said, on_pin),
        off=lambda said: heads(said, on_off),
        open=opened,
        query=query,
        scale=scale,
        direction=direction,
    )
