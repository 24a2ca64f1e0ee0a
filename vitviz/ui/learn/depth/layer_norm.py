"""Depth, the second experiment: LayerNorm before or after the branch; growth, gradients, and a short training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.palettes import PINNED, VIT_BLUE
from vitviz.figures.theme import NEUTRAL
from vitviz.labs import stream_growth
from vitviz.labs.stream_growth import InitialSignal, arithmetic, geometric, independent
from vitviz.numbers import percent, scientific
from vitviz.pictures.blocks import FLOOR, TOP, by_block, on_axis
from vitviz.ui.choices.depth import (
    DEPTH_BRANCH,
    DEPTH_GROWTH,
    DEPTH_LAYERS,
    DEPTH_SEED,
    DEPTH_WIDTH,
    PAGE,
    SEEDS,
    WIDTHS,
)
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.depth import guesses, layer_norm_runs
from vitviz.ui.navigation import entries
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import N_, _, gap, ngettext

_POST, _NONE = PINNED[1], PINNED[3]


@dataclass(frozen=True, eq=False)
class Signals:
    """Real blocks at initialisation, one for each place of the LayerNorm."""

    pre: InitialSignal
    post: InitialSignal
    none: InitialSignal


@st.cache_data(max_entries=48, show_spinner=N_("Building the blocks …"))
def initial(depth: int, width: int, seed: int) -> Signals:
    """Return the signals of blocks with LayerNorm before, after and without."""
    return Signals(
        *(
            stream_growth.run(order, depth=depth, width=width, heads=width // 16, seed=seed)
            for order in ("pre", "post", "none")
        )
    )


def draw(_scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    lesson.question(
        _("Why does the LayerNorm stand before the branch?"),
        _(
            "Blocks add to the residual stream. If what they add grows with the stream, it explodes; if its size is "
            "bounded, the stream grows slowly. Where the LayerNorm stands decides that, and what gradients arrive."
        ),
    )
    _knobs()
    guidance = guesses.layer_norm(link.get(DEPTH_GROWTH), link.get(DEPTH_LAYERS))
    if not guessing.guided(guidance, figure=sheet_figures.blocks):
        return None
    depth, width, seed = (link.get(choice) for choice in (DEPTH_LAYERS, DEPTH_WIDTH, DEPTH_SEED))
    signals = initial(depth, width, seed)
    figures: dict[str, go.Figure] = {}
    left, right = st.columns(2, gap="large")
    with left:
        figures[_("Two laws of growth")] = _laws(depth)
    with right:
        figures[_("The stream at initialisation")] = _streams(signals)
    left, right = st.columns(2, gap="large")
    with left:
        figures[_("Gradients at initialisation")] = _gradients(signals)
    with right:
        figures[_("Loss in training")] = layer_norm_runs.draw()
    _lesson()
    return lesson.Result(
        PAGE,
        _("Why does the LayerNorm stand before the branch?"),
        {"experiment": "layer_norm", "depth": depth, "width": width, "seed": seed}
        | {"growth": link.get(DEPTH_GROWTH), "branch": link.get(DEPTH_BRANCH)},
        _code(depth, width, seed),
        lambda: _arrays(signals),
        lambda: figures,
    )


def _knobs() -> None:
    layers, growth = st.columns(2, gap="medium", vertical_alignment="bottom")
    layers.slider(_("Layers"), 1, stream_growth.MOST_DEPTH, **link.widget(DEPTH_LAYERS))
    growth.slider(
        _("Growth g"),
        0.0,
        1.0,
        step=0.01,
        help=_("The simple model on the left: the branch is g times its input."),
        **link.widget(DEPTH_GROWTH),
    )
    columns = lesson.more().columns(3, gap="medium", vertical_alignment="bottom")
    columns[0].slider(
        _("Branch size c"),
        0.0,
        10.0,
        step=0.1,
        help=_("The simple model on the left: the branch has the fixed size c."),
        **link.widget(DEPTH_BRANCH),
    )
    columns[1].select_slider(_("Width"), WIDTHS, **link.widget(DEPTH_WIDTH))
    columns[2].number_input(_("Seed"), 0, SEEDS, help=_("Of the random weights and tokens."), **link.widget(DEPTH_SEED))


def _laws(depth: int) -> go.Figure:
    growth, size = link.get(DEPTH_GROWTH), link.get(DEPTH_BRANCH)
    laws = [
        (_("geometric, (1 + g)^ℓ"), on_axis(geometric(1, growth, depth)), _NONE, "solid"),
        (_("arithmetic, 1 + cℓ: the bound"), arithmetic(1, size, depth), VIT_BLUE, "dash"),
        (_("independent branches, √(1 + c²ℓ)"), independent(1, size, depth), VIT_BLUE, "solid"),
    ]
    made = by_block(laws, _("|x_ℓ| / |x_0|"), x_title=_("Block ℓ"))
    st.markdown(_("**The simple model**"))
    chart(made, key="depth_laws")
    last = geometric(1, growth, depth)[-1]
    cut = (
        gap() + _("The geometric line leaves the picture at {top}.").format(top=scientific(TOP, 1))
        if last > TOP
        else ""
    )
    st.caption(
        ngettext(
            "By formula, for |x_0| = 1. After {count} block: geometric {geometric}, arithmetic at most {arithmetic}, "
            "{independent} if the branches point in independent directions.",
            "By formula, for |x_0| = 1. After {count} blocks: geometric {geometric}, arithmetic at most {arithmetic}, "
            "{independent} if the branches point in independent directions.",
            depth,
        ).format(
            count=depth,
            geometric=scientific(last),
            arithmetic=scientific(arithmetic(1, size, depth)[-1]),
            independent=scientific(independent(1, size, depth)[-1]),
        )
        + cut
    )
    return made


def _streams(signals: Signals) -> go.Figure:
    pre, post, none = signals.pre, signals.post, signals.none
    start, size = float(pre.stream[0]), pre.branch_size
    streams = [
        (_("no LayerNorm"), on_axis(none.stream), _NONE, "solid"),
        (_("Pre-LN"), pre.stream, VIT_BLUE, "solid"),
        (_("Post-LN"), post.stream, _POST, "solid"),
        (_("independent branches of Pre-LN's size"), independent(start, size, pre.depth), NEUTRAL, "dash"),
    ]
    made = by_block(streams, _("Length of a token"), x_title=_("Block ℓ"))
    st.markdown(_("**Real blocks**, random weights"))
    chart(made, key="depth_stream")
    words = _(
        "Without LayerNorm the length grows by a factor of {growth:.2f} a block: geometric. Pre-LN's branches have the "
        "size {size:.1f}; independent ones would reach {said:.0f}, the stream reaches {reached:.0f} ({off}), "
        "below the bound of {bound:.0f}. Post-LN is set back to √D = {root:.1f} after "
        "every block."
    ).format(
        growth=none.growth,
        size=size,
        said=independent(start, size, pre.depth)[-1],
        reached=pre.stream[-1],
        off=percent(pre.stream[-1] / independent(start, size, pre.depth)[-1] - 1, signed=True),
        bound=arithmetic(start, size, pre.depth)[-1],
        root=float(post.stream[-1]),
    )
    if none.stream[-1] > TOP:
        words += gap() + _("The line without LayerNorm goes on to {value}.").format(
            value=scientific(none.stream[-1], 2)
        )
    st.caption(words)
    return made


def _gradients(signals: Signals) -> go.Figure:
    pre, post = signals.pre.weight_gradient, signals.post.weight_gradient
    assert pre is not None
    assert post is not None
    gradients = [
        (_("Pre-LN"), np.maximum(pre, FLOOR), VIT_BLUE, "solid"),
        (_("Post-LN"), np.maximum(post, FLOOR), _POST, "solid"),
    ]
    made = by_block(gradients, _("Gradient of the MLP's second matrix"), x_title=_("Layer"))
    st.markdown(_("**Gradients at initialisation**"))
    chart(made, key="depth_gradients")
    st.caption(
        _(
            "Norm of the gradient in every layer, of the cross-entropy of a random read-out. In the last layer "
            "Post-LN's "
            "is {times:.1f} times Pre-LN's. Pre-LN's shrinks with 1/√layers, Post-LN's does not shrink (Xiong et al. "
            "2020): one learning rate is a far larger step in the last layers of a deep Post-LN network."
        ).format(times=post[-1] / pre[-1])
    )
    return made


def _lesson() -> None:
    lesson.formula(
        [
            r"\text{Pre-LN: } x_{\ell+1} = x_\ell + f(\mathrm{LN}(x_\ell))",
            r"\text{Post-LN: } x_{\ell+1} = \mathrm{LN}(x_\ell + f(x_\ell))",
            r"|x_\ell| = (1+g)^\ell\,|x_0| \qquad |x_\ell| \le |x_0| + c\,\ell",
        ],
        {
            "f": _("branch: attention or MLP"),
            "g": _("growth, of a branch that is g times as long as its input"),
            "c": _("length of a bounded branch"),
            r"\ell": _("block"),
        },
    )
    steps: list[Any] = [
        _("Go from 6 to 24 to 96 layers: which gradient of the last layer halves each time?"),
        _("Find the g at which the simple model grows as fast as the real stack without LayerNorm."),
        _("Change the seed. Which of the statements on this page stay true?"),
        (_("The residual path as a filter"), PAGE, {"depth_experiment": "residual"}),
    ]
    if "training" in {entry.name for entry in entries()}:
        steps.append((_("Train both yourself"), "training", {}))
    lesson.try_next(steps)
    lesson.caveat(
        _(
            "The simple story says that Post-LN explodes. Its forward signal does not: the LayerNorm after every block "
            "sets it back, and it is the stack without any LayerNorm that grows geometrically. Post-LN's trouble is "
            "the "
            "gradient: large near the output at initialisation, so it wants a warm-up (Xiong et al. 2020). In the "
            "short "
            "training shown here a warm-up helps Post-LN, but not up to Pre-LN."
        )
    )


def _code(depth: int, width: int, seed: int) -> str:
    return (
        "from vitviz.labs import stream_growth\n"
        "from vitviz.labs.layer_norm.runs import shipped_runs\n\n"
        'for order in ("pre", "post", "none"):\n'
        f"    signal = stream_growth.run(order, depth={depth}, width={width}, heads={width // 16}, seed={seed})\n"
        "    print(order, signal.stream[-1], signal.growth)\n"
        "values = signal.stream\n"
        "print([(run.order, run.warmup_steps, run.accuracy) for run in shipped_runs()])\n"
        "signal.figure()\n"
    )


def _arrays(signals: Signals) -> dict[str, NDArray[Any]]:
    numbers: dict[str, NDArray[Any]] = {}
    for signal in (signals.pre, signals.post, signals.none):
        numbers[f"stream_{signal.order}"] = signal.stream
        if signal.weight_gradient is not None:
            numbers[f"gradient_{signal.order}"] = signal.weight_gradient
    return numbers | layer_norm_runs.arrays()
