"""Receptive field: which pixels one place of a ViT, and of a CNN beside it, depends on at every depth."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.receptive_field import PICTURES
from vitviz.ui.explore.receptive_field import depth_film, depths, fields, measurement, spread
from vitviz.ui.explore.receptive_field.export import export
from vitviz.ui.furniture import show
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("How far does a unit see?"),
    _(
        "Bright pixels are those that one place of the network depends on. A Vision Transformer can see the whole "
        "picture from its first layer; a convolutional network has to grow its view layer by layer."
    ),
)
film, controls, maps = st.container(), st.container(), st.container()
with film:
    depth_film.draw(scene)
with controls:
    fields.controls(scene)
with maps:
    measured = measurement.measure(scene, link.get(PICTURES))
    fields.draw(scene, measured)
fields.table(measured)
spread.draw(scene, measured)
depths.draw(scene, measured)
if measured:
    show.footer(scene, export(scene, measured), caution="caution-receptive-field")
