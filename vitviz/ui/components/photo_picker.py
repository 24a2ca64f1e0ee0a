"""The photo picker: thumbnails in the sidebar, one of them chosen, by mouse or arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from vitviz.figures.image_files import jpeg_bytes
from vitviz.images import Photo
from vitviz.ui.components.packing import pack
from vitviz.ui.components.sources import PICKER

SIDE = 112

_component = st.components.v2.component("vitviz_photo_picker", html=PICKER.html, css=PICKER.css, js=PICKER.module)


def photo_picker(
    tiles: Sequence[tuple[str, str, Photo]], *, current: str, label: str, on_pick: Callable[[str], None]
) -> None:
    """Show (id, title, photo) tiles with ``current`` chosen; ``on_pick`` gets the id of a tile that was picked."""

    def picked() -> None:
        name = (st.session_state.get("photo_picker") or {}).get("photo")
        if name in {tile[0] for tile in tiles}:
            on_pick(name)

    parts = {name: _thumbnail(photo.digest, photo) for name, _title, photo in tiles}
    meta = {"tiles": [[name, title] for name, title, _photo in tiles], "current": current, "label": label}
    _component(key="photo_picker", data=pack(meta, parts), on_photo_change=picked)


@st.cache_data(max_entries=64, show_spinner=False)
def _thumbnail(digest: str, _photo: Photo) -> bytes:
    side = min(_photo.image.size)
    left, top = (_photo.image.width - side) // 2, (_photo.image.height - side) // 2
    square = _photo.image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return jpeg_bytes(square, quality=80)
