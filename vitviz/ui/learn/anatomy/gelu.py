"""Anatomy, GELU: the activation of the MLP, exact and approximate, beside ReLU, and what really enters it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st
from numpy.typing import NDArray

from vitviz.errors import VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.labs.gelu import Activations, Gelu, activations, gelu
from vitviz.numbers import Signed, percent, scientific
from vitviz.pictures import lessons
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.learn.anatomy import guesses
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard


def draw(scene: Scene) -> Result | None:
    """Draw the curves, their difference, and the inputs in the loaded model."""
    lesson.question(
        _("Why GELU and not ReLU?"),
        _(
            "ReLU cuts everything negative off. GELU lets a little of it through, and bends instead of breaking: its "
            "slope never jumps."
        ),
    )
    curves = gelu()
    if not guessing.guided(guesses.gelu(curves), figure=partial(_relu, curves)):
        return None
    left, right = st.columns(2, gap="large")
    with left:
        chart(lessons.gelu(curves, say=_).figure(), key="gelu_curves")
        st.caption(
            _("The smallest value of GELU is {value:.3f}, at {place:.3f}; ReLU is never negative.").format(
                value=Signed(curves.lowest[1]), place=Signed(curves.lowest[0])
            )
        )
    with right:
        chart(lessons.gelu(curves, gap=True, say=_).figure(), key="gelu_gap")
        st.caption(
            _(
                "Exact form minus tanh form: at most **{gap}**, at ±{place:.2f}. Weights trained with one form "
                "work with the other."
            ).format(gap=scientific(curves.gap), place=curves.gap_at)
        )
    inputs = _inputs(scene)
    _words()
    return _result(scene, curves, inputs)


def _relu(curves: Gelu) -> str:
    """Return ReLU alone, for the sheet of a class."""
    drawn = line_chart([Curve("ReLU", curves.x, curves.relu, kind="line")], x=Axis("x"), y=Axis("f(x)"), height=300)
    return sheet_figures.chart(drawn, "ReLU")


@st.cache_resource(max_entries=12, show_spinner=False)
def _activations(model_key: str, digest: str, layer: int, _scene: Scene) -> Activations:
    return activations(_scene.vit, _scene.original, layer)


def _inputs(scene: Scene) -> Activations | None:
    """Draw what enters the activation of the chosen block for this photo."""
    st.subheader(_("What enters it in the loaded model?"), anchor=False)
    if scene.vit.layers > 1:
        st.slider(_("Block"), 0, scene.vit.layers - 1, **link.widget(LAYER))
    try:
        record = _activations(scene.model_key, scene.photo.digest, scene.layer, scene)
    except VitvizError as error:
        st.info(plain(in_dashboard(error)))
        return None
    chart(lessons.activations(record, say=_).figure(), key="gelu_inputs")
    st.caption(
        _(
            "Inputs of {kind} in block {layer}: {count:,} numbers for this photo. **{negative}** are negative, "
            "where ReLU would return nothing and learn nothing; {bend} lie between −3 and 0, where GELU still lets "
            "something through."
        ).format(
            kind=record.kind,
            layer=record.layer,
            count=record.inputs.size,
            negative=percent(record.negative),
            bend=percent(record.bend),
        )
    )
    return record


def _words() -> None:
    lesson.formula(
        r"\mathrm{GELU}(x) = x\,\Phi(x) \approx \tfrac12 x\Big(1 + "
        r"\tanh\big(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\big)\Big)",
        {"x": _("one channel of one token inside the MLP"), r"\Phi": _("distribution function of the standard normal")},
    )
    lesson.try_next(
        [
            _("Compare the first block and the last: where is the activation used most on its negative side?"),
            (_("What happens to a photo inside the model?"), "anatomy", {"anatomy": choices.STEPS}),
        ]
    )
    lesson.caveat(
        _(
            "That GELU is better than ReLU was found by trying (Hendrycks and Gimpel 2016); the difference in accuracy "
            "is small. Newer models often use gated forms (SwiGLU) instead."
        )
    )


def _result(scene: Scene, curves: Gelu, inputs: Activations | None) -> Result:
    arrays: dict[str, NDArray[Any]] = {"x": curves.x, "relu": curves.relu, "exact": curves.exact, "tanh": curves.tanh}
    figures = {
        _("GELU"): lessons.gelu(curves, say=_).figure(),
        _("Difference"): lessons.gelu(curves, gap=True, say=_).figure(),
    }
    if inputs is not None:
        arrays["inputs"] = inputs.inputs
        figures[_("Inputs")] = lessons.activations(inputs, say=_).figure()
    code = (
        "import vitviz\nfrom vitviz.examples import example\nfrom vitviz.labs.gelu import activations, gelu\n\n"
        f"{load_line(scene)}\ntrace = vitviz.trace(vit, {picture_expression(scene)})\n"
        f"inside = activations(vit, trace, {scene.layer})\n"
        "print(gelu().gap, inside.negative)\n"
        "inside.figure()\n"
    )
    return Result(
        page=choices.PAGE,
        title=_("Why GELU and not ReLU?"),
        settings={"experiment": choices.GELU, "model": scene.vit.name, "layer": scene.layer},
        code=code,
        arrays=lambda: arrays,
        figures=lambda: figures,
    )
