"""Pins: keep a map, go on, and see both side by side with their difference: heads, layers, photos or models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attention.view import MapView
from vitviz.figures.heatmaps import difference_map
from vitviz.ui.choices.shared import WEIGHTS
from vitviz.ui.furniture import viewer
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_PINS = "vitviz_pins"
MOST = 2


@dataclass(frozen=True, eq=False)
class Pin:
    """A map that was kept, and what it was."""

    label: str
    values: NDArray[np.float32]
    """(rows, columns)."""


def pins() -> list[Pin]:
    """Return the reader's pins, oldest first."""
    kept: list[Pin] = st.session_state.setdefault(_PINS, [])
    return kept


def add(scene: Scene, shown: MapView | None = None, told: str = "") -> None:
    """Pin the map that is shown now; a third pin takes the place of the second.

    ``told`` is what makes the map another one and is not in its label. A map with the label of a pin replaces it.
    """
    shown = shown or viewer.shown_map(scene)
    parts = [photos.title(scene.photo_name), _model(scene), shown.label, told]
    label = ", ".join(part for part in parts if part)
    kept = [pin for pin in pins() if pin.label != label]
    st.session_state[_PINS] = [*kept[: MOST - 1], Pin(label, shown.values)]


def _model(scene: Scene) -> str:
    """Return the model's name with all that makes its maps other maps: weights, grid, heads switched off."""
    grid, off = scene.trace.grid, scene.trace.edit.ablate_heads
    parts = [scene.vit.name, f"{grid.rows} × {grid.columns}"]
    if link.get(WEIGHTS) == "random":
        parts.append(_("random weights"))
    if off:
        heads = ", ".join(f"L{layer}·H{head}" for layer, head in off)
        parts.append(_("without {heads}").format(heads=heads))
    return " ".join(parts)


def draw(scene: Scene, shown: MapView | None = None, *, told: str = "") -> None:
    """Draw the pin button and, once two maps are pinned, A, B and A − B on one scale; ``add`` says what is pinned."""
    kept = pins()
    with st.container(key="pins"):
        button, clear, words = st.columns([2, 2, 6], vertical_alignment="center")
        button.button(_("Pin this map"), icon=":material/push_pin:", key="pin", on_click=add, args=(scene, shown, told))
        if not kept:
            words.caption(_("Pin two maps (heads, layers, photos, models) to see their difference."))
            return
        clear.button(_("Remove pins"), icon=":material/close:", key="unpin", on_click=lambda: pins().clear())
        words.caption("  \n".join(f"**{name}** {pin.label}" for name, pin in zip("AB", kept, strict=False)))
        if len(kept) == MOST:
            _compare(*kept)


def _compare(first: Pin, second: Pin) -> None:
    if first.values.shape != second.values.shape:
        st.warning(
            _(
                "A has {a} patches and B has {b}: maps on different grids have no difference. Pin maps of one grid."
            ).format(a=" × ".join(map(str, first.values.shape)), b=" × ".join(map(str, second.values.shape)))
        )
        return
    figure = difference_map(
        first.values,
        second.values,
        value_title=_("Attention"),
        difference_title=_("A − B"),
        hover=_("row %{y}, column %{x}"),
    )
    chart(figure, key="difference")
