"""Keys for the whole page, and the dialog that lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from vitviz.ui.components.labels import shortcut_labels
from vitviz.ui.components.sources import SHORTCUTS
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_shortcuts", html=SHORTCUTS.html, css=SHORTCUTS.css, js=SHORTCUTS.module)


def shortcuts(keys: Mapping[str, str], *, key: str, on_act: Callable[[str], None]) -> None:
    """Listen to keys on the whole page and offer the list of all of them on "?", and full screen on "f".

    ``keys`` names what each of the other keys does; ``on_act`` gets that name before the script runs again. Keys that
    are pressed where text is written are left alone.
    """

    def acted(said: object) -> None:
        if isinstance(said, Mapping) and said.get("name") in keys.values():
            on_act(said["name"])

    mount(_component, {"keys": dict(keys), "labels": shortcut_labels()}, key=key, act=acted)
