"""Depth, the first experiment: the residual path as a filter, in a simple model and in the loaded one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Point
from vitviz.figures.line_chart import line_chart
from vitviz.figures.paint import paint_map
from vitviz.figures.palettes import PINNED, VIT_BLUE
from vitviz.figures.scale import Scale
from vitviz.figures.theme import NEUTRAL
from vitviz.labs.residual_filter import FilteredSignal, gain
from vitviz.numbers import percent, scientific
from vitviz.pictures import blocks as drawings
from vitviz.ui.choices.depth import PAGE
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.panel import bare_map
from vitviz.ui.learn.depth import guesses, residual_knobs, residual_model, signal_film
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, ngettext

_HIGH = PINNED[3]
_FLOOR = 1e-6  # smallest amplitude that is drawn on the logarithmic axis
_TOP = 3.0  # largest gain that is drawn


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment."""
    lesson.question(
        _("What does a residual block do to detail?"),
        _(
            "Take a branch that points towards the neighbours' mean: minus the graph Laplacian. Alone it keeps only "
            "detail. What becomes of a signal to which it is added, block after block?"
        ),
    )
    knobs = residual_knobs.choose()
    filtered = residual_knobs.signal(**knobs)
    if not guessing.guided(guesses.residual(), figure=partial(_before, filtered)):
        return None
    residual_knobs.verdict(filtered, knobs["blocks"])
    figures: dict[str, go.Figure] = {}
    left, right = st.columns(2, gap="large")
    with left:
        figures[_("Gain by frequency")] = _gain(knobs, filtered)
    with right:
        figures[_("Amplitude by block")] = _amplitudes(knobs, filtered)
    _signals(knobs, filtered, figures)
    signal_film.draw(filtered, knobs["size"])
    model = residual_model.draw(scene, figures)
    _lesson()
    return lesson.Result(
        PAGE,
        _("What does a residual block do to detail?"),
        {"experiment": "residual", **knobs, "regime": filtered.regime},
        _code(knobs) + residual_model.code(scene),
        lambda: _arrays(filtered) | residual_model.arrays(model),
        lambda: figures,
    )


def _before(filtered: FilteredSignal) -> str:
    """Return the signal before the first block, for the sheet of a class."""
    signal, words = filtered.signals[0], _("The signal before the first block")
    if filtered.graph == "grid":
        side = round(len(signal) ** 0.5)
        scale = Scale(-float(abs(signal).max()), float(abs(signal).max()), signed=True)
        return sheet_figures.picture(paint_map(signal.reshape(side, side), scale, height=320, width=320), words)
    curve = Curve("", np.arange(1, len(signal) + 1), signal, NEUTRAL)
    return sheet_figures.chart(line_chart([curve], x=Axis(_("Node")), y=Axis(_("Value")), height=300), words)


def _gain(knobs: dict[str, Any], filtered: FilteredSignal) -> go.Figure:
    places = np.linspace(0, filtered.high, 161)
    alpha, blocks = knobs["alpha"], knobs["blocks"]
    single, many = gain(alpha, places, 1), gain(alpha, places, blocks)
    laws = [
        Curve(_("one block, 1 − αλ"), places, _clipped(single), NEUTRAL, "dash", "line"),
        Curve(
            ngettext("ℓ = {count} block", "ℓ = {count} blocks", blocks).format(count=blocks),
            places,
            _clipped(many),
            kind="line",
        ),
        Curve(_("the branch alone, −αλ"), places, _clipped(-alpha * places), _HIGH, kind="line"),
    ]
    after = gain(alpha, np.array([filtered.low, filtered.high]), blocks)
    names = (_("low frequency"), _("high frequency"))
    points = [
        Point(name, place, float(np.clip(value, -_TOP, _TOP)), listed=False)
        for name, place, value in zip(names, (filtered.low, filtered.high), after, strict=True)
    ]
    span = (-_TOP / 2, _TOP / 2) if abs(many).max() > 1 + 1e-9 else (-1.05, 1.05)
    made = line_chart(
        [*laws, *points],
        x=Axis(_("Frequency: eigenvalue λ of the Laplacian")),
        y=Axis(_("Gain"), span=span),
        height=380,
    )
    chart(made, key="depth_gain")
    words = ngettext(
        "By formula. The slow wave keeps {low} of its height after {count} block, the fast one {high}. The branch "
        "alone grows with λ: high-pass.",
        "By formula. The slow wave keeps {low} of its height after {count} blocks, the fast one {high}. The branch "
        "alone grows with λ: high-pass.",
        blocks,
    ).format(low=percent(after[0]), high=_share(after[1]), count=blocks)
    if max(abs(many).max(), alpha * filtered.high) > _TOP / 2:
        words += " " + _("What leaves the picture grows.")
    st.caption(words)
    return made


def _share(value: float) -> str:
    """Return a gain as per cent, or as a factor where it is large."""
    return percent(value) if abs(value) < 10 else f"{scientific(value)} ×"


def _clipped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(values, -_TOP, _TOP)


