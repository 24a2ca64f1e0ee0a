"""Start: one photo, and what the class token looks at after each block; three doors into the rest."""

from __future__ import annotations

import streamlit as st

from vitviz.ui import depth, show
from vitviz.ui.scene import current
from vitviz.ui.text import _

scene = current()
show.heading(
    _("What does a Vision Transformer see?"),
    _(
        "It cuts the photo into patches and lets them look at each other, layer after layer. "
        "Bright is where {query} looks in each layer."
    ).format(query=depth.query_words(scene)),
)
maps = depth.layer_maps(scene)
depth.draw(scene, maps)

student, teacher, researcher = st.columns(3)
with student.container(border=True):
    st.subheader(_("I want to understand it"), anchor=False)
    st.markdown(
        _(
            "Point at any patch and watch where it looks. Five minutes with one photo explain attention."
        )
    )
    st.page_link(
        "../../pages/attention.py",
        label=_("Open Attention"),
        icon=":material/center_focus_strong:",
        query_params={"layer": "8", "head": "mean"},
    )
with teacher.container(border=True):
    st.subheader(_("I want to show it"), anchor=False)
    st.markdown(
        _(
            "Find the head that looks far and the one that looks near, switch them off, and see what changes."
        )
    )
    st.page_link(
        "../../pages/heads.py",
        label=_("Open Heads"),
        icon=":material/grid_on:",
        query_params={"statistic": "distance"},
    )
with researcher.container(border=True):
    st.subheader(_("I want to measure my model"), anchor=False)
    st.markdown(
        _(
            "Any timm Vision Transformer, registers and rotary positions included; arrays and figures to take away."
        )
    )
    st.page_link(
        "../../pages/rollout.py",
        label=_("Open Rollout"),
        icon=":material/account_tree:",
        query_params={"fusion": "mean"},
    )

show.footer(scene, depth.export(scene, maps), caution="caution-start")
