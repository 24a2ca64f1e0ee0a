"""The receptive field at every depth as a film: the ViT and the trained CNN beside it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.progress import report as tell
from vitviz.ui.choices.receptive_field import FIELD_SCALE
from vitviz.ui.choices.shared import LAYER, OPACITY, PALETTE
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import Box, FilmPanel, FilmView
from vitviz.ui.explore.receptive_field import probes
from vitviz.ui.explore.receptive_field.fields import square_side
from vitviz.ui.explore.receptive_field.measurement import suppress_refusals
from vitviz.ui.explore.receptive_field.probes import Probe
from vitviz.ui.furniture import viewer
from vitviz.ui.furniture.panel import empty_panel
from vitviz.ui.kept import cache
from vitviz.ui.kept.cache import FieldFrame, Inputs
from vitviz.ui.kept.jobs import Report
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork

Frames = dict[str, tuple[FieldFrame, ...]]
"""Of the networks that can be measured, by their keys, (depth,)."""


def draw(scene: Scene) -> None:
    """Draw the film; until it is measured its place, how far that is, and a button that stops it."""
    work = _work(scene)
    controls.begin([work], name="film")
    controls.ask([work], _("Measure every depth"), name="film", draw=lambda _view: _places(scene))
    shown = view(scene)
    if shown is not None:
        film(shown, key="depth_film", on_choose=lambda frame: link.put(LAYER.at(frame)))


def _places(scene: Scene) -> None:
    with st.container(key="film_places"):
        for column in st.columns(2, gap="small"):
            with column:
                empty_panel(scene.picture, _("Every depth: not measured yet"))


def _networks(scene: Scene) -> list[Probe]:
    return [probe for role, probe in probes.probes(scene) if role != "random"]


def _work(scene: Scene) -> LongWork[Frames]:
    """Return what measures every depth of the networks."""
    asked = [(probe, _layers(scene, probe), probe.inputs(scene.vit, [scene.photo])) for probe in _networks(scene)]
    seen = scene.photo.digest, square_side(scene), link.get(FIELD_SCALE)
    steps = sum(len(layers) for _probe, layers, _inputs in asked)

    def compute(report: Report) -> Frames:
        frames: Frames = {}
        done = 0
        for probe, layers, inputs in asked:
            with suppress_refusals():
                made = []
                for layer in layers:
                    made.append(_frame(probe, layer, seen, inputs))
                    tell(report, done + len(made), steps)
                frames[probe.key] = tuple(made)
            done += len(layers)
        return frames

    return LongWork(("depth film", scene.query, *seen, *(probe.key for probe, _layers, _inputs in asked)), compute)


def view(scene: Scene) -> FilmView | None:
    """Return the film, or None if it is not measured, or no network can be."""
    frames: Frames | None = long_work.result(_work(scene).key)
    panels = [_panel(scene, probe, frames[probe.key]) for probe in _networks(scene) if frames and probe.key in frames]
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


def _layers(scene: Scene, probe: Probe) -> list[int]:
    """Return the layers of a network at every depth of the ViT."""
    return [probe.layer_at((at + 1) / scene.vit.layers) for at in range(scene.vit.layers)]


def _panel(scene: Scene, probe: Probe, frames: tuple[FieldFrame, ...]) -> FilmPanel:
    told = [
        _("{layer} · radius {radius:.0f} px").format(layer=probe.layer_names[layer], radius=frame.radius)
        for layer, frame in zip(_layers(scene, probe), frames, strict=True)
    ]
    boxes = tuple(_shares(scene, frame) for frame in frames)
    levels = np.stack([frame.levels for frame in frames])
    return FilmPanel(title=probe.title, levels=levels, captions=tuple(told), boxes=boxes)


def _frame(probe: Probe, layer: int, seen: tuple[str, int, str], inputs: Inputs) -> FieldFrame:
    digest, side, scale = seen
    return cache.field_frame(probe.key, digest, layer, probe.token_at(layer), side, scale, probe.model, inputs)


def _shares(scene: Scene, frame: FieldFrame) -> Box | None:
    if frame.theoretical is None:
        return None
    height, width = scene.vit.image_size
    left, top, right, bottom = frame.theoretical
    return left / width, top / height, right / width, bottom / height
