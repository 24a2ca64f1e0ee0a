"""The foot of every page: the page before and the next one, the keys, full screen."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.lesson import PAGES as LESSONS
from vitviz.ui.components.shortcuts import shortcuts
from vitviz.ui.furniture import presentation
from vitviz.ui.navigation import Entry, entries
from vitviz.ui.text import _

_WISH = "vitviz_page_wished"
_KEYS = {"n": "next", "b": "before", "p": "present"}


def neighbours(name: str) -> tuple[Entry | None, Entry | None]:
    """Return the pages before and after one in the order of the navigation; None at the ends."""
    pages = entries()
    at = [page.name for page in pages].index(name)
    return (pages[at - 1] if at else None), (pages[at + 1] if at + 1 < len(pages) else None)


def draw(name: str) -> None:
    """Draw the foot of the page of that name; a lesson has the links of its course already."""
    before, after = (None, None) if name in LESSONS else neighbours(name)
    with st.container(key="foot", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if before is not None:
            label = _("Before: {page}").format(page=before.title)
            st.page_link(before.path, label=label, icon=":material/arrow_back:", width="content")
        shortcuts(_KEYS, key="shortcuts", on_act=_act)
        if after is not None:
            label = _("Next: {page}").format(page=after.title)
            st.page_link(after.path, label=label, icon=":material/arrow_forward:", width="content")


def _act(act: str) -> None:
    if act == "present":
        presentation.toggle()
    else:
        st.session_state[_WISH] = act


def follow(name: str) -> None:
    """Go to the page that a key asked for since the last run, if there is one."""
    wish = st.session_state.pop(_WISH, None)
    if wish is None:
        return
    before, after = neighbours(name)
    page = after if wish == "next" else before
    if page is not None:
        st.switch_page(page.path)
