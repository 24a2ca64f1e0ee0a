"""Presentation size: type of 20 pixels and more, the sidebar away and the controls folded, for a projector."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.shared import PRESENT
from vitviz.ui.reader import link
from vitviz.ui.text import _

TYPE = 22
"""Size of the type in pixels, of the page's text and of its charts."""

LARGE = f"""
<style>
html {{ font-size: {TYPE}px; }}
[data-testid="stSidebar"], [data-testid="stHeader"] {{ display: none !important; }}
[data-testid="stMainBlockContainer"] {{ padding: 0.6rem 2rem 3rem; max-width: none; }}
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] {{ gap: 0.5rem; }}
[data-testid="stMainBlockContainer"] h2 {{ font-size: 1.5rem; padding: 0.3rem 0 0; }}
.st-key-strip img {{ width: 64px !important; }}
@media (min-width: 1000px) {{ .st-key-strip {{ min-height: 3rem; padding-right: 21rem; padding-bottom: 0.3rem; }}
  .st-key-present {{ position: absolute; top: 0.6rem; right: 2rem; width: auto; z-index: 1; }} }}
</style>
"""
FOLDED = """
<style>
[data-testid="stMainBlockContainer"] :is([data-testid="stSlider"], [data-testid="stButtonGroup"],
[data-testid="stSelectbox"], [data-testid="stMultiSelect"], [data-testid="stNumberInput"], [data-testid="stCheckbox"],
[data-testid="stExpander"], [data-testid="stCaptionContainer"]), .st-key-stage_controls,
.st-key-strip [data-testid="stColumn"]:last-child { display: none; }
</style>
"""


def draw_toggle() -> None:
    """Draw the toggle of the sidebar."""
    key = "present_toggle"
    st.session_state[key] = link.get(PRESENT) != "off"
    st.toggle(
        _("Presentation size"),
        key=key,
        on_change=toggle,
        help=_("For a projector: large type, the sidebar away, the controls folded. The key p does the same."),
    )


def toggle() -> None:
    """Go to presentation size, or leave it."""
    link.put(PRESENT.at("on" if link.get(PRESENT) == "off" else "off"))


def draw_bar() -> None:
    """Enlarge the page and draw the buttons that fold the controls out and lead back; nothing in the usual size."""
    state = link.get(PRESENT)
    if state == "off":
        return
    st.html(LARGE + (FOLDED if state == "on" else ""))
    with st.container(key="present", horizontal=True, horizontal_alignment="right"):
        words = _("Show the controls") if state == "on" else _("Fold the controls")
        st.button(words, key="present_controls", on_click=_fold)
        st.button(_("Leave presentation size"), key="present_leave", on_click=toggle)


def _fold() -> None:
    """Fold the controls, or show them again."""
    link.put(PRESENT.at("controls" if link.get(PRESENT) == "on" else "on"))
