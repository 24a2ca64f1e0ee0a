"""Cost, the first experiment: multiply–accumulates of a block against the number of tokens, and seconds."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.macs import multiply_accumulates
from vitviz.errors import VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level, Point
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import PINNED
from vitviz.labs.cost.compute import BlockSeconds, block_macs, crossovers, model_macs, norm_operations
from vitviz.labs.cost.vit_shape import PRESETS, ViTShape, shape_of
from vitviz.models.vit import ViT
from vitviz.numbers import percent
from vitviz.ui.choices.cost import PAGE
from vitviz.ui.furniture import guessing, lesson, sheet_figures, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.cost import clock, guesses, sizes
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard

_PROJECTIONS, _MLP = PINNED[1], PINNED[2]
_CURVE_POINTS = 60


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    lesson.question(
        _("What does a block compute, and when does attention take over?"),
        _(
            "Projections and MLP work on one token at a time, so they grow with the number of tokens L. Attention "
            "compares every token with every other: it grows with L², and passes the rest when pictures get large."
        ),
    )
    shape = sizes.current(scene)
    sizes.choose(scene, shape)
    if not guessing.guided(guesses.compute(shape), figure=partial(sheet_figures.sizes, shape)):
        return None
    _numbers(shape)
    left, right = st.columns([3, 2], gap="large")
    with left:
        figure = _curves(shape)
        chart(figure, key="cost_macs")
        st.caption(
            _(
                "One block, on logarithmic axes: a straight line of slope 1 grows with L, of slope 2 with L². Orange: "
                "the sizes above. Norms, softmax and activations are not counted."
            )
        )
    with right:
        _counted(scene)
    seconds = clock.draw(shape)
    figures = {_("MACs of a block"): figure}
    if seconds is not None:
        figures[_("Seconds of a block")] = clock.figure(seconds)
    _lesson()
    return lesson.Result(
        PAGE,
        _("What does a block compute?"),
        {"experiment": "compute"} | sizes.told(shape),
        _code(shape, seconds),
        lambda: _arrays(shape, seconds),
        lambda: figures,
    )


def _numbers(shape: ViTShape) -> None:
    macs, cross = model_macs(shape), crossovers(shape.width, mlp_ratio=shape.mlp_ratio)
    values = [
        (_("Whole model"), _macs(macs.total), _("Multiply–accumulates of one picture, by formula.")),
        (
            _("Attention's share"),
            percent(macs.blocks.attention / macs.total),
            _("Scores and weighted sum, without the projections."),
        ),
        (
            _("Passes the projections"),
            _("L = {tokens:,.0f}").format(tokens=cross.projections),
            _("Attention costs more than the four projections from L = 2D."),
        ),
        (
            _("Passes all the rest"),
            _("L = {tokens:,.0f}").format(tokens=cross.rest),
            _("More than projections and MLP together: L = 6D for an MLP four times as wide as D."),
        ),
    ]
    for column, (label, value, help) in zip(st.columns(4), values, strict=True):
        column.metric(label, value, help=help)


def billions(count: float) -> str:
    """Return a count in billions, never as 0.00: 0.0021, 17.56, 1,204."""
    giga = count / 1e9
    return f"{giga:.2g}" if giga < 0.1 else f"{giga:.2f}" if giga < 100 else f"{giga:,.0f}"


def _macs(count: float) -> str:
    """Return a number of MACs that has room in a narrow column, whatever the size."""
    units = (("EMACs", 1e18, 10), ("PMACs", 1e15, 10), ("TMACs", 1e12, 10), ("GMACs", 1e9, 0.1), ("MMACs", 1e6, 0.1))
    for unit, factor, least in units:
        if count >= least * factor:
            return f"{billions(count * 1e9 / factor)} {unit}"
    return f"{count / 1e3:.3g} kMACs"


def lengths(shape: ViTShape) -> NDArray[np.float64]:
    """Return the numbers of tokens of the curves: both crossings and the current number lie inside."""
    high = max(4 * crossovers(shape.width, mlp_ratio=shape.mlp_ratio).rest, 2.0 * shape.tokens)
    return np.geomspace(min(16, shape.tokens), high, _CURVE_POINTS)


def _curves(shape: ViTShape) -> go.Figure:
    places = lengths(shape)
    parts = [block_macs(tokens, shape.width, mlp_ratio=shape.mlp_ratio) for tokens in places]
    now = block_macs(shape.tokens, shape.width, mlp_ratio=shape.mlp_ratio)
    cross = crossovers(shape.width, mlp_ratio=shape.mlp_ratio)
    ratio = 2 + shape.mlp_ratio
    curves = [
        Curve(_("attention, 2L²D"), places, [macs.attention for macs in parts], kind="line"),
        Curve(_("projections, 4LD²"), places, [macs.projections for macs in parts], _PROJECTIONS, kind="line"),
    ]
    points = [(_("attention now"), now.attention)]
    if shape.mlp_ratio:
        name = _("MLP, {factor:g}LD²").format(factor=2 * shape.mlp_ratio)
        curves.append(Curve(name, places, [macs.mlp for macs in parts], _MLP, kind="line"))
        points.append((_("MLP now"), now.mlp))
    points.append((_("projections now"), now.projections))
    return line_chart(
        [
            Level("L = 2D", cross.projections, upright=True, number=None),
            Level(f"L = {ratio:g}D", cross.rest, upright=True, number=None),
            *curves,
            *(Point(name, shape.tokens, macs, listed=False) for name, macs in points),
        ],
        x=Axis(_("Tokens L"), log=True, marks="powers"),
        y=Axis(_("MACs of one block"), log=True, marks="powers"),
        height=360,
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _count(model_key: str, _vit: ViT) -> int | str:
    """Return the MACs that torch counts in a model, or why it cannot."""
    try:
        return multiply_accumulates(_vit)
    except VitvizError as error:
        return in_dashboard(error)


def _counted(scene: Scene) -> None:
    """Draw the loaded model's count beside the formula, and the usual models."""
    st.markdown(_("**The formula against torch's own counter**, on the loaded model:"))
    counted = _count(scene.model_key, scene.vit)
    formula = model_macs(shape_of(scene.vit)).total
    if isinstance(counted, str):
        st.info(plain(counted))
    else:
        told = _("Counted {counted:,} MACs, by formula {formula:,.0f}: ").format(counted=counted, formula=formula)
        st.markdown(told + _difference(counted, formula))
    rows = {name: model_macs(shape) for name, shape in PRESETS.items()}
    tables.draw(
        {
            _("Usual model"): list(rows),
            _("Tokens"): [shape.tokens for shape in PRESETS.values()],
            _("GMACs"): [billions(macs.total) for macs in rows.values()],
            _("with norms"): [billions(rows[name].total + norm_operations(shape)) for name, shape in PRESETS.items()],
        },
        alt=_("One row a usual model with its tokens and multiply–accumulates"),
    )
    st.caption(
        _(
            "Some published tables add LayerNorm at 5 operations a number (last column): 1.26 for ViT-Ti/16 where the "
            "matrix products alone make 1.25. FLOPs are twice the MACs."
        )
    )