def _amplitudes(knobs: dict[str, Any], filtered: FilteredSignal) -> go.Figure:
    measured = abs(filtered.amplitudes)
    blocks = np.arange(len(measured))
    formula = abs(
        filtered.amplitudes[0]
        * np.stack([gain(knobs["alpha"], np.array([filtered.low, filtered.high]), int(b)) for b in blocks])
    )
    laws = []
    waves = ((_("low frequency"), VIT_BLUE, "dash"), (_("high frequency"), _HIGH, "dot"))
    for place, (name, colour, dash) in enumerate(waves):
        laws.append(Curve(name, blocks, np.maximum(measured[:, place], _FLOOR), colour))
        said = np.maximum(formula[:, place], _FLOOR)
        laws.append(Curve(_("{name}, by formula").format(name=name), blocks, said, NEUTRAL, dash, "line"))
    made = line_chart(
        laws, x=Axis(_("Block")), y=Axis(_("Height of the wave, without sign"), log=True, marks="powers"), height=380
    )
    chart(made, key="depth_amplitudes")
    st.caption(
        _(
            "The matrix I − αΛ applied block by block (dots) beside |1 − αλ| to the power ℓ: they differ by at most "
            "{error} of the formula. A straight line is geometric growth or decay; below {floor} it is cut off."
        ).format(error=scientific(_error(measured, formula)), floor=scientific(_FLOOR, 1))
    )
    return made


def _error(measured: NDArray[np.float64], formula: NDArray[np.float64]) -> float:
    """Return the largest difference of measured and predicted heights, over the prediction or over 1."""
    return float((abs(measured - formula) / np.maximum(formula, 1)).max())


def _signals(knobs: dict[str, Any], filtered: FilteredSignal, figures: dict[str, go.Figure]) -> None:
    blocks = len(filtered.signals) - 1
    names = [_("before"), _("after block {block}").format(block=blocks), _("the branch alone, of the first block")]
    shown = [filtered.signals[0], filtered.signals[-1], filtered.branch]
    if filtered.graph == "grid":
        _maps(knobs["size"], names, shown)
        return
    made = drawings.signals(filtered, say=_).figure()
    chart(made, key="depth_signals")
    figures[_("The signal")] = made


def _maps(size: int, names: list[str], shown: list[NDArray[np.float64]]) -> None:
    scales = []
    for values in shown:
        top = float(abs(values).max()) or 1.0
        scales.append(Scale(-top, top, signed=True))
    columns = st.columns(3, gap="medium")
    for column, name, values, scale in zip(columns, names, shown, scales, strict=True):
        told = _("{name}: values from {low} to {high} over the grid")
        with column:
            bare_map(
                values.reshape(size, size),
                scale=scale,
                label=name,
                alt=told.format(name=name, low=scientific(values.min()), high=scientific(values.max())),
            )


def _lesson() -> None:
    lesson.formula(
        [
            r"x \mapsto (I - \alpha\Lambda)\,x",
            r"\gamma_k = (1 - \alpha\lambda_k)^\ell",
            r"\lambda_k = 2 - 2\cos\frac{2\pi k}{n}\ " + lesson.words(_("on a ring")),
        ],
        {
            r"\gamma_k": _("gain after ℓ blocks"),
            r"\Lambda": _("graph Laplacian: a value times its number of neighbours, minus their sum"),
            r"\lambda_k": _("its eigenvalues: 0 is constant, the largest is the fastest wave"),
            r"\alpha": _("strength of the branch"),
            "n": _("nodes of the ring; a path has πk/n instead, a grid sums of two of a path's"),
        },
    )
    steps: list[Any] = [
        _("Set α just below and just above 2/λ_max and read the heights after 96 blocks."),
        _("At which α does the fastest wave vanish in a single block? Compute it, then try."),
        _("Choose the grid: λ_max doubles. What happens to the α that you had?"),
        (_("Where each head looks"), "heads", {"statistic": "distance"}),
        (_("What the LayerNorm has to do with depth"), PAGE, {"depth_experiment": "layer_norm"}),
    ]
    lesson.try_next(steps)
    lesson.caveat(
        _(
            "The simple story puts the high-pass into the branch. In a real ViT it is the other way round: a softmax "
            "attention matrix is itself an average of tokens, so attention is the low-pass (Wang et al. 2022; Park and "
            "Kim 2022), and the residual path is what keeps detail alive. The pictures of the loaded model above "
            "measure both: the left one attention by itself, the right one whole blocks, in which values and MLP may "
            "bring detail back."
        )
    )


def _code(knobs: dict[str, Any]) -> str:
    return (
        "from vitviz.labs import residual_filter\n\n"
        f"filtered = residual_filter.run({knobs['graph']!r}, {knobs['size']}, alpha={knobs['alpha']}, "
        f"blocks={knobs['blocks']}, high_share={knobs['high']})\n"
        "values = filtered.amplitudes  # (block + 1, low and high frequency)\n"
        "filtered.figure()\n"
    )


def _arrays(filtered: FilteredSignal) -> dict[str, NDArray[Any]]:
    return {
        "signals": filtered.signals,
        "branch": filtered.branch,
        "amplitudes": filtered.amplitudes,
        "frequencies": np.array([filtered.low, filtered.high]),
    }
