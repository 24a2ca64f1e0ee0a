"""The figures of the distillation experiment, and the sentence that says what the dots of the runs say."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import line_chart
from vitviz.labs.digits.data import held_out
from vitviz.labs.digits.distillation_runs import Distillation
from vitviz.pictures import networks
from vitviz.ui.learn.training.own_run import before
from vitviz.ui.text import _, gap

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
        title = f"{titles[name][0]} ({_('seed')} {run.seed})"
        steps, accuracies = zip(*((point.step, point.accuracy) for point in run.points), strict=True)
        lines.append(Curve(before(title) if faded else title, steps, accuracies, titles[name][1], faded=faded))
    return lines


def sentence(shown: Distillation) -> str:
    """Return what the dots say, every difference beside its own spread."""
    told = [
        _("Share of {count} digits, which no network saw in training, for {runs} runs each.").format(
            count=len(held_out()), runs=shown.seeds
        )
    ]
    alone = shown.accuracies("alone")
    for name, title in zip(TAUGHT, (_("Hinton's loss"), _("DeiT's token")), strict=True):
        taught = shown.accuracies(name)
        if len(taught) and len(taught) <= len(alone):
            told.append(_gain(title, (taught - alone[: len(taught)]) * 100))
    return gap().join(told)


def verdict(shown: Distillation) -> str:
    """Return a title that says whether these runs show a gain; empty for fewer than two runs of a student."""
    alone = shown.accuracies("alone")
    gains = {name: shown.accuracies(name) - alone for name in TAUGHT if len(shown.accuracies(name)) == len(alone)}
    if len(alone) < 2 or len(gains) < len(TAUGHT):
        return ""
    better = [name for name, gain in gains.items() if _exceeds(gain) and gain.mean() > 0]
    titles = {name: title for name, (title, _colour) in networks.students(say=_).items()}
    if not better:
        return _("These runs show no gain")
    return _("These runs show a gain: {names}").format(names=_(", ").join(titles[name] for name in better))


def _exceeds(gains: NDArray[np.float64]) -> bool:
    return bool(abs(gains.mean()) > gains.std(ddof=1))


def _gain(title: str, gains: NDArray[np.float64]) -> str:
    """Return the gain over the labels alone in percentage points, and whether it exceeds its spread."""
    if len(gains) < 2:
        return _("{title}: {gain:+.1f} percentage points against the labels alone; one run shows no spread.").format(
            title=title, gain=gains[0]
        )
    deviation = float(gains.std(ddof=1))
    size = _("more than its spread") if _exceeds(gains) else _("within its spread")
    return _("{title}: {gain:+.1f} ± {deviation:.1f} percentage points against the labels alone, {verdict}.").format(
        title=title, gain=gains.mean(), deviation=deviation, verdict=size
    )


def limit_curve(gaps: NDArray[np.float64]) -> go.Figure:
    """Return the distance to the limit against the temperature, both on logarithmic axes."""
    return line_chart(
        [Curve(_("distance to the limit"), TEMPERATURES, gaps)],
        x=Axis(_("Temperature T"), log=True, ticks=(0.5, 1, 3, 10, 30, 100)),
        y=Axis(_("Distance ÷ size of the limit"), log=True, marks="auto"),
        legend=True,
        height=300,
    )
