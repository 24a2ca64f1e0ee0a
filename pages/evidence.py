"""Evidence: why this answer? The same photo through several methods side by side, and a test of their maps."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.explore.evidence import box, curves, export, maps, occluder, panels, target, weights
from vitviz.ui.furniture import show
from vitviz.ui.furniture.stage import stage
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("Why this answer?"),
    _(
        "Every map is one method's view of which parts of the photo speak for the answer. Choose another answer to "
        "explain that one. No map shows how the model thinks; compare them."
    )
    if scene.vit.has_classifier
    else _(
        "Every map is one method's view of which parts of the photo made the model's embedding what it is. No map "
        "shows how the model thinks; compare them."
    ),
)
aim = target.current(scene)
shown = maps.methods(scene)
target.answers(scene, aim)
controls, picture = stage()
with controls:
    target.without_classes(aim)
    maps.choose_methods(shown)
with picture:
    if scene.trace.edit:
        st.caption(":material/power: " + _("These maps explain the model with all its heads switched on."))
    if not shown:
        st.info(_("No method is chosen. Choose one in the list of methods."), icon=":material/info:")
    above = st.container()
    outcomes = panels.draw(scene, aim, shown)
    with above:
        panels.ask_for_all(scene, outcomes)
target.controls(scene, aim)  # below the maps: they are whole on the first screen
occluder.draw(scene, aim, outcomes)
curves.draw(scene, aim, outcomes)
box.draw(scene, outcomes)
weights.draw(scene, aim, outcomes)
show.footer(scene, export.export(scene, aim, outcomes), caution="caution-evidence")
