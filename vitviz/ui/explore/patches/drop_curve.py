"""How much of the photo can go? The drop curve and the occlusion map, each when asked for."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vitviz.analysis.drop_curve import DropCurve, drop_curve
from vitviz.analysis.patch_changes import SHUFFLED
from vitviz.attribution import Attribution
from vitviz.attribution.attribute import find_method
from vitviz.figures.removal_curves import random_curve, removal_curves
from vitviz.ui.choices.patches import CHANGE
from vitviz.ui.explore.evidence import panels
from vitviz.ui.explore.evidence.panels import Waiting
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.explore.patches.painting import effects
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.work import demand

DRAWS = 8


def replacement() -> str:
    """Return what takes the place of dropped patches: what the reader does to painted ones, where that can be."""
    change = str(link.get(CHANGE))
    return "grey" if change == SHUFFLED else change


def key(scene: Scene, aim: Aim) -> Hashable:
    """Return the name under which the drop curve is kept."""
    return ("drop", scene.model_key, scene.photo.digest, aim.key, replacement())


def found(scene: Scene, aim: Aim) -> DropCurve | None:
    """Return the drop curve if it was measured."""
    curve: DropCurve | None = demand.result(key(scene, aim))
    return curve


def draw(scene: Scene, aim: Aim) -> DeltaGenerator | None:
    """Draw the drop curve or the button that measures it; return where its progress is shown."""
    st.subheader(_("How much of the photo can go?"), anchor=False)
    st.markdown(
        _(
            "Patches are dropped ({change}) at random, those with the most attention first, or those with the "
            "least first."
        ).format(change=effects()[replacement()].lower())
    )
    bar = demand.ask("drop", key(scene, aim), _("Measure the drop curve"))
    curve = found(scene, aim)
    if curve is not None:
        _curves(curve, aim)
    return bar


def finish(scene: Scene, aim: Aim, bar: DeltaGenerator | None) -> None:
    """Measure the drop curve if it was asked for."""
    measure = partial(
        drop_curve, scene.vit, scene.original.pixels, target=aim.target, replacement=replacement(), draws=DRAWS
    )
    demand.finish(key(scene, aim), bar, lambda progress: measure(progress=progress))


def _curves(curve: DropCurve, aim: Aim) -> None:
    name, drawn = _("at random, mean and 95 % of the draws"), curve.random
    figure = removal_curves(
        curve.fractions,
        {_("most attended first"): curve.most_attended, _("least attended first"): curve.least_attended},
        random=random_curve(name, curve.fractions, drawn.mean, drawn.low, drawn.high),
        x_title=_("Share of the patches dropped"),
        y_title=_("Probability") if curve.target.class_index is not None else _("Score"),
    )
    chart(figure, key="drop_curve")
    st.caption(_in_words(curve, aim))


def half_life(fractions: np.ndarray, values: np.ndarray) -> float | None:
    """Return the first share of dropped patches at which a curve is at most half of its start, or None."""
    below = np.flatnonzero(values <= values[0] / 2)
    return float(fractions[below[0]]) if below.size and values[0] > 0 else None


def _in_words(curve: DropCurve, aim: Aim) -> str:
    told = []
    for name, values in (
        (_("at random"), curve.random.mean),
        (_("most attended first"), curve.most_attended),
        (_("least attended first"), curve.least_attended),
    ):
        share = half_life(curve.fractions, values)
        told.append(
            _("{name}: never below half").format(name=name)
            if share is None
            else _("{name}: half or less from {share} on").format(name=name, share=f"{share:.0%}")
        )
    return _(
        "For **{target}**: {told}. Order of attention: {attends}. One photo and one model; it does not say that "
        "attention is the reason."
    ).format(target=plain(aim.label), told="; ".join(told), attends=curve.attends)


def occlusion(scene: Scene, aim: Aim) -> tuple[Attribution | None, list[Waiting]]:
    """Draw the occlusion map or the button that computes it; return it, and what is to be computed."""
    st.subheader(_("Which single patches matter?"), anchor=False)
    waiting: list[Waiting] = []
    with st.container(key="patch_occlusion"):
        outcome = panels.panel(scene, aim, find_method("occlusion"), waiting)
    return outcome.found, waiting
