"""The distances that the heads look over, against their layers."""

from __future__ import annotations

import streamlit as st

from vitviz.attention.statistics import HeadStatistics
from vitviz.figures.head_scatter import distance_scatter
from vitviz.ui.explore.heads import overview
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def distance_chart(scene: Scene, table: HeadStatistics) -> None:
    """Draw the mean attention distance of every head against its layer."""
    selected = (scene.layer, scene.chosen_head) if isinstance(scene.chosen_head, int) else None
    figure = distance_scatter(
        table.distance,
        selected=selected,
        ticked=overview.ablated(),
        unit=_("patches"),
        x_title=_("Layer"),
        y_title=_("Mean attention distance"),
    )
    chart(figure, key="distance")
    st.caption(
        _(
            "Looking everywhere alike would give {uniform:.1f} patches. In trained models early layers mix near and "
            "far; late layers look far."
        ).format(uniform=table.uniform_distance)
    )
