"""The object board on a page: a picture of cells whose contents can be chosen and dragged, with links of attention."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.board_view import BoardView
from vitviz.ui.components.sources import BOARD
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_object_board", html=BOARD.html, css=BOARD.css, js=BOARD.module)


def object_board(
    view: BoardView, *, key: str, on_choose: Callable[[int], None], on_move: Callable[[int, int], None]
) -> None:
    """Show the board; ``on_choose`` gets the cell that was chosen, ``on_move`` from where to where something was moved.

    Both are called before the script runs again; while something is dragged, nothing is sent.
    """

    def cell_of(said: object, name: str) -> int | None:
        return view.read_cell(said.get(name)) if isinstance(said, dict) else None

    def chosen(said: object) -> None:
        cell = cell_of(said, "cell")
        if cell is not None:
            on_choose(cell)

    def moved(said: object) -> None:
        start, end = cell_of(said, "start"), cell_of(said, "end")
        if start is not None and end is not None:
            on_move(start, end)

    mount(_component, view.pack(), key=key, chosen=chosen, moved=moved)
