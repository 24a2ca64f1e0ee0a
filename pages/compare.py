"""Compare: the same method twice, with one thing changed: the weights, the model, the photo or the class."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.explore.compare import changes, maps, other_options, pair, sides
from vitviz.ui.furniture import show
from vitviz.ui.furniture.stage import stage
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What changes the map?"),
    _(
        "Two maps that differ in one thing. A map of what was learned must change with the weights, a map of an answer "
        "with the answer."
    ),
)
controls, picture = stage()
with controls:
    pair.choose(scene)
with picture:
    a, b = sides.sides(scene)
with controls if b is None else st.container():  # below the maps where there are any: they are whole on a first screen
    other_options.draw(scene, opened=b is not None)
with st.container(key="stage_after"):  # drawn before the maps that stand above it
    pair.choose_look()
    pair.choose_classes(a)
shown = []
with picture:
    outcomes = [] if b is None else pair.outcomes(a, b)
    compared = None if b is None else pair.compared(a, b, outcomes)
    if b is not None and compared is not None:
        shown = maps.panels(a, b, compared)
        maps.draw(a, b, compared, shown)
if b is not None:
    maps.answers(a, b)
    changes.draw(a, b)
pair.about(scene)
show.footer(scene, maps.export(scene, a, b, compared, shown), caution="caution-compare")
