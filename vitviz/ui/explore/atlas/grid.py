"""All heads of an atlas as a table of colours, and as dots by two statistics."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.figures.photo_spread import heads_chart
from vitviz.numbers import in_unit
from vitviz.ui.choices.atlas import ATLAS_HEAD, ATLAS_SECOND, ATLAS_VALUE
from vitviz.ui.choices.shared import pairs_text
from vitviz.ui.components.atlas_view import AtlasView, HeadIndex, colour_limits, least_span
from vitviz.ui.components.head_atlas import head_atlas
from vitviz.ui.components.labels import chosen_head_labels
from vitviz.ui.explore.atlas.chosen import Chosen, available
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader import link
from vitviz.ui.text import _
from vitviz.ui.words.head_statistics import names_over_photos


def view(shown: Chosen) -> AtlasView:
    """Return the table of the heads: the mean of the statistic over the photos, or its spread."""
    title, unit, _definition = shown.words
    spread = link.get(ATLAS_VALUE) == "deviation"
    values = (shown.summary.deviation if spread else shown.summary.mean).astype(np.float32)
    low, high = limits(shown, spread=spread)
    label = _("{statistic}, spread over the photos") if spread else _("{statistic}, mean over the photos")
    return AtlasView(
        values=values,
        label=label.format(statistic=title),
        unit=unit,
        minimum=low,
        maximum=high,
        selected=shown.head,
        tickable=False,
        labels=chosen_head_labels(),
    )


def limits(shown: Chosen, *, spread: bool) -> tuple[float, float]:
    """Return the values of the first and the last colour of the means over the photos, or of their spread."""
    least = least_span(shown.statistic, max(shown.atlas.layout.grid.patch_size))
    if spread:
        return 0.0, colour_limits(shown.summary.deviation, least / 2)[1]
    return colour_limits(shown.summary.mean, least)


def draw(shown: Chosen) -> AtlasView:
    """Draw the table; a click chooses the head of the rest of the page."""
    table = view(shown)
    head_atlas(table, key="atlas_heads", on_pick=choose)
    st.caption(shown.words[2])
    return table


def choose(head: HeadIndex) -> None:
    """Make a head the one that the page is about."""
    link.put(ATLAS_HEAD.at(pairs_text([(head.layer, head.head)])))


def scatter(shown: Chosen) -> None:
    """Draw the heads by two statistics."""
    st.subheader(_("Which heads are alike in two ways?"), anchor=False)
    words = names_over_photos()
    offered = [name for name in available(shown.atlas) if name != shown.statistic]
    if link.get(ATLAS_SECOND) not in offered:
        link.put(ATLAS_SECOND.at(offered[0]))
    st.selectbox(_("Beside it"), offered, format_func=lambda name: words[name][0], **link.widget(ATLAS_SECOND))
    second = link.get(ATLAS_SECOND)
    figure = heads_chart(
        in_unit(shown.summary.mean, shown.words[1]),
        in_unit(shown.atlas.summary(second).mean, words[second][1]),
        x_title=shown.axis,
        y_title="{} ({})".format(*words[second][:2]),
        layer_title=_("Layer"),
        selected=shown.head,
    )
    chart(figure, key="atlas_scatter")
    st.caption(
        _(
            "One dot a head, means over the photos, coloured by layer; the ring is the chosen head. Dots that lie "
            "together behave alike by these two numbers, and may differ in any other."
        )
    )
