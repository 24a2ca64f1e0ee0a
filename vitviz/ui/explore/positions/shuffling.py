"""The shuffle experiment on the Positions page: patches change places, with and without position encoding."""

from __future__ import annotations

from typing import Any

import streamlit as st

from vitviz.analysis.shuffling import ShuffleExperiment
from vitviz.errors import VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.theme import QUERY_ORANGE
from vitviz.ui.choices.positions import SHUFFLE
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import in_dashboard


def draw(scene: Scene) -> ShuffleExperiment | None:
    """Draw the shuffle experiment if the reader asked for it, and return it."""
    st.subheader(_("What if the patches change places?"), anchor=False)
    st.toggle(
        _("Shuffle the patches of this photo"),
        help=_("Ten passes of the model: a few seconds."),
        **link.widget(SHUFFLE),
    )
    if not link.get(SHUFFLE):
        return None
    try:
        experiment = cache.shuffled(scene.model_key, scene.photo.digest, scene.vit, scene.photo)
    except VitvizError as error:
        st.info(plain(in_dashboard(error)))
        return None
    _shuffle_curve(experiment)
    _shuffle_answers(scene, experiment)
    return experiment


def _shuffle_curve(experiment: ShuffleExperiment) -> None:
    curves = [
        Curve(_("with positions"), experiment.shares, experiment.with_positions.cosine),
        Curve(_("without positions"), experiment.shares, experiment.without_positions.cosine, QUERY_ORANGE),
    ]
    read = _("class token") if experiment.read == "class token" else _("embedding")
    figure = line_chart(
        curves,
        x=Axis(_("Share of the patches that change places"), ".0%"),
        y=Axis(_("Cosine ({read})").format(read=read)),
        hover="{name}<br>%{x:.3g}: %{y:.4g}",
        height=300,
    )
    chart(figure, key="shuffle_curve")
    st.caption(
        _(
            "How alike what the model reads stays to that of the whole picture. Without positions attention does "
            "not know the order of its tokens, so the cosine stays at 1 whatever is moved: a bag of patches."
        )
    )


def _shuffle_answers(scene: Scene, experiment: ShuffleExperiment) -> None:
    if not experiment.with_positions.top:
        return
    rows: dict[str, list[Any]] = {
        _("Shuffled"): [f"{share:.0%}" for share in experiment.shares],
        _("Patches moved"): list(experiment.moved),
    }
    for title, result in (
        (_("Answer with positions"), experiment.with_positions),
        (_("Answer without"), experiment.without_positions),
    ):
        rows[title] = [
            f"{class_name(scene.vit, top)} ({chance:.0%})"
            for top, chance in zip(result.top, result.probability, strict=True)
        ]
    st.dataframe(rows, hide_index=True, alt=_("One row a share of shuffled patches"))
    st.caption(_("In brackets: the probability of the answer that the whole picture gets in that model."))
