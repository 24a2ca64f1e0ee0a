"""What switching heads off does to the answer and to the attention."""

from __future__ import annotations

import streamlit as st

from vitviz.attention.view import attention_view
from vitviz.figures.bars import answers_bar
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import scale_for
from vitviz.figures.summary import describe_map
from vitviz.ui.explore.heads import overview
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.panel import look
from vitviz.ui.reader.scene import Scene, first_query
from vitviz.ui.text import _
from vitviz.ui.words.labels import map_words


def draw(scene: Scene) -> None:
    """Draw the list of heads that are off and, if there are any, the answers and the attention before and after."""
    overview.picker(scene)
    off = overview.ablated()
    if not off:
        return
    numbers, before, after = st.columns([3, 1, 1], gap="medium")
    with numbers:
        _answers(scene)
    _maps(scene, before, after)


def _answers(scene: Scene) -> None:
    st.metric(
        _("Cosine of the embedding to the unchanged model's"),
        f"{overview.cosine(scene):.3f}",
        help=_("1 means that nothing changed. The embedding is what the classifier reads."),
    )
    answers = overview.answers(scene)
    if answers is not None:
        names, chances, changed = answers
        figure = answers_bar(names, chances, changed, x_title=_("Probability"), labels=(_("all heads"), _("heads off")))
        chart(figure, key="answers")


def _maps(scene: Scene, *columns: st.delta_generator.DeltaGenerator) -> None:
    query, last = first_query(scene.vit), scene.trace.layers - 1
    shown = [attention_view(trace, layer=last, query=query) for trace in (scene.original, scene.trace)]
    scale = scale_for([view.values for view in shown], "layer", uniform=shown[0].uniform)
    titles = (_("Last layer, all heads"), _("Last layer, heads off"))
    for column, view, title in zip(columns, shown, titles, strict=True):
        column.image(
            overlay(scene.picture, view.values, scale=scale, **look()),
            caption=title,
            width="stretch",
            output_format="JPEG",
            alt=describe_map(view.values, scene.trace.grid, view.uniform, labels=map_words()),
        )
