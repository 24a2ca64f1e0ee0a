"""Start: one photo, and what the class token looks at after each block; three doors into the rest."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.explore.start import doors, layers, minute
from vitviz.ui.furniture import course, show
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
maps = layers.layer_maps(scene)
with st.container(key="opening"):
    with st.container(key="opening_title"):
        show.heading(
            _("What does a Vision Transformer see?"),
            _(
                "It cuts the photo into patches and lets them look at each other, layer after layer. "
                "Bright is where {query} looks in each layer."
            ).format(query=layers.query_words(scene)),
        )
    with st.container(key="opening_film"):
        layers.draw(scene, maps)
    minute.draw(scene, maps)

doors.draw()
course.begin()
show.footer(scene, layers.export(scene, maps), caution="caution-start")
