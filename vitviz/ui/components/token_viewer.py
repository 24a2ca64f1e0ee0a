"""The token viewer on a page: point at a patch, and both photos show how alike all others are.

Pointing never leaves the browser. A click sends the patch; the tokens are the same bytes as before then, so Streamlit
sends a hash instead of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from vitviz.ui.components.sources import TOKENS
from vitviz.ui.components.token_view import TokenChoice, TokenView

_component = st.components.v2.component("vitviz_token_viewer", html=TOKENS.html, css=TOKENS.css, js=TOKENS.module)


def token_viewer(view: TokenView, *, key: str, on_change: Callable[[TokenChoice], None]) -> None:
    """Show the view. ``on_change`` gets what was pinned or chosen, before the script runs again; pointing is silent."""

    def changed() -> None:
        chosen = _chosen(view, key)
        if chosen is not None:
            on_change(chosen)

    start = _start(view, key)
    data = view.pack(start, revision=_memory(key)["revision"])
    _component(key=key, data=data, on_view_change=changed)


def _memory(key: str) -> dict[str, Any]:
    """Return what was last sent to the viewer of that key."""
    memory: dict[str, Any] = st.session_state.setdefault(f"_{key}_sent", {"revision": 0})
    return memory


def _chosen(view: TokenView, key: str) -> TokenChoice | None:
    """Return the reader's choice since Python's last own wish, or None."""
    sent = (st.session_state.get(key) or {}).get("view")
    if not sent or sent.get("revision") != _memory(key)["revision"]:
        return None
    return view.read(sent)


def _start(view: TokenView, key: str) -> TokenChoice:
    """Return the choice to send: the one of last time, unless somebody else than the browser changed it.

    So a click does not change the bytes, and the tokens travel once.
    """
    memory, grid = _memory(key), view.pictures[0].grid
    now = _chosen(view, key) or memory.get("start")
    if view.choice != now or memory.get("grid") != grid:
        memory |= {"start": view.choice, "revision": memory["revision"] + 1, "grid": grid}
    start: TokenChoice = memory["start"]
    return start
