"""The object board on a page: a picture of cells whose contents can be chosen and dragged, with links of attention."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.board_view import BoardView
from vitviz.ui.components.sources import BOARD

_component = st.components.v2.component("vitviz_object_board", html=BOARD.html, css=BOARD.css, js=BOARD.module)


def object_board(
    view: BoardView, *, key: str, on_choose: Callable[[int], None], on_move: Callable[[int, int], None]
) -> None:
    """Show the board; ``on_choose`` gets the cell that was chosen, ``on_move`` from where to where something was moved.

    Both are called before the script runs again; while something is dragged, nothing is sent.
    """

    def sent(name: str) -> dict[str, object]:
        value = (st.session_state.get(key) or {}).get(name)
        return value if isinstance(value, dict) else {}

    def chosen() -> None:
        cell = view.read_cell(sent("chosen").get("cell"))
        if cell is not None:
            on_choose(cell)

    def moved() -> None:
        start, end = (view.read_cell(sent("moved").get(name)) for name in ("start", "end"))
        if start is not None and end is not None:
            on_move(start, end)

    _component(key=key, data=view.pack(), on_chosen_change=chosen, on_moved_change=moved)
