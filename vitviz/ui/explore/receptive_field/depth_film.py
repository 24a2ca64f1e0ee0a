"""The receptive field at every depth as a film: the ViT and the trained CNN beside it."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.errors import VitvizError
from vitviz.ui.choices.receptive_field import FIELD_SCALE
from vitviz.ui.choices.shared import LAYER, OPACITY, PALETTE
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import Box, FilmPanel, FilmView
from vitviz.ui.explore.receptive_field import probes
from vitviz.ui.explore.receptive_field.fields import square_side
from vitviz.ui.explore.receptive_field.probes import Probe
from vitviz.ui.furniture import viewer
from vitviz.ui.furniture.panel import empty_panel
from vitviz.ui.kept import cache
from vitviz.ui.kept.cache import FieldFrame, Inputs
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_SEEN = "vitviz_depth_film"


def place(scene: Scene) -> DeltaGenerator | None:
    """Draw the film if it was measured before; else keep its place, for ``fill`` to draw it when the rest stands."""
    if st.session_state.get(_SEEN) == _name(scene):
        _draw(scene)
        return None
    slot = st.empty()
    with slot.container():
        panels = st.columns(2, gap="small")
        for column in panels:
            with column:
                empty_panel(scene.picture, _("Measuring every depth …"))
    return slot


def fill(scene: Scene, slot: DeltaGenerator | None) -> None:
    """Measure every depth, if that is not done, and draw the film in its place."""
    if slot is None:
        return
    with slot.container():
        _draw(scene)
    st.session_state[_SEEN] = _name(scene)


def _name(scene: Scene) -> tuple[object, ...]:
    return scene.model_key, scene.photo.digest, scene.query, link.get(FIELD_SCALE)


def _draw(scene: Scene) -> None:
    shown = view(scene)
    if shown is not None:
        film(shown, key="depth_film", on_choose=lambda frame: link.put(LAYER.at(frame)))


def view(scene: Scene) -> FilmView | None:
    """Return the film, or None if no network can be measured; frames that were measured are kept."""
    panels = [panel for role, probe in probes.probes(scene) if role != "random" for panel in _panels(scene, probe)]
    if not panels:
        return None
    count = scene.vit.layers
    return FilmView(
        name=_("Receptive fields from the first layer to the last"),
        photo=viewer.photo_file(scene),
        size=scene.vit.image_size,
        panels=tuple(panels),
        frames=tuple(_("Depth {depth} of {count}").format(depth=at + 1, count=count) for at in range(count)),
        ends=(_("a thousandth") if link.get(FIELD_SCALE) == "log" else "0", _("strongest square")),
        start=scene.layer,
        mark=viewer.query_box(scene),
        choose=_("Use this depth below"),
        palette=link.get(PALETTE),
        opacity=link.get(OPACITY),
    )


def _panels(scene: Scene, probe: Probe) -> list[FilmPanel]:
    """Return the panel of a network, or none if it cannot be measured: the page says so beside its maps."""
    count = scene.vit.layers
    layers = [probe.layer_at((at + 1) / count) for at in range(count)]
    inputs = probe.inputs(scene.vit, [scene.photo])
    try:
        frames = [_frame(scene, probe, layer, inputs) for layer in layers]
    except VitvizError:
        return []
    told = [
        _("{layer} · radius {radius:.0f} px").format(layer=probe.layer_names[layer], radius=frame.radius)
        for layer, frame in zip(layers, frames, strict=True)
    ]
    boxes = tuple(_shares(scene, frame) for frame in frames)
    levels = np.stack([frame.levels for frame in frames])
    return [FilmPanel(title=probe.title, levels=levels, captions=tuple(told), boxes=boxes)]


def _frame(scene: Scene, probe: Probe, layer: int, inputs: Inputs) -> FieldFrame:
    key, token = probe.key, probe.token_at(layer)
    side, scale = square_side(scene), link.get(FIELD_SCALE)
    return cache.field_frame(key, scene.photo.digest, layer, token, side, scale, probe.model, inputs)


def _shares(scene: Scene, frame: FieldFrame) -> Box | None:
    if frame.theoretical is None:
        return None
    height, width = scene.vit.image_size
    left, top, right, bottom = frame.theoretical
    return left / width, top / height, right / width, bottom / height
