"""The copy button: puts a picture, which is made at the click, on the clipboard of the reader's system."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.ui.components.packing import pack
from vitviz.ui.components.sources import COPIER
from vitviz.ui.components.turns import mount
from vitviz.ui.text import _

_component = st.components.v2.component("vitviz_picture_copier", html=COPIER.html, css=COPIER.css, js=COPIER.module)


def labels() -> dict[str, str]:
    """Return every visible text in the reader's language."""
    return {
        "copy": _("Copy the picture"),
        "making": _("The picture is made …"),
        "copied": _("Copied: paste it into a document."),
        "refused": _(
            "The browser did not let the page copy a picture: it asks for https, or for localhost, and for your leave. "
            "Download the PNG instead."
        ),
    }


def picture_copier(make: Callable[[], bytes], *, key: str) -> None:
    """Draw the button; ``make`` returns a PNG, and runs when the button is pressed and not before."""
    words, name = labels(), f"{key}_asked"

    def ask(said: object) -> None:
        st.session_state[name] = said

    @st.fragment
    def draw() -> None:
        asked = st.session_state.pop(name, None)
        parts = {} if asked is None else {"png": make()}
        mount(_component, pack({"labels": words, "answer": asked}, parts), key=key, asked=ask)

    draw()
