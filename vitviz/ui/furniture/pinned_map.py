"""The map of a pin, made again from its choices, with the photo beneath."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vitviz.attention.rollout_view import layer_alone_words, rollout_view
from vitviz.attention.view import MapView
from vitviz.clause import Clause
from vitviz.errors import VitvizError
from vitviz.export.settings import ViewSettings
from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.numbers import percent
from vitviz.ui.choices.pins import ATTENTION, Pin
from vitviz.ui.choices.rollout import ROLLOUT, ROLLOUT_MAP
from vitviz.ui.choices.shared import DIRECTION, OPACITY, PALETTE, SMOOTH, SPECIAL, WEIGHTS
from vitviz.ui.furniture import framing, settings, viewer
from vitviz.ui.reader import link, photos, scene
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.errors import clause, in_dashboard

_STATE = "vitviz_pin_maps"
_SIDE = 420
"""Longest side in pixels of the photos that are kept beneath the maps."""


@dataclass(frozen=True, eq=False)
class PinnedMap:
    """A map, what it is of, and what makes it again."""

    label: str
    view: MapView
    photo: bytes
    """The part of the photo that the model saw, as a JPEG file."""
    settings: ViewSettings
    digest: str
    """Of the photo."""

    @property
    def values(self) -> NDArray[np.float32]:
        """(rows, columns)."""
        return self.view.values

    def panel(self) -> Panel:
        """Return the map over its photo in the reader's colours, as the page and the print show it."""
        palette = link.get(PALETTE)
        return Panel(
            label=self.label,
            photo=np.asarray(Image.open(io.BytesIO(self.photo)).convert("RGB")),
            map=self.values,
            scale=Scale(0, self.view.top_of_scale, self.view.uniform),
            palette=None if palette == "spotlight" else palette,
            opacity=link.get(OPACITY),
            interpolated=link.get(SMOOTH),
            spotlight=palette == "spotlight",
            query=self.view.cell,
        )


def made(pin: Pin) -> PinnedMap | str:
    """Return the map of a pin, kept for this reader, or why it cannot be had."""
    kept: dict[str, PinnedMap | str] = st.session_state.setdefault(_STATE, {})
    text = pin.text()
    if text not in kept:
        with link.aside(pin.whole()):
            try:
                kept[text] = _made(pin)
            except VitvizError as error:
                return in_dashboard(error)
    return kept[text]


def _made(pin: Pin) -> PinnedMap:
    now = scene.exactly()
    if pin.kind == ATTENTION:
        shown = viewer.shown_map(now)
        return pinned(now, shown, settings.attention(now))
    return pinned(now, *_rollout(now))


def _rollout(now: Scene) -> tuple[MapView, ViewSettings]:
    options = settings.rollout_options(now)
    alone = link.get(ROLLOUT_MAP) != ROLLOUT
    if alone:
        options |= {"start_layer": options["end_layer"], "residual": 0.0, "discard_ratio": 0.0}
    shown = rollout_view(now.trace, now.query, direction=link.get(DIRECTION), hide_special=link.get(SPECIAL), **options)
    label = layer_alone_words(now.trace, now.query, link.get(DIRECTION), options["end_layer"], options["head_fusion"])
    if not alone:
        label = Clause(
            "{label}, residual share {residual}, smallest {discard} discarded",
            label=shown.label,
            residual=percent(options["residual"]),
            discard=percent(options["discard_ratio"]),
        )
    return replace(shown, label=label), replace(settings.rollout(now), **options)


def pinned(now: Scene, shown: MapView, made_with: ViewSettings) -> PinnedMap:
    """Return a map that is shown as it is pinned."""
    picture = Image.fromarray(now.picture)
    picture.thumbnail((_SIDE, _SIDE))
    parts = [photos.title(now.photo_name), framing.short(now), _model(now), clause(shown.label)]
    label = ", ".join(part for part in parts if part)
    return PinnedMap(label, shown, jpeg_bytes(np.asarray(picture)), made_with, now.photo.digest)


def _model(now: Scene) -> str:
    """Return the model's name with all that makes its maps other maps: weights, grid, heads switched off."""
    grid, off = now.trace.grid, now.trace.edit.ablate_heads
    parts = [now.vit.name, f"{grid.rows} × {grid.columns}"]
    if link.get(WEIGHTS) == "random":
        parts.append(_("random weights"))
    if off:
        heads = ", ".join(f"L{layer}·H{head}" for layer, head in off)
        parts.append(_("without {heads}").format(heads=heads))
    return " ".join(parts)
