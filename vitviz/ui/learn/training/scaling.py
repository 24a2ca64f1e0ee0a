"""Training, scaling laws: how the error of a small Vision Transformer falls with data, width and depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.line_chart import line_chart
from vitviz.labs.digits.data import held_out
from vitviz.labs.digits.scaling import GROWING, DigitScaling
from vitviz.labs.digits.scaling_runs import shipped_scaling
from vitviz.numbers import Signed, percent
from vitviz.pictures import networks
from vitviz.ui.choices import training as choices
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.learn.training import digit_row, guesses
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap


def draw(_scene: Scene) -> Result | None:
    """Draw the experiment."""
    lesson.question(
        _("What does twice as much buy?"),
        _(
            "Small Vision Transformers learn to read digits, with ever more digits, wider tokens or more blocks. Each "
            "size was trained several times, with the same number of updates."
        ),
    )
    growing = _growing()
    shown = shipped_scaling()
    if not guessing.guided(guesses.scaling(shown, growing), figure=digit_row.figure):
        return None
    made = error_figure(shown, growing)
    chart(made, key="scaling_error")
    st.caption(sentence(shown, growing))
    _words()
    return _result(shown, growing, made)


def _growing() -> str:
    titles = {"data": _("Digits"), "width": _("Width"), "depth": _("Depth")}
    st.segmented_control(
        _("What grows"),
        list(GROWING),
        format_func=lambda name: titles[name],
        required=True,
        help=_("The two others stay as they are."),
        **link.widget(choices.GROWING),
    )
    return str(link.get(choices.GROWING))


def error_figure(shown: DigitScaling, growing: str) -> go.Figure:
    """Return the error against a size with its intervals and the law, and the curve that the reader drew."""
    curves = networks.scaling_curves(shown, growing, say=_)
    drawn = guessing.drawn(guesses.scaling_curve(shown, growing))
    return line_chart([*curves, *drawn], **networks.scaling_axes(shown, growing, say=_))


def sentence(shown: DigitScaling, growing: str) -> str:
    """Return the law with the interval of its exponent, and whether the error is shown to fall at all."""
    law = shown.law(growing)
    low, high = law.interval
    told = _(
        "Fitted: error ∝ n⁻ᵇ with b = {exponent:.2f}, 95% interval {low:.2f} to {high:.2f} over {seeds} seeds; R² of "
        "the means {explained:.2f}. Twice the size leaves {rest} of the error."
    ).format(
        exponent=law.exponent,
        low=Signed(round(low, 2) + 0.0),  # no "−0.00"
        high=Signed(round(high, 2) + 0.0),
        seeds=shown.seeds,
        explained=law.explained,
        rest=percent(round(law.doubled, 2)),
    )
    meaning = _("The error falls.") if law.falls else _("The interval holds zero: these runs show no fall.")
    weights = shown.weights(growing)
    alike = _("Each network has {most:,} weights; {count} held-out digits.")
    between = _("The networks have {fewest:,} to {most:,} weights; {count} held-out digits.")
    size = (alike if min(weights) == max(weights) else between).format(
        fewest=min(weights), most=max(weights), count=len(held_out())
    )
    return gap().join((told.replace("-", "−"), meaning, size))


def _words() -> None:
    lesson.formula(
        r"E(n) = a\, n^{-b} \quad\Longleftrightarrow\quad \log E = \log a - b \log n",
        {
            "E": _("share of held-out digits not recognised"),
            "n": _("digits, width or depth"),
            "b": _("exponent: minus the slope of the straight line on logarithmic axes"),
        },
    )
    lesson.try_next(
        [
            _("Let the width grow, then the depth: which of the three has the steepest line?"),
            _("Look where the points leave the line: a law that was fitted to small sizes promises nothing beyond."),
            (_("Who needs how much data?"), "training", {"training": choices.HUNGER}),
            (_("Compute and memory of larger models"), "cost", {}),
        ]
    )
    lesson.caveat(
        _(
            "A factor of 4 to 16 and a few hundred digits are an exercise in fitting, not a law of nature: Kaplan et "
            "al. 2020 and Zhai et al. 2022 scale over many powers of ten, with as many updates as each size needs. "
            "Here every size has the same number of updates, so a larger network may only be less finished. The "
            "interval is over seeds; that all share the same held-out digits is not in it."
        )
    )


def _result(shown: DigitScaling, growing: str, made: go.Figure) -> Result:
    arrays: dict[str, NDArray[Any]] = {}
    for name in GROWING:
        arrays |= {f"{name}_values": np.array(shown.values(name)), f"{name}_errors": shown.errors(name)}
    code = (
        "from vitviz.labs.digits.scaling_runs import shipped_scaling\n\n"
        "result = shipped_scaling()\n"
        f"print(result.law({growing!r}))\n"
        f"result.figure(growing={growing!r})\n"
    )
    return Result(
        page="training",
        title=_("What does twice as much buy?"),
        settings={"experiment": choices.SCALING, "growing": growing, "seeds": shown.seeds, "steps": shown.steps},
        code=code,
        arrays=lambda: arrays,
        figures=lambda: {_("Error and size"): made},
    )
