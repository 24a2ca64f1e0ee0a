"""The place picker: any picture of a grid of places, one of which is chosen by a click or from the keyboard."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import streamlit as st
from PIL import Image

from vitviz.errors import OptionError, check_index
from vitviz.grid import PatchGrid
from vitviz.ui.components.labels import place_labels
from vitviz.ui.components.packing import pack
from vitviz.ui.components.sources import PLACES
from vitviz.ui.components.turns import mount

_component = st.components.v2.component("vitviz_place_picker", html=PLACES.html, css=PLACES.css, js=PLACES.module)


def place_picker(
    picture: bytes,
    grid: PatchGrid,
    *,
    key: str,
    chosen: int | None,
    label: str,
    on_pick: Callable[[int], None],
    hint: bool = True,
    crisp: bool = False,
) -> None:
    """Show a picture file, which fills the grid's rows and columns, with ``chosen`` outlined in orange.

    ``on_pick`` gets the place before the script runs again; pointing at places asks the server nothing. ``hint``
    says below how to choose; ``crisp`` keeps the edges of a picture's pixels when it is enlarged. ``label`` says what
    the picture shows, for those who do not see it.
    """

    def picked(said: object) -> None:
        place = read_place(said, grid)
        if place is not None:
            on_pick(place)

    with Image.open(io.BytesIO(picture)) as opened:
        aspect = opened.width / opened.height
    meta = {
        "aspect": aspect,
        "widest": widest(aspect),
        "rows": grid.rows,
        "columns": grid.columns,
        "chosen": None if chosen is None else check_index("Place", chosen, grid.patches),
        "label": label,
        "labels": {**place_labels(), **({} if hint else {"hint": ""})},
        "crisp": crisp,
        "content": hashlib.blake2b(picture, digest_size=8).hexdigest(),
    }
    mount(_component, pack(meta, {"picture": picture}), key=key, picked=picked)


def widest(aspect: float) -> str:
    """Return the style that makes a picture of this width by height as large as is whole on the first screen."""
    return f"max-width: calc({aspect:.6g} * max(320px, var(--large, 60vh)))"


def read_place(sent: object, grid: PatchGrid) -> int | None:
    """Return the place that the browser sent, or None if it sent none or one that the grid has not."""
    if not isinstance(sent, dict):
        return None
    try:
        return check_index("Place", sent.get("place"), grid.patches)  # type: ignore[arg-type]
    except OptionError:
        return None
