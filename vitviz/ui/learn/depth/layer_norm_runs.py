"""The shipped training runs of Pre-LN and Post-LN as curves: mean of the seeds, with and without warm-up."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, spread
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import PINNED, VIT_BLUE
from vitviz.labs.layer_norm.runs import SEEDS, SETTINGS, WARMUPS, shipped_runs
from vitviz.labs.layer_norm.training import LayerNormTraining
from vitviz.numbers import percent
from vitviz.ui.furniture.charts import chart
from vitviz.ui.text import _

_POST = PINNED[1]
_WINDOW = 10
"""Steps that are averaged, so that the curve and not the batches are seen."""


def _runs(order: str, warmup: int) -> list[LayerNormTraining]:
    return [run for run in shipped_runs() if (run.order, run.warmup_steps) == (order, warmup)]


def _smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return running means over (…, step): (…, step − window + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(losses, _WINDOW, axis=-1)
    return np.asarray(windows.mean(-1))


def draw() -> go.Figure:
    """Draw the loss curves with the deviation of the seeds, and the accuracies in words."""
    warm = WARMUPS[1]
    kinds = [
        (_("Pre-LN"), "pre", 0, VIT_BLUE, "solid"),
        (_("Post-LN"), "post", 0, _POST, "solid"),
        (_("Post-LN, {steps} steps of warm-up").format(steps=warm), "post", warm, _POST, "dash"),
    ]
    curves = []
    for name, order, warmup, colour, dash in kinds:
        losses = _smoothed(np.stack([run.losses for run in _runs(order, warmup)]))  # (seed, step)
        steps, mean = np.arange(losses.shape[1]) + (_WINDOW + 1) / 2, losses.mean(0)
        curves.append(Curve(name, steps, mean, colour, dash, "line", **spread(mean, losses.std(0, ddof=1))))
    made = line_chart(
        curves, x=Axis(_("Training step")), y=Axis(_("Cross-entropy (nats)"), span=(0.0, 2.6)), height=380
    )
    st.markdown(_("**And in training**, the same learning rate"))
    chart(made, key="depth_training")
    st.caption(_words(warm))
    return made


def _words(warm: int) -> str:
    return _(
        "Trained ahead: {depth} blocks of width {width}, Adam at {rate:g}, {steps} steps, {seeds} seeds (mean ± "
        "standard "
        "deviation, running means of {window} steps). The task: from which of the ten example photos was a piece cut? "
        "Fresh pieces recognised: Pre-LN {pre}, Post-LN {post}, Post-LN with warm-up {warmed}, Pre-LN with warm-up "
        "{pre_warmed}; guessing has {chance} and a loss of {loss:.2f}."
    ).format(
        depth=SETTINGS["depth"],
        width=SETTINGS["width"],
        rate=SETTINGS["learning_rate"],
        steps=SETTINGS["steps"],
        seeds=len(SEEDS),
        window=_WINDOW,
        pre=accuracy("pre", 0),
        post=accuracy("post", 0),
        warmed=accuracy("post", warm),
        pre_warmed=accuracy("pre", warm),
        chance=percent(float(np.exp(-_runs("pre", 0)[0].chance))),
        loss=_runs("pre", 0)[0].chance,
    )


def accuracy(order: str, warmup: int) -> str:
    """Return mean ± standard deviation of the seeds' accuracies."""
    accuracies = [run.accuracy for run in _runs(order, warmup) if run.accuracy is not None]
    return f"{percent(np.mean(accuracies))} ± {percent(np.std(accuracies, ddof=1))}"


def arrays() -> dict[str, NDArray[Any]]:
    """Return the losses of every shipped run."""
    return {f"losses_{run.order}_warmup_{run.warmup_steps}_seed_{run.seed}": run.losses for run in shipped_runs()}
