"""The attention viewer on a page: point at a patch and see at once where every head of the layer looks.

Hovering never leaves the browser. A click or a control sends one state value, "view", and the script runs again. The
heavy blob (photo, queries, keys) is the same bytes as before then, so Streamlit sends a hash instead of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from vitviz.ui.components.attention_view import AttentionView, ViewState
from vitviz.ui.components.sources import VIEWER
from vitviz.ui.components.turns import SharedState, mount

_component = st.components.v2.component("vitviz_attention_viewer", html=VIEWER.html, css=VIEWER.css, js=VIEWER.module)


def attention_viewer(
    view: AttentionView, *, key: str, on_change: Callable[[ViewState], None] | None = None
) -> ViewState:
    """Show the view and return what the reader sees now: the view's own state until something was clicked.

    ``on_change`` is called with the new state before the script runs again, after each click, pin or control change,
    never while hovering. The viewer keeps the reader's choices when the same values come back, and takes over a value
    of the view that has changed since the last run and differs from the reader's.
    """
    shared = SharedState(key)

    def changed(_said: Any) -> None:
        state = shared.chosen(view.read_state)
        if on_change is not None and state is not None:
            on_change(state)

    start = _start(view, shared)
    mount(_component, view.pack(start, revision=shared.revision, heard=shared.heard), key=key, view=changed)
    chosen = shared.chosen(view.read_state)  # None again if the view's own wish is newer than the reader's choice
    return view.state if chosen is None else replace(chosen, layer=view.layer)


def _start(view: AttentionView, shared: SharedState) -> ViewState:
    """Return the state to send. The layer is the viewer's own wish for new data, never a state to restore."""
    chosen = shared.chosen(view.read_state)
    start: ViewState = shared.start(
        replace(view.state, layer=0),
        None if chosen is None else replace(chosen, layer=0),
        (view.grid, view.heads, view.names),
    )
    return replace(start, layer=view.layer)
