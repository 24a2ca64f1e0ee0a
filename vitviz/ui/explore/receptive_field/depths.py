"""The radius of the receptive field against depth: one gradient for each layer, photo and network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.errors import VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import line_chart
from vitviz.images import Photo
from vitviz.ui.choices.receptive_field import DEPTHS, PICTURES
from vitviz.ui.explore.receptive_field import probes, rollout
from vitviz.ui.explore.receptive_field.fields import GRADIENT, ROLLOUT, ProbedField
from vitviz.ui.explore.receptive_field.probes import Probe
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, first_clause, plain
from vitviz.ui.words.errors import in_dashboard

Row = tuple[float, float, float, float | None]
"""Mean, least and largest radius, and half the side of the theoretical field."""


def draw(scene: Scene, measured: list[ProbedField]) -> None:
    """Draw the radius against depth, if the reader asked for it: one gradient a layer, photo and network."""
    digests, photos = probes.photos_of(scene, link.get(PICTURES))
    networks = [network.probe for network in measured if network.by == GRADIENT]
    total = sum(probe.layers for probe in networks)
    st.toggle(
        _("Measure every depth"),
        help=_("{count} measurements, a fraction of a second each.").format(count=total * len(photos)),
        **link.widget(DEPTHS),
    )
    if not link.get(DEPTHS) or not measured:
        return
    curves = _measure(scene, networks, digests, photos)
    curves += _rollout(scene, measured, digests, photos)
    if curves:
        _draw_curves(scene, curves, measured[0].field)


def _measure(scene: Scene, networks: list[Probe], digests: tuple[str, ...], photos: list[Photo]) -> list[Curve]:
    """Return the curves of all networks; a bar shows how far the work is."""
    bar = st.progress(0.0, _("Measuring every depth …"))
    total, done = sum(probe.layers for probe in networks), 0
    curves: list[Curve] = []
    for probe in networks:
        inputs = probe.inputs(scene.vit, photos)
        rows: list[Row] = []
        try:
            for layer in range(probe.layers):
                token = probe.token_at(layer)
                rows.append(cache.field_radius(probe.key, digests, layer, token, probe.model, inputs))
                done += 1
                bar.progress(done / total, f"{plain(probe.title)}, {probe.layer_names[layer]}")
        except VitvizError as error:
            st.warning(plain(f"{probe.title}: {in_dashboard(error)}"))
            continue
        curves += _curves(probe, rows)
    bar.empty()
    return curves


def _rollout(scene: Scene, measured: list[ProbedField], digests: tuple[str, ...], photos: list[Photo]) -> list[Curve]:
    """Return the radius of the rollout up to every layer."""
    networks = [network.probe for network in measured if network.by == ROLLOUT]
    if not networks:
        return []
    probe = networks[0]
    fields = [rollout.measure(scene, layer, digests, photos) for layer in range(probe.layers)]
    radius = [field.radius for field in fields]
    return [_curve(probe.title, radius, probe, dash="dash", kind="line")]


def _curves(probe: Probe, rows: list[Row]) -> list[Curve]:
    radius, low, high, half = zip(*rows, strict=True)
    name = f"{probe.title} ({first_clause(probe.weights)})"
    curves = [_curve(name, radius, probe, low=low, high=high)]
    if all(side is not None for side in half):
        title = _("{model}: half the side of what it could see").format(model=probe.title)
        curves.append(_curve(title, half, probe, dash="dash", kind="line"))
    return curves


def _curve(name: str, values: Sequence[float], probe: Probe, **look: Any) -> Curve:
    """Return values (layer,) against the share of the way through the network."""
    depth = np.arange(1, len(values) + 1) / len(values)
    return Curve(name, depth, values, probe.colour, point_names=probe.layer_names, **look)


def _draw_curves(scene: Scene, curves: list[Curve], shown: ReceptiveField) -> None:
    down, across = np.indices(shown.values.shape, dtype=np.float64)
    row, column = shown.origin
    even = float(np.sqrt(((down - row) ** 2 + (across - column) ** 2).mean()))
    figure = line_chart(
        [*curves, Level(_("seeing all pixels alike"), even, number="%{y:.4g}")],
        x=Axis(_("Depth (100% is the last layer)"), ".0%", span=(0, 1.02)),
        y=Axis(_("Radius (px)"), from_zero=True),
        hover="{name}<br>%{customdata}: %{y:.4g}",
        mark=(scene.layer + 1) / scene.vit.layers,
        height=360,
    )
    chart(figure, key="depth_curve")
    st.caption(
        _(
            "Radius: root of the mean squared distance of the field's mass from the place. The orange line is the "
            "depth of the maps above; a band spans the photos."
        )
    )
