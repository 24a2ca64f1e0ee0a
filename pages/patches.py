"""Patches: paint on the photo and watch answers and attention move; drop patches, occlude them, resize them."""

from __future__ import annotations

import streamlit as st

from vitviz.ui import (
    evidence_panels,
    evidence_target,
    patch_answers,
    patch_curve,
    patch_export,
    patch_maps,
    patch_table,
    patches,
    show,
)
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What if patches change?"),
    _(
        "Paint on the photo: grey patches out, blur, shuffle or remove them, and see what the model still knows. "
        "It shows what the answer depends on, not how the model thinks."
    ),
)
aim = evidence_target.current(scene)
patches.controls()
changed = patches.current(scene)
left, right = st.columns([5, 4], gap="large")
with left:
    patches.painter(scene, changed)
with right:
    patch_answers.draw(scene, changed)
if scene.trace.edit:
    st.caption(":material/power: " + _("These are the answers of the model with all its heads on."))
maps = patch_maps.draw(scene, changed)
left, right = st.columns(2, gap="large")
with left:
    drop_bar = patch_curve.draw(scene, aim)
with right:
    occlusion, waiting = patch_curve.occlusion(scene, aim)
sizes_bar = patch_table.draw(scene)
found = patch_export.Measured(maps, patch_curve.found(scene, aim), occlusion, patch_table.found(scene))
show.footer(scene, patch_export.export(scene, aim, changed, found), caution="caution-patches")
patch_curve.finish(scene, aim, drop_bar)  # last, so that the whole page stands while it works
evidence_panels.finish(scene, aim, waiting)
patch_table.finish(scene, sizes_bar)
