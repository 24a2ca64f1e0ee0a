"""The window counter on a page: local windows go over a board one by one, and a counter runs."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.components.sources import WINDOWS
from vitviz.ui.components.window_view import WindowView

_component = st.components.v2.component("vitviz_window_counter", html=WINDOWS.html, css=WINDOWS.css, js=WINDOWS.module)


def window_counter(view: WindowView, *, key: str) -> None:
    """Show the counter; nothing is sent back."""
    _component(key=key, data=view.pack())
