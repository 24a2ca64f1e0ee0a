"""Evidence: why this answer? The same photo through several methods side by side, and a test of their maps."""

from __future__ import annotations

import streamlit as st

from vitviz.ui import evidence, evidence_box, evidence_curves, evidence_panels, evidence_target, evidence_weights, show
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("Why this answer?"),
    _(
        "Every map is one method's view of which parts of the photo speak for the answer. Click another answer to "
        "explain that one. No map shows how the model thinks; compare them."
    ),
)
aim = evidence_target.current(scene)
evidence_target.controls(scene, aim)
shown = evidence.methods(scene)
evidence.choose_methods(shown)
if scene.trace.edit:
    st.caption(":material/power: " + _("These maps explain the model with all its heads switched on."))
if not shown:
    st.info(_("No method is chosen. Choose one in the list above."), icon=":material/info:")
outcomes, waiting = evidence_panels.draw(scene, aim, shown)
bar = evidence_curves.draw(scene, aim, outcomes)
evidence_box.draw(scene, outcomes)
weights_bar = evidence_weights.draw(scene, aim, outcomes)
show.footer(scene, evidence.export(scene, aim, outcomes), caution="caution-evidence")
evidence_panels.finish(scene, aim, waiting)  # last, so that the whole page stands while it works
evidence_curves.finish(scene, aim, outcomes, bar)
evidence_weights.finish(scene, aim, outcomes, weights_bar)
