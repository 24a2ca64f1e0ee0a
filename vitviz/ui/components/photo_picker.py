"""The photo picker: thumbnails, one of them chosen, by mouse or arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from vitviz.figures.image_files import jpeg_bytes
from vitviz.images import Photo
from vitviz.record import Record
from vitviz.ui.components.packing import pack
from vitviz.ui.components.sources import PICKER

SIDE = 112

_component = st.components.v2.component("vitviz_photo_picker", html=PICKER.html, css=PICKER.css, js=PICKER.module)


@dataclass(frozen=True)
class Tile(Record):
    """One photo to choose."""

    name: str
    title: str
    photo: Photo
    note: str = ""
    """Said after the title, such as "answered wrongly"."""
    mark: str = ""
    """The note as one sign on the picture."""


def photo_picker(
    tiles: Sequence[Tile],
    *,
    current: str,
    label: str,
    on_pick: Callable[[str], None],
    key: str = "photo_picker",
    columns: int = 6,
) -> None:
    """Show tiles with ``current`` chosen; ``on_pick`` gets the id of a tile that was picked."""

    def picked() -> None:
        name = (st.session_state.get(key) or {}).get("photo")
        if name in {tile.name for tile in tiles}:
            on_pick(name)

    parts = {tile.name: _thumbnail(tile.photo.digest, tile.photo) for tile in tiles}
    told = [[tile.name, f"{tile.title} ({tile.note})" if tile.note else tile.title, tile.mark] for tile in tiles]
    meta = {"tiles": told, "current": current, "label": label, "columns": columns}
    _component(key=key, data=pack(meta, parts), on_photo_change=picked)


@st.cache_data(max_entries=64, show_spinner=False)
def _thumbnail(digest: str, _photo: Photo) -> bytes:
    side = min(_photo.image.size)
    left, top = (_photo.image.width - side) // 2, (_photo.image.height - side) // 2
    square = _photo.image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return jpeg_bytes(square, quality=80)
