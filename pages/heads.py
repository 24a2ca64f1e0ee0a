"""Heads: what every head looks at, which look far and which near, and what each one is worth here."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.heads import STATISTIC
from vitviz.ui.choices.shared import DIRECTION
from vitviz.ui.components.head_atlas import head_atlas
from vitviz.ui.explore.heads import ablation, export, overview, wall
from vitviz.ui.explore.heads.scatter import statistic_chart
from vitviz.ui.furniture import pins, show
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import current
from vitviz.ui.text import _
from vitviz.ui.words.head_statistics import names as statistic_names

scene = current()
show.heading(
    _("Which head does what?"),
    _("One tile is one head: bright is where it looks from the query, from the first layer, L0, to the last.")
    if link.get(DIRECTION) == "attends_to"
    else _("One tile is one head: bright are the patches that look at the query, from layer L0 to the last."),
)
table = overview.statistics(scene)
names = statistic_names()
options = overview.available(table)
if link.get(STATISTIC) not in options:
    st.warning(
        _("This model has no values of “{statistic}”; the attention distance is shown.").format(
            statistic=names[link.get(STATISTIC)][0]
        )
    )
    link.put(STATISTIC.at("distance"))
shown = wall.draw(scene, table, link.get(STATISTIC))

st.subheader(_("Which heads look far, which near?"), anchor=False)
st.segmented_control(
    _("Statistic"), options, format_func=lambda name: names[name][0], required=True, **link.widget(STATISTIC)
)
statistic = link.get(STATISTIC)
st.caption(names[statistic][2])

left, right = st.columns([1, 1], gap="large")
with left:
    head_atlas(
        overview.atlas(scene, table, statistic), key="atlas", on_pick=overview.pick, on_tick=overview.set_ablated
    )
with right:
    statistic_chart(scene, table, statistic)
if overview.wants_to_open():
    st.switch_page("../../pages/attention.py")

ablation.draw(scene)
with st.expander(_("All heads as a sortable list"), icon=":material/list:", key="list"):
    st.dataframe(overview.rows(table), hide_index=True, height=320, alt=_("One row a head, one column a statistic"))
pins.draw("attention")
show.footer(scene, export.export(scene, table, statistic, shown), caution="caution-heads")
