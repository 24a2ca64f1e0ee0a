"""How large a picture is printed: the reader's choice of width and resolution, for all files of a page."""

from __future__ import annotations

import streamlit as st

from vitviz.figures.sheet import PrintSize
from vitviz.ui.text import _

WIDTHS = {85: "85 mm", 120: "120 mm", 180: "180 mm", 300: "300 mm"}
"""One column of a journal, one and a half, a whole page; a poster."""
RESOLUTIONS = (150, 300, 600)


def choose() -> PrintSize:
    """Draw the choice and return it."""
    width, resolution = st.columns(2)
    millimetres = width.segmented_control(
        _("Width in print"), list(WIDTHS), format_func=WIDTHS.__getitem__, default=180, required=True, key="print_width"
    )
    dots = resolution.segmented_control(
        _("Dots per inch"), RESOLUTIONS, default=300, required=True, key="print_resolution"
    )
    return {"width_mm": millimetres, "dpi": dots}


def chosen() -> PrintSize:
    """Return the choice of the last run, for files that are described before it is drawn."""
    return {"width_mm": st.session_state.get("print_width", 180), "dpi": st.session_state.get("print_resolution", 300)}
