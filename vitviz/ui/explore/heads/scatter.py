"""The chosen statistic of every head, against its layer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.attention.statistics import HeadStatistics
from vitviz.figures.head_scatter import distance_scatter
from vitviz.ui.explore.heads import overview
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.head_statistics import names


def statistic_chart(scene: Scene, table: HeadStatistics, statistic: str) -> None:
    """Draw a statistic of every head against its layer."""
    selected = (scene.layer, scene.chosen_head) if isinstance(scene.chosen_head, int) else None
    title, unit, _definition = names()[statistic]
    figure = distance_scatter(
        table.table(statistic),
        selected=selected,
        ticked=overview.ablated(),
        unit=unit,
        x_title=_("Layer"),
        y_title=title,
    )
    chart(figure, key="distance")
    if statistic == "distance":
        st.caption(
            _(
                "Looking everywhere alike would give {uniform:.1f} patches. In trained models early layers mix near "
                "and far; late layers look far."
            ).format(uniform=table.uniform_distance)
        )
    elif statistic == "entropy":
        st.caption(
            _("Looking everywhere alike would give {most:.2f} nats.").format(most=np.log(scene.trace.grid.tokens))
        )
