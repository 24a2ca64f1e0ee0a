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
from vitviz.ui.components.turns import mount

SIDE = 112

_component = st.components.v2.component("vitviz_photo_picker", html=PICKER.html, css=PICKER.css, js=PICKER.module)


@dataclass(frozen=True)
class Tile(Record):
    """One photo to choose."""

    name: str
    title: str
    small: bytes
    """The photo as a JPEG file of the size of a tile."""
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
    own: Sequence[str] | None = None,
    on_restore: Callable[[Sequence[str]], None] = lambda names: None,
) -> None:
    """Show tiles with ``current`` chosen; ``on_pick`` gets the id of a tile that was picked.

    The browser tab remembers ``own``, the names of the reader's own photos. After a reload ``on_restore`` gets those
    that are missing; what they are is up to it, for a browser can say anything. A picker of other photos has None.
    """

    def picked(said: object) -> None:
        if isinstance(said, str) and said in {tile.name for tile in tiles}:
            on_pick(said)

    def restored(said: object) -> None:
        on_restore(said.split() if isinstance(said, str) else [])

    parts = {tile.name: tile.small for tile in tiles}
    told = [[tile.name, f"{tile.title} ({tile.note})" if tile.note else tile.title, tile.mark] for tile in tiles]
    meta = {"tiles": told, "current": current, "label": label, "columns": columns}
    meta |= {} if own is None else {"own": list(own)}
    mount(_component, pack(meta, parts), key=key, photo=picked, restore=restored)


@st.cache_data(max_entries=64, show_spinner=False)
def thumbnail(digest: str, _photo: Photo) -> bytes:
    """Return the middle of a photo as a JPEG file of the size of a tile."""
    side = min(_photo.image.size)
    left, top = (_photo.image.width - side) // 2, (_photo.image.height - side) // 2
    square = _photo.image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return jpeg_bytes(square, quality=80)
