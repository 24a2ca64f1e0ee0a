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
from vitviz.ui.components.turns import SharedState, mount

_component = st.components.v2.component("vitviz_token_viewer", html=TOKENS.html, css=TOKENS.css, js=TOKENS.module)


def token_viewer(view: TokenView, *, key: str, on_change: Callable[[TokenChoice], None]) -> None:
    """Show the view. ``on_change`` gets what was pinned or chosen, before the script runs again; pointing is silent."""
    shared = SharedState(key)

    def changed(_said: Any) -> None:
        chosen = shared.chosen(view.read)
        if chosen is not None:
            on_change(chosen)

    start = shared.start(view.choice, shared.chosen(view.read), view.pictures[0].grid)
    mount(_component, view.pack(start, revision=shared.revision, heard=shared.heard), key=key, view=changed)
