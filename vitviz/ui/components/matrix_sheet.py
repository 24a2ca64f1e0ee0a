"""The matrix sheet on a page: a calculation over small matrices that can be stepped through cell by cell and edited."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.sheet_view import SheetView
from vitviz.ui.components.sources import SHEET
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_matrix_sheet", html=SHEET.html, css=SHEET.css, js=SHEET.module)


def matrix_sheet(
    view: SheetView,
    *,
    key: str,
    on_edit: Callable[[str, int, int, float], None] | None = None,
    on_stage: Callable[[int], None] | None = None,
) -> None:
    """Show the sheet; ``on_edit`` gets a matrix's symbol, row, column and number, ``on_stage`` the stage chosen.

    Both are called before the script runs again; pointing and playing are silent.
    """

    def edited(said: object) -> None:
        edit = view.read_edit(said if isinstance(said, dict) else {})
        if edit is not None and on_edit is not None:
            on_edit(*edit)

    def stage_chosen(said: object) -> None:
        stage = said.get("stage") if isinstance(said, dict) else None
        if isinstance(stage, int) and 0 <= stage < len(view.stages) and on_stage is not None:
            on_stage(stage)

    mount(_component, view.pack(), key=key, edited=edited, stage=stage_chosen)
