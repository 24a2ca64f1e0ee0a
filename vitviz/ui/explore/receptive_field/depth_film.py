"""The receptive field at every depth as a film: the ViT and the trained CNN beside it."""

from __future__ import annotations

from collections.abc import Hashable

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
from vitviz.ui.kept import cache
from vitviz.ui.kept.cache import FieldFrame, Inputs
from vitviz.ui.kept.jobs import JobView, Report
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork

Frames = dict[str, dict[int, FieldFrame]]
"""Of the networks that can be measured, by their keys, the frames by the depth of the ViT: all, or those so far."""


def draw(scene: Scene) -> None:
    """Draw the film: the chosen depth at once, the others as they are measured, how far that is, and what stops it."""
    made: Frames | None = long_work.result(_key(scene))
    first = _first(scene) if made is None else {}
    work, depth = _work(scene, first), link.get(LAYER)
    controls.begin([work], name="film")

    def so_far(now: JobView | None) -> None:
        if link.get(LAYER) != depth:
            st.rerun()  # chosen in the film: the rest of the page follows
        view = now or long_work.own((work.key,))  # what there was when it was stopped
        _film(scene, (None if view is None else view.result) or first)

    with st.container():  # one element of the page, whatever stands in it: what follows keeps its place
        controls.ask([work], _("Measure every depth"), name="film", draw=so_far, bar_below=True)
        made = long_work.result(work.key)
        if made is not None:
            with st.container():  # as around what is drawn while it is measured: the film stays the same one
                _film(scene, made)


def _film(scene: Scene, frames: Frames) -> None:
    shown = _view(scene, frames)
    if shown is not None:
        film(shown, key="depth_film", on_choose=lambda frame: link.put(LAYER.at(frame)))


def _networks(scene: Scene) -> list[Probe]:
    return [probe for role, probe in probes.probes(scene) if role != "random"]


def _seen(scene: Scene) -> tuple[str, int, str]:
    return scene.photo.digest, square_side(scene), link.get(FIELD_SCALE)


def _key(scene: Scene) -> Hashable:
    return "depth film", scene.query, *_seen(scene), *(probe.key for probe in _networks(scene))


def _first(scene: Scene) -> Frames:
    """Return the chosen depth, which the page measures in any case: it shows it below, too."""
    photo, side, scale = _seen(scene)
    frames: Frames = {}
    with st.spinner(_("Tracing which pixels matter …"), show_time=True):
        for probe in _networks(scene):
            layer = _layers(scene, probe)[scene.layer]
            inputs = probe.inputs(scene.vit, [scene.photo])
            with suppress_refusals():
                field = cache.receptive_field(probe.key, (photo,), layer, probe.token_at(layer), probe.model, inputs)
                frames[probe.key] = {scene.layer: cache.as_frame(field, side, scale)}
    return frames


def _work(scene: Scene, first: Frames) -> LongWork[Frames]:
    """Return what measures every depth of the networks of the first frames, depth by depth."""
    asked = [(probe, _layers(scene, probe), probe.inputs(scene.vit, [scene.photo])) for probe in _networks(scene)]
    seen, count = _seen(scene), scene.vit.layers

    def compute(report: Report) -> Frames:
        told = long_work.previewed(report)
        frames = {key: dict(made) for key, made in first.items()}
        for depth in range(count):
            for probe, layers, inputs in asked:
                if probe.key in frames and depth not in frames[probe.key]:
                    with suppress_refusals():
                        frames[probe.key][depth] = _frame(probe, layers[depth], seen, inputs)
            told["preview"]({key: dict(made) for key, made in frames.items()})
            tell(told["progress"], depth + 1, count)
        return {key: made for key, made in frames.items() if len(made) == count}

    return LongWork(_key(scene), compute)


def view(scene: Scene) -> FilmView | None:
    """Return the film, or None if not all of it is measured, or no network can be."""
    frames: Frames | None = long_work.result(_key(scene))
    return None if frames is None else _view(scene, frames)


def _view(scene: Scene, frames: Frames) -> FilmView | None:
    """Return the film of the frames that there are; the others are told to be missing."""
    panels = [_panel(scene, probe, frames[probe.key]) for probe in _networks(scene) if frames.get(probe.key)]
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


def _panel(scene: Scene, probe: Probe, frames: dict[int, FieldFrame]) -> FilmPanel:
    count = scene.vit.layers
    told = [
        _("{layer} · radius {radius:.0f} px").format(layer=probe.layer_names[layer], radius=frames[depth].radius)
        if depth in frames
        else _("{layer} · not measured yet").format(layer=probe.layer_names[layer])
        for depth, layer in enumerate(_layers(scene, probe))
    ]
    nothing = np.zeros_like(next(iter(frames.values())).levels)
    return FilmPanel(
        title=probe.title,
        levels=np.stack([frames[depth].levels if depth in frames else nothing for depth in range(count)]),
        captions=tuple(told),
        boxes=tuple(_shares(scene, frames[depth]) if depth in frames else None for depth in range(count)),
        missing=tuple(depth for depth in range(count) if depth not in frames),
    )


def _frame(probe: Probe, layer: int, seen: tuple[str, int, str], inputs: Inputs) -> FieldFrame:
    digest, side, scale = seen
    return cache.field_frame(probe.key, digest, layer, probe.token_at(layer), side, scale, probe.model, inputs)


def _shares(scene: Scene, frame: FieldFrame) -> Box | None:
    if frame.theoretical is None:
        return None
    height, width = scene.vit.image_size
    left, top, right, bottom = frame.theoretical
    return left / width, top / height, right / width, bottom / height
