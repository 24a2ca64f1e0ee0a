"""The figures of the distillation experiment, and the sentence that says what the dots of the runs say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import line_chart
from vitviz.labs.digits.data import held_out
from vitviz.labs.digits.distillation_runs import Distillation
from vitviz.labs.digits.distillation_search import Trial
from vitviz.numbers import Signed
from vitviz.pictures import networks
from vitviz.ui.learn.training.own_run import before
from vitviz.ui.text import _, gap, ngettext

TEMPERATURES = tuple(float(temperature) for temperature in np.geomspace(0.5, 200, 40))
"""Where the gradient is compared with its limit."""
TAUGHT = ("soft", "hard")
"""The students that learn from the teacher too."""


def accuracies(shown: Distillation) -> go.Figure | None:
    """Return the held-out accuracy of every finished run, or None if none is finished."""
    finished = any(len(shown.accuracies(name)) for name in networks.students())
    return networks.distillation(shown, say=_).figure() if finished else None


def curves(shown: Distillation | None, behind: Distillation | None = None) -> go.Figure:
    """Return accuracy over updates, one line a run; ``behind`` are earlier runs, drawn pale behind those of now."""
    lines = [*_runs(behind, faded=True), *_runs(shown)]
    return line_chart(
        [*lines, Level(_("guessing"), 0.1, number="%{y:.3~p}")],
        x=Axis(_("Updates")),
        y=Axis(_("Held-out digits recognised"), ".0%"),
        hover="{name}<br>%{x:.4g}: %{y:.3~p}",
        height=380,
    )


def _runs(shown: Distillation | None, *, faded: bool = False) -> list[Curve]:
    titles = networks.students(say=_)
    last = {run.name: run for run in shown.runs} if shown is not None else {}
    lines = []
    for name, run in last.items():
        title = _("{name} (seed {seed})").format(name=titles[name][0], seed=run.seed)
        steps, accuracies = zip(*((point.step, point.accuracy) for point in run.points), strict=True)
        lines.append(Curve(before(title) if faded else title, steps, accuracies, titles[name][1], faded=faded))
    return lines


def sentence(shown: Distillation) -> str:
    """Return what the dots say, every difference beside its own spread."""
    told = [
        ngettext(
            "Share of {count} digits, which no network saw in training, for {runs} run each.",
            "Share of {count} digits, which no network saw in training, for {runs} runs each.",
            shown.seeds,
        ).format(count=len(held_out()), runs=shown.seeds)
    ]
    for name, title in zip(TAUGHT, (_("Hinton's loss"), _("DeiT's token")), strict=True):
        if len(shown.gains(name)):
            told.append(_gain(shown, name, title))
    return gap().join(told)


def verdict(shown: Distillation) -> str:
    """Return a title that says whether these runs show a gain or a loss; empty for fewer than two runs of a student."""
    if any(len(shown.gains(name)) < 2 for name in TAUGHT):
        return ""
    titles = {name: title for name, (title, _colour) in networks.students(say=_).items()}
    higher = [titles[name] for name in TAUGHT if shown.gain_interval(name)[0] > 0]
    lower = [titles[name] for name in TAUGHT if shown.gain_interval(name)[1] < 0]
    told = [_("These runs show a gain: {names}").format(names=_(", ").join(higher))] if higher else []
    told += [_("These runs show a loss: {names}").format(names=_(", ").join(lower))] if lower else []
    return gap().join(told) or _("These runs show no gain")


def _gain(shown: Distillation, name: str, title: str) -> str:
    """Return the gain over the labels alone in percentage points, with its interval."""
    gains = shown.gains(name) * 100
    if len(gains) < 2:
        return _("{title}: {gain:+.1f} percentage points against the labels alone; one run shows no spread.").format(
            title=title, gain=Signed(gains[0])
        )
    low, high = (100 * end for end in shown.gain_interval(name))
    return _(
        "{title}: {gain:+.1f} percentage points against the labels alone, seed by seed (95% interval of the mean "
        "{low:+.1f} to {high:+.1f})."
    ).format(title=title, gain=Signed(gains.mean()), low=Signed(low), high=Signed(high))


def search_table(trials: Sequence[Trial]) -> dict[str, list[str]]:
    """Return the mean gain of every setting of the search in percentage points, a column for each temperature."""
    temperatures = sorted({trial.temperature for trial in trials})
    by_setting = {(trial.alpha, trial.temperature): trial.gain for trial in trials}
    alphas = sorted({trial.alpha for trial in trials})
    columns = {
        f"T = {temperature:g}": [f"{100 * by_setting[alpha, temperature]:+.1f}" for alpha in alphas]
        for temperature in temperatures
    }
    return {"α": [f"{alpha:g}" for alpha in alphas], **columns}


def limit_curve(gaps: NDArray[np.float64]) -> go.Figure:
    """Return the distance to the limit against the temperature, both on logarithmic axes."""
    return line_chart(
        [Curve(_("distance to the limit"), TEMPERATURES, gaps)],
        x=Axis(_("Temperature T"), log=True, ticks=(0.5, 1, 3, 10, 30, 100)),
        y=Axis(_("Distance ÷ size of the limit"), log=True, marks="auto"),
        legend=True,
        height=300,
    )
