"""Presentation size: type of 20 pixels and more, the sidebar away and the controls folded, for a projector."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.shared import PRESENT
from vitviz.ui.reader import link
from vitviz.ui.text import _

TYPE = 22
"""Size of the type in pixels, of the page's charts and, by ``document.css``, of its text."""


def draw_toggle() -> None:
    """Draw the toggle of the sidebar."""
    key = "present_toggle"
    shown = link.get(PRESENT) != "off"
    st.toggle(
        _("Presentation size"),
        key=key,
        on_change=link.tie(key, shown, lambda on: link.put(PRESENT.at("on" if on else "off"))),
        help=_("For a projector: large type, the sidebar away, the controls folded. The key p does the same."),
    )


def toggle() -> None:
    """Go to presentation size, or leave it."""
    link.put(PRESENT.at("on" if link.get(PRESENT) == "off" else "off"))


def draw_bar() -> None:
    """Draw the buttons that fold the controls out and lead back; nothing in the usual size, but its place is kept.

    Without a place of its own the page below would be built anew in the browser, and keys pressed meanwhile be lost.
    """
    state = link.get(PRESENT)
    with st.container(key="present", horizontal=True, horizontal_alignment="right"):
        if state == "off":
            return
        if state == "on":
            words, wanted = _("Show the controls"), PRESENT.at("controls")
        else:
            words, wanted = _("Fold the controls"), PRESENT.at("on")
        # A button says where it leads, not that it is the other way now: clicked twice, it leads there all the same.
        st.button(words, key="present_controls", on_click=link.put, args=(wanted,))
        st.button(_("Leave presentation size"), key="present_leave", on_click=link.put, args=(PRESENT.at("off"),))