def _difference(counted: int, formula: float) -> str:
    if counted == formula:
        return _("**equal to the last digit.**")
    return _(
        "**{share}**. The formula knows four projections of D × D, plain attention in every layer, an MLP and a "
        "linear classifier; what this model has beyond that, such as attention pooling, gates or position kernels, is "
        "the difference."
    ).format(share=percent(counted / formula - 1, signed=True))


def _lesson() -> None:
    projections, attention = lesson.words(_("projections")), lesson.words(_("attention"))
    lesson.formula(
        [
            rf"\underbrace{{4LD^2}}_{{{projections}}} + \underbrace{{2L^2D}}_{{{attention}}} + "
            r"\underbrace{2rLD^2}_{\text{MLP}}",
            r"2L^2D > 4LD^2 \iff L > 2D",
            r"2L^2D > (4+2r)LD^2 \iff L > (2+r)D",
        ],
        {
            "L": _("tokens"),
            "D": _("width: channels of a token"),
            "r": _("MLP ratio, usually 4: then the last is L > 6D"),
        },
    )
    usual = model_macs(PRESETS["ViT-B/16"])
    link_518 = {"cost_model": "ViT-S/14-518", "cost_experiment": "memory"}
    lesson.try_next(
        [
            _("Double the image side: by what factor do the tokens, the MLP and the attention grow?"),
            _("Halve the patch at the same image. Why is that the same as doubling the image?"),
            _("Find the image side at which attention is half of a ViT-Ti/16. Then of a ViT-H/14."),
            (_("What the same pictures cost in memory"), PAGE, link_518),
        ]
    )
    lesson.caveat(
        _(
            "“Quadratic attention” is not what makes a usual ViT slow: at 224 pixels it is {attention} of the work "
            "of a ViT-B/16, and the MLP is {mlp}. MACs are not seconds either: fused kernels, memory and small "
            "products decide how many of them a machine does in a second, which the clock shows."
        ).format(attention=percent(usual.blocks.attention / usual.total), mlp=percent(usual.blocks.mlp / usual.total))
    )


def _code(shape: ViTShape, seconds: BlockSeconds | None) -> str:
    lines = [
        "from vitviz.labs.cost.compute import block_macs, crossovers, model_macs, time_block",
        "from vitviz.labs.cost.vit_shape import ViTShape",
        "",
        sizes.size_lines(shape),
        "values = model_macs(shape)",
        "print(values.total / 1e9, crossovers(shape.width, mlp_ratio=shape.mlp_ratio))",
    ]
    picture = "values.figure()"
    if seconds is not None:
        lines.append(f"seconds = time_block({seconds.width}, {seconds.heads})")
        picture = "seconds.figure()"
    lines.append(picture)
    return "\n".join(lines) + "\n"


def _arrays(shape: ViTShape, seconds: BlockSeconds | None) -> dict[str, NDArray[Any]]:
    places = lengths(shape)
    parts = [block_macs(tokens, shape.width, mlp_ratio=shape.mlp_ratio) for tokens in places]
    arrays: dict[str, NDArray[Any]] = {
        "tokens": places,
        "projections": np.array([macs.projections for macs in parts]),
        "attention": np.array([macs.attention for macs in parts]),
        "mlp": np.array([macs.mlp for macs in parts]),
    }
    if seconds is not None:
        arrays |= {
            "timed_tokens": np.array(seconds.tokens),
            "block_seconds": seconds.block,
            "attention_seconds": seconds.attention,
        }
    return arrays
