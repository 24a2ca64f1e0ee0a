"""Training, Pre-LN against Post-LN: the same network, the same rate, and only the place of the LayerNorm differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level, spread
from vitviz.figures.line_chart import line_chart
from vitviz.figures.palettes import VIT_BLUE
from vitviz.labs.layer_norm.pair import Going, train_pair
from vitviz.labs.layer_norm.runs import shipped_runs
from vitviz.numbers import percent
from vitviz.ui.choices import training as choices
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.learn.training import guesses, own_run
from vitviz.ui.learn.training.layer_norm_pair import Groups, asked_of, groups_of, holds
from vitviz.ui.learn.training.own_run import before
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, ngettext
from vitviz.ui.work import controls

_POST = "#E69F00"
_WINDOW = 10
_SECONDS_A_BLOCK_AND_STEP = 0.006


def draw(_scene: Scene) -> Result | None:
    """Draw the experiment."""
    lesson.question(
        _("Before or after the branch: where does the LayerNorm belong?"),
        _(
            "Two transformers with the same first weights learn from which photo a small piece was cut. One normalises "
            "before each branch (Pre-LN), the other after adding it (Post-LN)."
        ),
    )
    if not guessing.guided(guesses.layer_norm(), figure=sheet_figures.blocks):
        return None
    settings = _settings()
    key = (choices.LAYER_NORM, *settings.values())
    knobs, result = st.columns([1, 3], gap="large")
    with knobs:
        _knobs()
        seconds = _SECONDS_A_BLOCK_AND_STEP * 2 * settings["depth"] * settings["steps"]
        own_run.train(choices.LAYER_NORM, key, train_pair, settings, seconds=seconds)
    with result:
        controls.progress(choices.LAYER_NORM, _live)
        view = own_run.latest(choices.LAYER_NORM, key)
        groups, shipped = groups_of(view), groups_of(None)
        going = None if view is None or view.result is None else view.result.going
        if view is None or not view.active:
            own_run.note(choices.LAYER_NORM, key, view, same=holds(groups, settings))
            _results(groups, going, behind=None if groups == shipped else shipped)
    _words()
    return _result(groups, going)


def _settings() -> dict[str, Any]:
    return {
        "depth": link.get(choices.NORM_DEPTH),
        "learning_rate": link.get(choices.NORM_RATE),
        "warmup_steps": link.get(choices.NORM_WARMUP),
        "steps": link.get(choices.NORM_STEPS),
    }


def _knobs() -> None:
    st.slider(_("Blocks"), 1, 24, **link.widget(choices.NORM_DEPTH))
    st.select_slider(
        _("Learning rate"),
        _rates(),
        format_func=lambda rate: f"{rate:g}",
        help=_("Of Adam, after the warm-up."),
        **link.widget(choices.NORM_RATE),
    )
    more = lesson.more()
    more.slider(
        _("Warm-up"),
        0,
        400,
        step=10,
        help=_("Updates over which the rate grows from zero. 0: full rate at once."),
        **link.widget(choices.NORM_WARMUP),
    )
    more.slider(_("Updates"), choices.FEWEST_STEPS, 400, step=20, **link.widget(choices.NORM_STEPS))


def _rates() -> list[float]:
    """Return the rates of the slider, and the one of the link if it is another."""
    rates = {1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2}
    return sorted(rates | {link.get(choices.NORM_RATE)})


def _title(order: str, warmup: int) -> str:
    name = _("Pre-LN") if order == "pre" else _("Post-LN")
    return f"{name}, " + (_("warm-up of {steps}").format(steps=warmup) if warmup else _("no warm-up"))


def loss_figure(groups: Groups, going: Going | None = None, behind: Groups | None = None) -> go.Figure | None:
    """Return the loss over updates, the mean of windows of ten, with a band where there are several seeds.

    ``behind`` are earlier runs, drawn pale behind those of now.
    """
    lines = _losses(behind or {}, faded=True) + _losses(groups)
    if going is not None and len(going.losses):
        values = _windows(np.array(going.losses))
        lines.append(
            Curve(
                _title(going.order, going.warmup_steps),
                _places(len(going.losses)),
                values,
                _colour(going.order),
                "dash" if going.warmup_steps else "solid",
            )
        )
    if not lines:
        return None
    return line_chart(
        [*lines, Level(_("guessing"), shipped_runs()[0].chance, number="%{y:.4g}")],
        x=Axis(_("Updates")),
        y=Axis(_("Training loss (nats)")),
        height=380,
    )


def _losses(groups: Groups, *, faded: bool = False) -> list[Curve]:
    lines = []
    for (order, warmup), runs in groups.items():
        length = min(len(run.losses) for run in runs)
        windows = np.stack([_windows(run.losses[:length]) for run in runs])  # (seed, window)
        several = len(runs) > 1
        lines.append(
            Curve(
                before(_title(order, warmup)) if faded else _title(order, warmup),
                _places(length),
                windows.mean(0),
                _colour(order),
                "dash" if warmup else "solid",
                **(spread(windows.mean(0), windows.std(0, ddof=1)) if several else {}),
                opacity=0.16,
                faded=faded,
            )
        )
    return lines


def _colour(order: str) -> str:
    return VIT_BLUE if order == "pre" else _POST


def _windows(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    starts = range(0, len(losses), _WINDOW)
    return np.array([losses[start : start + _WINDOW].mean() for start in starts])


def _places(length: int) -> list[float]:
    return [min(start + _WINDOW, length) for start in range(0, length, _WINDOW)]


def _live(view: JobView) -> None:
    runs, going = ((), None) if view.result is None else (view.result.runs, view.result.going)
    made = loss_figure({(run.order, run.warmup_steps): [run] for run in runs}, going, behind=groups_of(None))
    if made is not None:
        chart(made, key="norm_live")


def _results(groups: Groups, going: Going | None, behind: Groups | None) -> None:
    made = loss_figure(groups, going, behind)
    if made is None:
        return
    chart(made, key="norm_loss")
    st.caption(_sentence(groups))


def _sentence(groups: Groups) -> str:
    told = []
    for (order, warmup), runs in groups.items():
        accuracies = np.array([run.accuracy for run in runs if run.accuracy is not None])
        diverged = sum(run.diverged for run in runs)
        if len(accuracies):
            told.append(
                _("{name}: {share} of fresh pieces recognised").format(
                    name=_title(order, warmup), share=percent(accuracies.mean())
                )
            )
        if diverged:
            told.append(
                ngettext(
                    "{name}: {count} of {runs} run diverged", "{name}: {count} of {runs} runs diverged", len(runs)
                ).format(name=_title(order, warmup), count=diverged, runs=len(runs))
            )
    return _("{told}.").format(told=_("; ").join(told)) if told else ""


def _words() -> None:
    lesson.formula(
        r"\text{Pre-LN: } x_{\ell+1} = x_\ell + f(\mathrm{LN}(x_\ell)) \qquad "
        r"\text{Post-LN: } x_{\ell+1} = \mathrm{LN}(x_\ell + f(x_\ell))",
        {
            r"x_\ell": _("tokens before block ℓ"),
            "f": _("the branch: attention or MLP"),
            r"\mathrm{LN}": _("LayerNorm: mean 0 and variance 1 over the channels of each token"),
        },
    )
    lesson.try_next(
        [
            _("Give Post-LN a warm-up of 60 updates, and then a tenth of the rate: which helps more?"),
            _("Take 2 blocks instead of 12: does the order still matter?"),
            _("Find the largest rate at which Pre-LN still learns."),
            (_("Why? The gradients at the start"), "depth", {"depth_experiment": "layer_norm"}),
        ]
    )
    lesson.caveat(
        _(
            "Post-LN is not unable to learn: it needs a warm-up or a smaller rate, because at the start the gradients "
            "near the output are large (Xiong et al. 2020). With few blocks both learn. A single run is an "
            "anecdote; the shipped curves have three."
        )
    )


def _result(groups: Groups, going: Going | None) -> Result:
    """Return what is shown, with the settings that made it: the knobs may have moved on since."""
    shown = [(asked_of(run), run.losses) for runs in groups.values() for run in runs]
    if going is not None:
        shown.append((dict(going.asked), np.array(going.losses)))
    arrays = {"losses_{order}_warmup{warmup_steps}_seed{seed}".format(**settings): losses for settings, losses in shown}
    made = loss_figure(groups, going)
    asked = [settings for settings, _losses in shown]
    return Result(
        page="training",
        title=_("Before or after the branch: where does the LayerNorm belong?"),
        settings={"experiment": choices.LAYER_NORM, "runs": asked},
        code=_code(asked),
        arrays=lambda: arrays,
        figures=lambda: {} if made is None else {_("Loss"): made},
    )


def _code(asked: Sequence[Mapping[str, Any]]) -> str:
    """Return Python that trains the runs again, with what they have in common said once."""
    first = asked[0] if asked else {}
    shared = {name: value for name, value in first.items() if all(settings.get(name) == value for settings in asked)}
    rows = [{name: value for name, value in settings.items() if name not in shared} for settings in asked]
    return (
        "from vitviz.labs.layer_norm import train\n\n"
        f"shared = {shared!r}\n"
        "for own in (\n" + "".join(f"    {row!r},\n" for row in rows) + "):\n"
        "    run = train(**shared, **own)\n"
        "    print(own, run.losses[-10:].mean(), run.accuracy)\n"
        "run.figure()\n"
    )
