"""How the fields of the Receptive field page fall off, and how far one photo speaks for others."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from vitviz.figures.curve import Curve
from vitviz.pictures.fields import profiles
from vitviz.ui.choices.receptive_field import PICTURES, SPREAD
from vitviz.ui.explore.receptive_field import measurement
from vitviz.ui.explore.receptive_field.measurement import ProbedField
from vitviz.ui.furniture import tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls


def draw(scene: Scene, measured: list[ProbedField]) -> None:
    """Draw the share of each field within a distance and, if asked for, the same for the other pictures."""
    if not measured:
        return
    single = link.get(PICTURES) == "one"
    other = "examples" if single else "one"
    there = controls.switch(
        measurement.of_pictures(scene, other),
        SPREAD,
        label=_("Beside the mean of the examples") if single else _("Beside this photo"),
        help=_("How far does one photo speak for the model? Some seconds for the ten examples."),
    )
    beside = measurement.measured(scene, other) if there else []
    curves = [_curve(network, banded=not single) for network in measured]
    word = _("{name}, mean of the examples") if single else _("{name}, this photo")
    curves += [_curve(network, name=word.format(name=network.probe.title), dash="dot") for network in beside]
    chart(profiles(curves, legend=True, say=_), key="field_profile")
    st.caption(
        _(
            "How much of each field lies within a distance of the place; a curve that rises early is a narrow field. "
            "A rollout knows patches only, so its curve has their steps."
        )
    )
    if beside:
        _both(measured, beside) if single else _both(beside, measured)


def _curve(network: ProbedField, *, name: str = "", dash: str = "", banded: bool = False) -> Curve:
    radius, share = network.field.profile.radius, network.field.profile.cumulative
    low = high = None
    if banded:
        photos = np.stack([profile.cumulative for profile in network.field.per_image_profiles])
        low, high = photos.min(0), photos.max(0)
    dash = dash or ("dash" if network.probe.dashed else "solid")
    title = name or network.probe.title
    return Curve(title, radius, share, network.probe.colour, dash, "line", low, high, opacity=0.16)


def _both(single: list[ProbedField], many: list[ProbedField]) -> None:
    """Draw the radius in this photo, in the mean of the examples and in each of them."""
    means = {network.probe.title: network.field for network in many}
    shown = [network for network in single if network.probe.title in means]
    spreads = [means[network.probe.title].per_image_radius for network in shown]
    rows: dict[str, list[Any]] = {
        _("Network"): [network.probe.title for network in shown],
        _("Radius, this photo (px)"): [f"{network.field.radius:.1f}" for network in shown],
        _("Mean of the examples"): [f"{means[network.probe.title].radius:.1f}" for network in shown],
        _("Standard deviation"): [f"{radii.std():.1f}" for radii in spreads],
        _("Least – largest"): [f"{radii.min():.0f} – {radii.max():.0f}" for radii in spreads],
    }
    tables.draw(rows, alt=_("One row a network"))
