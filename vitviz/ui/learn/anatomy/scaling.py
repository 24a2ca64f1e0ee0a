"""Anatomy, scaling: what a deeper, wider or sharper Vision Transformer costs."""

from __future__ import annotations

from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.labs.cost.compute import model_macs
from vitviz.labs.cost.scaling import Scaling, parameters_of, scale
from vitviz.labs.cost.vit_shape import PRESETS, ViTShape
from vitviz.numbers import scientific
from vitviz.pictures import costs
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.furniture import guessing, lesson, sheet_figures, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.learn.anatomy import guesses
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_VALUES = {
    "depth": (1, 2, 4, 8, 12, 16, 24, 32, 48),
    "width": (64, 128, 192, 384, 768, 1024, 1536, 2048),
    "side": (64, 96, 128, 160, 224, 320, 448, 640),
}
_PATCH = 16


def draw(_scene: Scene) -> Result | None:
    """Draw parameters and operations against the size that grows."""
    lesson.question(
        _("What does a larger model cost?"),
        _(
            "Depth, width and picture size pull at different strings: parameters are memory, operations are time, and "
            "they do not grow together."
        ),
    )
    growing = _knobs()
    shape = _shape()
    scaling = scale(shape, growing, _VALUES[growing])
    now = _now(shape, growing)
    guidance = guesses.scaling(shape, scaling, costs.growing(growing, say=_))
    if not guessing.guided(guidance, figure=partial(sheet_figures.sizes, shape)):
        return None
    left, right = st.columns(2, gap="medium")
    with left:
        chart(figure(scaling, "parameters", shape), key="scaling_parameters")
    with right:
        chart(figure(scaling, "macs", shape), key="scaling_macs")
    _numbers(shape, scaling, now)
    _presets()
    _words()
    return _result(shape, scaling)


def _knobs() -> str:
    titles = {"depth": _("Depth T"), "width": _("Width D"), "side": _("Picture side")}
    st.radio(
        _("What grows?"),
        list(titles),
        format_func=lambda axis: titles[axis],
        horizontal=True,
        **link.widget(choices.ANATOMY_SCALED),
    )
    depth, width, side = lesson.more().columns(3, gap="medium")
    depth.slider(_("Blocks"), 1, 48, **link.widget(choices.ANATOMY_DEPTH))
    width.slider(_("Channels of a token"), 64, 2048, step=64, **link.widget(choices.ANATOMY_WIDTH))
    side.slider(_("Side of the picture (px)"), 64, 640, step=_PATCH, **link.widget(choices.ANATOMY_SIDE))
    return str(link.get(choices.ANATOMY_SCALED))


def _shape() -> ViTShape:
    """Return the model of the knobs, with patches of 16 pixels and heads of 64 channels."""
    side, width = link.get(choices.ANATOMY_SIDE), link.get(choices.ANATOMY_WIDTH)
    return ViTShape((side, side), (_PATCH, _PATCH), width, link.get(choices.ANATOMY_DEPTH), max(1, width // 64))


def _now(shape: ViTShape, growing: str) -> int:
    """Return where the model of the knobs stands on the axis of what grows."""
    return {"depth": shape.depth, "width": shape.width, "side": shape.image_size[0]}[growing]


def figure(scaling: Scaling, quantity: str, shape: ViTShape) -> go.Figure:
    """Return parameters (in millions) or MACs (in billions) against the size that grows, both on logarithmic axes."""
    guess = []
    if quantity == "parameters":
        guess = guessing.drawn(guesses.scaling_curve(shape, scaling, costs.growing(scaling.growing, say=_)))
    return costs.scaling(scaling, quantity=quantity, extra=guess, say=_).figure()


def _numbers(shape: ViTShape, scaling: Scaling, now: int) -> None:
    parameters, macs = parameters_of(shape), model_macs(shape).total
    slopes = scaling.exponents
    columns = st.columns(4)
    columns[0].metric(_("Million parameters"), f"{parameters / 1e6:.1f}")
    columns[1].metric(_("GMACs"), scientific(macs / 1e9))
    columns[2].metric(_("Tokens"), f"{shape.tokens:,}")
    columns[3].metric(_("Heads of 64"), f"{shape.heads}")
    st.caption(
        _(
            "The model of the knobs, at {axis} = {now}. At the right end of the curves a size of twice as much means "
            "{parameters:.1f} times the parameters and {macs:.1f} times the operations."
        ).format(axis=costs.growing(scaling.growing, say=_), now=now, parameters=2 ** slopes[0], macs=2 ** slopes[1])
    )


def _presets() -> None:
    shapes = list(PRESETS.items())
    tables.draw(
        {
            _("Model"): [name for name, _shape_ in shapes],
            _("T"): [preset.depth for _name, preset in shapes],
            _("D"): [preset.width for _name, preset in shapes],
            _("Heads"): [preset.heads for _name, preset in shapes],
            _("Parameters"): [f"{parameters_of(preset):,}" for _name, preset in shapes],
            _("GMACs"): [f"{model_macs(preset).total / 1e9:.2f}" for _name, preset in shapes],
        },
        alt=_("One row a usual model"),
    )


def _words() -> None:
    lesson.formula(
        lesson.words(_("parameters")) + r" \approx 12\,T D^2, \qquad \text{MACs} \approx T\,(12\,L D^2 + 2\,L^2 D)",
        {"T": _("blocks"), "D": _("channels"), "L": _("tokens: the square of side over patch, plus the class token")},
    )
    lesson.try_next(
        [
            _("Let the picture grow: which of the two curves stays nearly flat, and why not quite?"),
            _("Double the width, or take four times the depth: which costs more parameters?"),
            (_("Where are the parameters of the loaded model?"), "anatomy", {"anatomy": "parameters"}),
            (_("Who needs how much data?"), "training", {"training": "data_hunger"}),
        ]
    )
    lesson.caveat(
        _(
            "The number of heads M changes neither: each has D/M channels. Heads change what can be looked at in "
            "parallel, and how fine a look is. That larger models are better holds with enough data (Zhai et al. "
            "2022); these curves say only what they cost."
        )
    )


def _result(shape: ViTShape, scaling: Scaling) -> Result:
    settings = {"depth": shape.depth, "width": shape.width, "side": shape.image_size[0]}
    code = (
        "from vitviz.labs.cost.scaling import scale\nfrom vitviz.labs.cost.vit_shape import ViTShape\n\n"
        f"shape = ViTShape({shape.image_size}, {shape.patch_size}, {shape.width}, {shape.depth}, {shape.heads})\n"
        f"scaling = scale(shape, {scaling.growing!r}, {tuple(int(value) for value in scaling.values)})\n"
        "print(scaling.parameters, scaling.macs, scaling.exponents)\n"
        "scaling.figure()\n"
    )
    return Result(
        page=choices.PAGE,
        title=_("What does a larger model cost?"),
        settings={"experiment": choices.SCALING, "growing": scaling.growing, **settings},
        code=code,
        arrays=lambda: {"values": np.asarray(scaling.values), "parameters": scaling.parameters, "macs": scaling.macs},
        figures=lambda: {
            _("Parameters"): figure(scaling, "parameters", shape),
            _("Operations"): figure(scaling, "macs", shape),
        },
    )
