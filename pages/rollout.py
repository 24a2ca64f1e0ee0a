"""Rollout: what a token of the last layer is put together from, if attention were all that mixes tokens."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.components.attention_viewer import attention_viewer
from vitviz.ui.explore.rollout import depth_film, maps
from vitviz.ui.furniture import pins, show
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("Where does a token come from?"),
    _(
        "Rollout multiplies the attention of all layers: it follows a token back through the network to the patches. "
        "It does not know the answer, and it sees neither values nor MLPs."
    ),
)
top = st.container()
options = maps.controls(scene)
view = maps.view(scene, options)
with top:
    film = depth_film.draw(scene, options)
attention_viewer(view, key="rollout_viewer", on_change=maps.keep)
shown = maps.shown_map(scene, options)
pins.draw("rollout")
show.footer(scene, maps.export(scene, options, view, shown, film), caution="caution-rollout")
