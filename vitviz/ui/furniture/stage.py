"""The places of a page: its stage, what follows, and what stands below all. What comes and goes in one moves no other.

Streamlit's browser side knows an element by its number in its container. What is drawn above others now and then shifts
their numbers, and all of them are built anew: they lose the focus, what they hold, and keys that are pressed meanwhile.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_BELOW = "vitviz_below"


def begin() -> DeltaGenerator:
    """Keep the places of a page and of what stands below it; return that of the page."""
    page = st.container(key="page")
    st.session_state[_BELOW] = st.container(key="below")
    return page


def below() -> DeltaGenerator:
    """Return the place below all that a page draws, for its foot."""
    place: DeltaGenerator = st.session_state[_BELOW]
    return place


def stage() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the place of the controls and the place of the picture, once a page.

    The controls stand above the picture. On a phone, where they would fill the first screen, they stand below it, and
    in presentation size they are folded away with all others. ``furniture.style`` has the rules.
    """
    with st.container(key="stage"):
        return st.container(key="stage_controls"), st.container(key="stage_picture")
