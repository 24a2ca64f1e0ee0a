"""The stage of a page: its controls and its first picture, which a phone shows in the other order."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def stage() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the place of the controls and the place of the picture, once a page.

    The controls stand above the picture. On a phone, where they would fill the first screen, they stand below it, and
    in presentation size they are folded away with all others. ``furniture.style`` has the rules.
    """
    with st.container(key="stage"):
        return st.container(key="stage_controls"), st.container(key="stage_picture")
