"""How much of the photo can go? The drop curve and the occlusion map, each when asked for."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.analysis.drop_curve import DropCurve, drop_curve
from vitviz.analysis.patch_changes import SHUFFLED
from vitviz.attribution import Attribution
from vitviz.attribution.attribute import find_method
from vitviz.numbers import percent
from vitviz.pictures import curves
from vitviz.ui.choices.patches import CHANGE
from vitviz.ui.explore.evidence import panels
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.explore.patches.painting import effects
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork, previewed

DRAWS = 8


def replacement() -> str:
    """Return what takes the place of dropped patches: what the reader does to painted ones, where that can be."""
    change = str(link.get(CHANGE))
    return "grey" if change == SHUFFLED else change


def _work(scene: Scene, aim: Aim) -> LongWork[DropCurve]:
    """Return what measures the drop curve."""
    vit, pixels, change = scene.vit, scene.original.pixels, replacement()
    return LongWork(
        ("drop", scene.model_key, scene.photo.digest, aim.key, change),
        lambda report: drop_curve(vit, pixels, target=aim.target, replacement=change, draws=DRAWS, **previewed(report)),
    )


def draw(scene: Scene, aim: Aim) -> DropCurve | None:
    """Draw the drop curve or the button that measures it; return the curve if it is there."""
    st.subheader(_("How much of the photo can go?"), anchor=False)
    st.markdown(
        _(
            "Patches are dropped ({change}) at random, those with the most attention first, or those with the "
            "least first."
        ).format(change=effects()[replacement()].lower())
    )
    work = _work(scene, aim)

    def preview(view: JobView | None) -> None:
        if view is not None and view.result is not None:
            _curves(view.result, aim)

    controls.ask([work], _("Measure the drop curve"), name="drop", draw=preview)
    curve: DropCurve | None = long_work.result(work.key)
    if curve is not None:
        _curves(curve, aim)
    return curve


def _curves(curve: DropCurve, aim: Aim) -> None:
    chart(curves.drop(curve, say=_).figure(), key="drop_curve")
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
            else _("{name}: half or less from {share} on").format(name=name, share=percent(share))
        )
    return _(
        "For **{target}**: {told}. Order of attention: {attends}. One photo and one model; it does not say that "
        "attention is the reason."
    ).format(target=plain(aim.label), told=_("; ").join(told), attends=curve.attends)


def occlusion(scene: Scene, aim: Aim) -> Attribution | None:
    """Draw the occlusion map or the button that computes it; return it if it is there."""
    st.subheader(_("Which single patches matter?"), anchor=False)
    with st.container(key="patch_occlusion"):
        return panels.panel(scene, aim, find_method("occlusion")).attribution
