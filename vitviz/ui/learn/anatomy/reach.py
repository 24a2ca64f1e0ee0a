"""Anatomy, reach: which distances attention bridges, from the first block on."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.attention.statistics import HeadStatistics
from vitviz.capture.edit import NO_EDIT
from vitviz.figures.head_scatter import distance_scatter
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.kept import cache
from vitviz.ui.learn.anatomy import guesses
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def draw(scene: Scene) -> Result | None:
    """Draw the mean attention distance of every head against its block."""
    lesson.question(
        _("How far does the first layer look?"),
        _(
            "One dot a head: how far away, on average over this photo's patches, is what it looks at? A convolution "
            "has to grow its field layer by layer; attention may look anywhere at once."
        ),
    )
    table = cache.statistics(scene.model_key, scene.photo.digest, NO_EDIT, scene.original)
    if not guessing.guided(guesses.reach(scene, table)):
        return None
    made = (
        distance_scatter(table.distance, unit=_("patches"), x_title=_("Block"), y_title=_("Mean attention distance"))
        if np.isfinite(table.distance).all()
        else None
    )
    if made is None:
        st.info(_("The blocks of this model have different numbers of heads; see the Heads page."))
    else:
        chart(made, key="reach")
    st.caption(_sentence(table))
    _words()
    return _result(scene, table)


def _sentence(table: HeadStatistics) -> str:
    first, last = table.distance[0], table.distance[-1]
    return _(
        "Block 0 has heads from {near:.1f} to {far:.1f} patches, the last block from {last_near:.1f} to "
        "{last_far:.1f}. Looking everywhere alike would give {uniform:.1f}. A 3 × 3 convolution over patches reaches "
        "at most {convolution:.1f} patches away."
    ).format(
        near=np.nanmin(first),
        far=np.nanmax(first),
        last_near=np.nanmin(last),
        last_far=np.nanmax(last),
        uniform=table.uniform_distance,
        convolution=np.sqrt(2),
    )


def _words() -> None:
    lesson.formula(
        r"\bar d = \frac1N \sum_i \frac{\sum_j A_{ij}\, |r_i - r_j|}{\sum_j A_{ij}}",
        {
            "A_{ij}": _("attention of patch i to patch j, special tokens left out"),
            "r_i": _("place of the centre of patch i, in patches"),
        },
    )
    lesson.try_next(
        [
            _("Choose random weights: all heads look everywhere alike, so nearness is learned."),
            (_("Which head does what?"), "heads", {}),
            (_("How far does a unit see?"), "receptive_field", {}),
        ]
    )
    lesson.caveat(
        _(
            "A mean hides its parts: half next door and half at the far end has the same mean as everything halfway. "
            "And a head that looks at every place alike looks far without having learned anything. The photo matters "
            "too."
        )
    )


def _result(scene: Scene, table: HeadStatistics) -> Result:
    code = (
        "import vitviz\nfrom vitviz.examples import example\n\n"
        f"{load_line(scene)}\ntrace = vitviz.trace(vit, {picture_expression(scene)})\n"
        "table = vitviz.head_statistics(trace)\nprint(table.distance, table.uniform_distance)\n"
        "table.figure(dots=True)\n"
    )
    return Result(
        page=choices.PAGE,
        title=_("How far does the first layer look?"),
        settings={"experiment": choices.REACH, "model": scene.vit.name},
        code=code,
        arrays=lambda: {"distance": table.distance},
        figures=lambda: {_("Reach"): distance_scatter(np.nan_to_num(table.distance))},
    )
