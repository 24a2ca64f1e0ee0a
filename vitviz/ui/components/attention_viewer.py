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

_component = st.components.v2.component(
    "vitviz_attention_viewer", html=VIEWER.html, css=VIEWER.css, js=VIEWER.module
)


def attention_viewer(
    view: AttentionView, *, key: str, on_change: Callable[[ViewState], None] | None = None
) -> ViewState:
    """Show the view and return what the reader sees now: the view's own state until something was clicked.

    ``on_change`` is called with the new state before the script runs again, after each click, pin or control change,
    never while hovering. The viewer keeps the reader's choices when the same values come back, and takes over a value
    of the view that has changed since the last run and differs from the reader's.
    """
    chosen = _chosen(view, key)
    start, revision = _start(view, key, chosen)

    def changed() -> None:
        state = _chosen(view, key)
        if on_change is not None and state is not None:
            on_change(state)

    _component(key=key, data=view.pack(start, revision=revision), on_view_change=changed)
    return view.state if chosen is None else replace(chosen, layer=view.layer)


def _chosen(view: AttentionView, key: str) -> ViewState | None:
    """Return what the browser last sent, made to fit this view, or None before the first click on this page."""
    value: Any = st.session_state.get(key)
    sent = value.get("view") if value else None
    return view.read_state(sent) if sent else None


def _start(view: AttentionView, key: str, chosen: ViewState | None) -> tuple[ViewState, int]:
    """Return the state to send and its revision: the ones of last time, unless Python changed its mind.

    The browser takes a state over only when its revision is new. An app that mirrors each click into the next view
    changes nothing; one that always passes the same view does not undo the click.
    """
    memory = st.session_state.setdefault(f"_{key}_start", {})
    shape = (view.grid, view.heads)
    # The layer is the viewer's own wish for new data, never a state to restore.
    wanted = replace(view.state, layer=0)
    mirrored = chosen is not None and wanted == replace(chosen, layer=0)
    unmoved = wanted == (memory.get("wanted") if chosen is not None else memory.get("start"))
    if memory.get("shape") != shape or not (mirrored or unmoved):
        memory |= {"start": wanted, "revision": memory.get("revision", 0) + 1, "shape": shape}
    memory["wanted"] = wanted
    return replace(memory["start"], layer=view.layer), memory["revision"]
