"""Atlas: what each head does over many photos, and not on one alone."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.explore.atlas import chosen, comparison, grid, head, layers, lesson, photos
from vitviz.ui.explore.atlas.export import export
from vitviz.ui.furniture import show
from vitviz.ui.furniture.stage import stage
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What does each head do over many photos?"),
    _(
        "One photo is one sample: a head that looks far on it may look near on the next. Over a whole data set, a "
        "head gets a character. Click a head: how it varies, where it looks, what drives it."
    ),
)
controls, picture = stage()
with controls:
    shown = chosen.draw_choices()
if shown is None:
    st.stop()
left, right = picture.columns([4, 5], gap="large")
with left:
    table = grid.draw(shown)
with right:
    head.draw(scene, shown)
lesson.draw(shown)
photos.draw(scene, shown)
if photos.wants_to_open():
    st.switch_page(photos.door())
left, right = st.columns(2, gap="large")
with left:
    head.draw_classes(shown)
with right:
    grid.scatter(shown)
compared = comparison.draw(shown)
by_layer = layers.draw(shown, compared)
show.footer(scene, export(scene, shown, table, compared, by_layer), caution="caution-atlas")
