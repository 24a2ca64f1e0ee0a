"""The radius of the receptive field against depth: one gradient for each layer, photo and network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.errors import StoppedError, VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import line_chart
from vitviz.images import Photo
from vitviz.progress import report as tell
from vitviz.ui.choices.receptive_field import DEPTHS, PICTURES
from vitviz.ui.explore.receptive_field import measurement, probes, rollout
from vitviz.ui.explore.receptive_field.measurement import GRADIENT, ROLLOUT, ProbedField
from vitviz.ui.explore.receptive_field.probes import Probe
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache
from vitviz.ui.kept.cache import Inputs
from vitviz.ui.kept.jobs import Report
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, first_clause, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork

Row = tuple[float, float, float, float | None]
"""Mean, least and largest radius, and half the side of the theoretical field."""


@dataclass(frozen=True, eq=False)
class Depths:
    """What was measured at every depth."""

    rows: dict[str, list[Row] | VitvizError]
    """By the key of a network, (layer,); or why it cannot be measured."""
    rolled: list[float]
    """Radius of the rollout up to every layer; empty without one."""


def draw(scene: Scene, measured: list[ProbedField]) -> None:
    """Draw the radius against depth, if the reader asked for it: one gradient a layer, photo and network."""
    if not measured:
        return
    digests, photos = probes.photos_of(scene, link.get(PICTURES))
    networks = [network.probe for network in measured if network.by == GRADIENT]
    total = sum(probe.layers for probe in networks)
    there = controls.switch(
        _work(scene, networks, digests, photos),
        DEPTHS,
        label=_("Measure every depth"),
        help=_("{count} measurements, a fraction of a second each.").format(count=total * len(photos)),
    )
    if there is None:
        return
    curves = _told(networks, there)
    for network in measured:
        if network.by == ROLLOUT:
            curves.append(_curve(network.probe.title, there.rolled, network.probe, dash="dash", kind="line"))
    if curves:
        _draw_curves(scene, curves, measured[0].field)


def _work(scene: Scene, networks: list[Probe], digests: tuple[str, ...], photos: list[Photo]) -> LongWork[Depths]:
    """Return what measures every depth of the networks and of the rollout."""
    vit, query = scene.vit, scene.query
    asked = [(probe, probe.inputs(vit, photos)) for probe in networks]
    steps = len(photos) * (sum(probe.layers for probe in networks) + 1)

    def compute(report: Report) -> Depths:
        rows: dict[str, list[Row] | VitvizError] = {}
        done = 0
        for probe, inputs in asked:
            rows[probe.key] = _rows(probe, digests, inputs, report, done, steps)
            done += probe.layers * len(photos)
        rolled = rollout.radii(vit, query, photos, lambda now: tell(report, done + now, steps))
        return Depths(rows, rolled)

    return LongWork(("depths", query, digests, *(probe.key for probe in networks)), compute)


def _rows(
    probe: Probe, digests: tuple[str, ...], inputs: Inputs, report: Report, done: int, steps: int
) -> list[Row] | VitvizError:
    """Return the radii of a network, (layer,), or why it cannot be measured."""
    rows: list[Row] = []
    try:
        for layer in range(probe.layers):
            told = measurement.steps_from(report, done + layer * len(digests), steps)
            token = probe.token_at(layer)
            rows.append(cache.field_radius(probe.key, digests, layer, token, probe.model, inputs, told))
    except StoppedError:
        raise
    except VitvizError as error:
        return error
    return rows


def _told(networks: list[Probe], there: Depths) -> list[Curve]:
    """Return the curves of all networks that could be measured, and tell why another could not."""
    curves: list[Curve] = []
    for probe in networks:
        rows = there.rows[probe.key]
        if isinstance(rows, VitvizError):
            st.warning(plain(f"{probe.title}: {in_dashboard(rows)}"))
        else:
            curves += _curves(probe, rows)
    return curves


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
