"""The matrix sheet on a page: a calculation over small matrices that can be stepped through cell by cell and edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from vitviz.ui.components.sheet_view import SheetView
from vitviz.ui.components.sources import SHEET

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

    def sent(name: str) -> Mapping[str, object]:
        value = (st.session_state.get(key) or {}).get(name)
        return value if isinstance(value, dict) else {}

    def edited() -> None:
        edit = view.read_edit(sent("edited"))
        if edit is not None and on_edit is not None:
            on_edit(*edit)

    def stage_chosen() -> None:
        stage = sent("stage").get("stage")
        if isinstance(stage, int) and 0 <= stage < len(view.stages) and on_stage is not None:
            on_stage(stage)

    _component(key=key, data=view.pack(), on_edited_change=edited, on_stage_change=stage_chosen)
