"""Patches: paint on the photo and watch answers and attention move; drop patches, occlude them, resize them."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.explore.evidence import target
from vitviz.ui.explore.patches import canvas, drop_curve, painting, sizes
from vitviz.ui.explore.patches.export import PatchMeasurements, export
from vitviz.ui.furniture import show
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What if patches change?"),
    _(
        "Paint on the photo: grey patches out, blur, shuffle or remove them, and see what the model still knows. "
        "It shows what the answer depends on, not how the model thinks."
    ),
)
aim = target.current(scene)
painting.controls()
changed, maps = canvas.draw(scene)
left, right = st.columns(2, gap="large")
with left:
    curve = drop_curve.draw(scene, aim)
with right:
    occlusion = drop_curve.occlusion(scene, aim)
measurements = PatchMeasurements(maps, curve, occlusion, sizes.draw(scene))
show.footer(scene, export(scene, aim, changed, measurements), caution="caution-patches")
