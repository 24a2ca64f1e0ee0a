"""What the browser is told at each run, beside what ``document`` gives every page: language, size, the drawer."""

from __future__ import annotations

import json

import streamlit as st

from vitviz.ui.text import _

_CHOSEN, _CLOSED = "vitviz_sidebar_choices", "vitviz_sidebar_closed"
_CLOSE = """{
  const drawer = document.querySelector('[data-testid="stSidebar"]');
  if (matchMedia("(max-width: 768px)").matches && drawer?.getBoundingClientRect().right > 50)
    drawer.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
}"""


_TOP = '<h1 style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)">vitviz</h1>'


def say_language(language: str, chosen: object = None, *, present: str = "off") -> None:
    """Tell the browser the page's language: screen readers and Chinese fonts go by it. Takes a line's room.

    With it go the top of the outline for screen readers, as the pages' titles are headings of the second level, and
    whether the page is in presentation size (``present``: "off", "on", "controls").

    Words that Streamlit writes itself, in English alone, and the way past the sidebar are told with it.

    On a phone, where the sidebar lies over the page, it closes when what was ``chosen`` in it has changed.
    """
    assert language.isalpha()  # it becomes a script
    assert present.isalpha()
    before = st.session_state.get(_CHOSEN, chosen)
    st.session_state[_CHOSEN] = chosen
    count = st.session_state[_CLOSED] = st.session_state.get(_CLOSED, 0) + (before != chosen)
    close = f"{_CLOSE} // {count}" if count else ""  # another number is another script, which runs once
    size = "delete page.dataset.present" if present == "off" else f"page.dataset.present = {present!r}"
    words = {"upload": _("Upload"), "apply": _("Press Enter to apply"), "skip": _("Skip to the page")}
    told = "".join(
        f"page.style.setProperty('--say-{name}', {json.dumps(text, ensure_ascii=False)!r});"
        for name, text in words.items()
    )
    script = f"const page = document.documentElement; page.lang = {language!r}; {told} {size};{close}"
    st.html(f"{_TOP}<script>{{{script}\n}}</script>", unsafe_allow_javascript=True)
