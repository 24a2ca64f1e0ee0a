"""The board of pinned maps: a card for each, and the files to take away: for print, as numbers, as settings."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vitviz.export.arrays import npz_bytes
from vitviz.export.json_text import json_text
from vitviz.export.manifest import DIGEST, LICENCE, versions
from vitviz.export.snippet import snippet
from vitviz.figures.overlay import overlay
from vitviz.figures.sheet import Panel, print_figure
from vitviz.ui.choices.pins import BOARD_COLUMNS, Pin
from vitviz.ui.furniture.pinned_map import PinnedMap
from vitviz.ui.furniture.show import File
from vitviz.ui.reader import link
from vitviz.ui.text import _, kept, plain

_DPI = 300
Maps = Sequence[tuple[Pin, PinnedMap]]


def card(picture: PinnedMap | str, *, text: str) -> None:
    """Draw a pinned map over its photo with its label, or why it cannot be had."""
    if isinstance(picture, str):
        st.warning(plain(f"{text}: {picture}"), icon=":material/block:")
        return
    panel = picture.panel()
    assert panel.photo is not None
    assert panel.map is not None
    shown = overlay(panel.photo, panel.map, scale=panel.scale, palette=panel.palette, opacity=panel.opacity)
    st.image(shown, width="stretch", output_format="JPEG", alt=picture.label)
    st.caption(plain(picture.label))


def downloads(maps: Maps) -> None:
    """Draw the buttons that take the board away: a sheet for print, the arrays, the settings with their code."""
    if not maps:
        return
    panels, columns = [picture.panel() for _pin, picture in maps], link.get(BOARD_COLUMNS)
    told = record(maps)
    files: tuple[File, ...] = (
        ("png", _("Board (PNG, for print)"), "image/png", lambda: sheet(panels, columns)),
        ("pdf", _("Board (PDF, for print)"), "application/pdf", lambda: pdf(sheet(panels, columns))),
        ("npz", _("Arrays of all maps (npz)"), "application/zip", lambda: npz_bytes(arrays(maps), told)),
        ("json", _("Settings and code (JSON)"), "application/json", lambda: json_text(told)),
    )
    for column, (suffix, label, mime, make) in zip(st.columns(len(files)), files, strict=True):
        column.download_button(
            label,
            kept(make),
            file_name=f"vitviz-board.{suffix}",
            mime=mime,
            key=f"board_{suffix}",
            on_click="ignore",
            width="stretch",
        )


def sheet(panels: Sequence[Panel], columns: int) -> bytes:
    """Return the maps over their photos as one PNG at print size, in the order and the columns of the board."""
    return print_figure(panels, columns=min(columns, len(panels)), caption="vitviz", dpi=_DPI)


def pdf(png: bytes) -> bytes:
    """Return a printed sheet as a PDF of one page of its size."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(file, "PDF", resolution=_DPI)
    return file.getvalue()


def arrays(maps: Maps) -> dict[str, NDArray[Any]]:
    """Return the maps by their numbers on the board."""
    return {f"map_{number}": np.asarray(picture.values) for number, (_pin, picture) in enumerate(maps, 1)}


def record(maps: Maps) -> dict[str, Any]:
    """Return what the maps of a board were made of, each with its code, as plain values."""
    return {
        "vitviz_board": 1,
        "versions": versions(),
        "maps": [
            {
                "label": picture.label,
                "picture": {"digest": picture.digest, "digest_of": DIGEST},
                "settings": picture.settings.describe(),
                "map": picture.view.describe(),
                "code": snippet(picture.settings),
            }
            for _pin, picture in maps
        ],
        "licence": LICENCE,
    }
