"""The box drawer: a photo on which the reader drags one box round an object, or moves it with the keys."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from vitviz.grid import PatchGrid
from vitviz.ui.components.packing import pack
from vitviz.ui.components.sources import DRAWER
from vitviz.ui.components.turns import mount
from vitviz.ui.text import _

_component = st.components.v2.component("vitviz_box_drawer", html=DRAWER.html, css=DRAWER.css, js=DRAWER.module)

Box = tuple[int, int, int, int]


def labels() -> dict[str, str]:
    """Return every visible text in the reader's language; names in braces are filled in by the script."""
    return {
        "photo": _("Photo: draw a box round the object."),
        "keys": _(
            "Arrow keys move the box by a patch, with Shift its lower right corner; Enter takes it, Escape goes back, "
            "Delete removes it."
        ),
        "box": _("{width} × {height} px at ({left}, {top})"),
        "none": _("Drag over the photo to draw a box."),
        "clear": _("Remove the box"),
    }


def box_drawer(
    photo: bytes, *, name: str, grid: PatchGrid, box: Box | None, key: str, on_draw: Callable[[str], None]
) -> None:
    """Show a photo, a JPEG of what the grid covers, with a box (left, top, right, bottom) in pixels of the input.

    ``name`` tells one photo from another. ``on_draw`` gets the box that was drawn as "left.top.right.bottom", or an
    empty text if it was removed; what comes from a browser is for the caller to check.
    """

    def drawn(said: object) -> None:
        if isinstance(said, str):
            on_draw(said)

    height, width = grid.image_size
    meta = {
        "photo": name,
        "height": height,
        "width": width,
        "step": list(grid.patch_size),
        "box": None if box is None else list(box),
        "labels": labels(),
    }
    mount(_component, pack(meta, {"photo": photo}), key=key, box=drawn)
