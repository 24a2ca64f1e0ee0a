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

_component = st.components.v2.component("vitviz_attention_viewer", html=VIEWER.html, css=VIEWER.css, js=VIEWER.module)


def attention_viewer(
    view: AttentionView, *, key: str, on_change: Callable[[ViewState], None] | None = None
) -> ViewState:
    """Show the view and return what the reader sees now: the view's own state until something was clicked.

    ``on_change`` is called with the new state before the script runs again, after each click, pin or control change,
    never while hovering. The viewer keeps the reader's choices when the same values come back, and takes over a value
    of the view that has changed since the last run and differs from the reader's.
    """

    def changed() -> None:
        state = _chosen(view, key)
        if on_change is not None and state is not None:
            on_change(state)
            _memory(key)["told"] = _memory(key)["turn"]

    start = _start(view, key, _chosen(view, key))
    memory = _memory(key)
    data = view.pack(start, revision=memory["revision"], heard=memory["heard"])
    _component(key=key, data=data, on_view_change=changed)
    chosen = _chosen(view, key)  # None again if the view's own wish is newer than the reader's choice
    if chosen is not None and on_change is not None and memory["told"] != memory["turn"]:
        changed()  # a quicker click cut its callback off
        st.rerun()
    return view.state if chosen is None else replace(chosen, layer=view.layer)


def _memory(key: str) -> dict[str, Any]:
    """Return what is known of the viewer of that key.

    Last sent to it: start, wanted, shape, revision, and the turn of the choice that was "heard" before it. Last come
    from it: the choice "sent" and its turn, and the turn that on_change was "told".
    """
    new = {"revision": 0, "heard": 0, "turn": 0, "told": 0}
    memory: dict[str, Any] = st.session_state.setdefault(f"_{key}_sent", new)
    return memory


def _chosen(view: AttentionView, key: str) -> ViewState | None:
    """Return the reader's choices made to fit this view, or None if there are none since Python's last own wish."""
    value: Any = st.session_state.get(key)
    sent = value.get("view") if value else None
    if not sent:
        return None
    memory = _memory(key)
    # Streamlit starts a run for each choice; of two in quick succession the first may begin last, with its old choice.
    if sent["turn"] >= memory["turn"]:
        memory |= {"sent": sent, "turn": sent["turn"]}
    return view.read_state(memory["sent"]) if memory["sent"]["revision"] == memory["revision"] else None


def _start(view: AttentionView, key: str, chosen: ViewState | None) -> ViewState:
    """Return the state to send: the one of last time, unless Python changed its mind, which is a new revision.

    The browser takes a state over only when its revision is new. So an app that mirrors each click into the next
    view sends the same bytes again, and one that always passes the same view does not undo the click.
    """
    memory = _memory(key)
    shape = (view.grid, view.heads, view.names)
    # The layer is the viewer's own wish for new data, never a state to restore.
    wanted = replace(view.state, layer=0)
    if chosen is None:
        unchanged = wanted == memory.get("start")
    else:
        unchanged = wanted in (replace(chosen, layer=0), memory["wanted"])
    if memory.get("shape") != shape or not unchanged:
        memory |= {"start": wanted, "revision": memory["revision"] + 1, "shape": shape, "heard": memory["turn"]}
    memory["wanted"] = wanted
    start: ViewState = memory["start"]
    return replace(start, layer=view.layer)
