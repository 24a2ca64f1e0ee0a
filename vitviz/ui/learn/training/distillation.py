"""Training, distillation: does a Vision Transformer learn more from a CNN's answers than from the labels alone?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch
from numpy.typing import NDArray

from vitviz.labs.digits.distillation import limit_gap
from vitviz.labs.digits.distillation_runs import NAMES, Distillation, distil
from vitviz.labs.digits.distillation_search import best, shipped_search
from vitviz.labs.digits.results import shipped_distillation
from vitviz.ui.choices import training as choices
from vitviz.ui.choices.choice import Choice
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.learn.training import digit_row, guesses, own_run, tokens
from vitviz.ui.learn.training.distillation_figures import (
    TEMPERATURES,
    accuracies,
    curves,
    limit_curve,
    search_table,
    sentence,
    verdict,
)
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import controls

KNOBS: dict[str, Choice[Any]] = {
    "size": choices.DISTIL_SIZE,
    "seeds": choices.DISTIL_SEEDS,
    "steps": choices.DISTIL_STEPS,
    "alpha": choices.DISTIL_ALPHA,
    "temperature": choices.DISTIL_TEMPERATURE,
    "shifts": choices.DISTIL_SHIFTS,
}


def draw(_scene: Scene) -> Result | None:
    """Draw the experiment."""
    lesson.question(
        _("Can a network teach another one?"),
        _(
            "A CNN learns to read digits. Three small Vision Transformers learn from the same pictures: one from the "
            "labels alone, one also from the CNN's probabilities, one from its decisions through a token of its own."
        ),
    )
    if not guessing.guided(guesses.distillation(shipped_distillation()), figure=digit_row.figure):
        return None
    settings = _settings()
    key = (choices.DISTILLATION, *settings.values())
    knobs, result = st.columns([1, 3], gap="large")
    with knobs:
        _knobs()
        own_run.train(choices.DISTILLATION, key, distil, settings, seconds=_cost(settings))
    with result:
        controls.progress(choices.DISTILLATION, _live)
        view = own_run.latest(choices.DISTILLATION, key)
        kept = view is not None and view.result is not None
        shown: Distillation = view.result if view is not None and kept else shipped_distillation()
        if view is None or not view.active:
            same = all(getattr(shown, name) == value for name, value in settings.items())
            own_run.note(choices.DISTILLATION, key, view, same=same)
            _results(shown, behind=shipped_distillation() if kept else None)
    if shown.attention is not None:
        tokens.draw(shown.attention)
    gaps = _formula()
    _words()
    return _result(shown, gaps)


def _settings() -> dict[str, Any]:
    return {name: link.get(choice) for name, choice in KNOBS.items()}


def _cost(settings: Mapping[str, Any]) -> float:
    """Return seconds from the shipped runs: they grow with updates and seeds."""
    shipped = shipped_distillation()
    per_step = shipped.seconds / (shipped.seeds * shipped.steps)
    return float(per_step * settings["seeds"] * settings["steps"])


def _knobs() -> None:
    st.slider(
        _("Digits to learn from"),
        10,
        1200,
        step=10,
        help=_("Of the teacher and of every student."),
        **link.widget(choices.DISTIL_SIZE),
    )
    st.slider(
        _("Weight of the teacher α"),
        0.0,
        1.0,
        step=0.05,
        help=_("0: the labels alone. 1: the teacher alone."),
        **link.widget(choices.DISTIL_ALPHA),
    )
    more = lesson.more()
    more.slider(
        _("Temperature T"),
        0.5,
        20.0,
        step=0.5,
        help=_("Softens the answers of teacher and student in Hinton's loss."),
        **link.widget(choices.DISTIL_TEMPERATURE),
    )
    more.slider(
        _("Updates of each network"),
        choices.FEWEST_STEPS,
        choices.MOST_STEPS,
        step=20,
        **link.widget(choices.DISTIL_STEPS),
    )
    more.slider(_("Runs with other seeds"), 1, choices.MOST_SEEDS, **link.widget(choices.DISTIL_SEEDS))
    more.toggle(
        _("Random shifts"),
        help=_(
            "By up to one pixel, anew each time: the teacher then answers for pictures that the training set does "
            "not have."
        ),
        **link.widget(choices.DISTIL_SHIFTS),
    )


def _live(view: JobView) -> None:
    chart(curves(view.result, behind=shipped_distillation()), key="distillation_live")


def _results(shown: Distillation, behind: Distillation | None) -> None:
    dots = accuracies(shown)
    if dots is not None:
        st.subheader(verdict(shown) or _("Accuracies"), anchor=False)
        chart(dots, key="distillation_accuracy")
        st.caption(sentence(shown))
    with st.expander(_("Curves"), key="distillation_curves_box"):
        chart(curves(shown, behind), key="distillation_curves")
    with st.expander(_("How α and T were chosen"), key="distillation_search_box"):
        _search()


def _search() -> None:
    """Draw what every setting of the search gained."""
    trials = shipped_search()
    st.table(search_table(trials))
    chosen = best(trials)
    st.caption(
        _(
            "Mean gain of Hinton's loss over the labels alone, in percentage points, over {seeds} other seeds, on "
            "digits of the pool that a run was not trained on: the held-out digits above had no part in the choice. "
            "The best, α = {alpha:g} and T = {temperature:g}, is what the shipped runs have."
        ).format(seeds=len(chosen.gains), alpha=chosen.alpha, temperature=chosen.temperature)
    )


def _formula() -> NDArray[np.float64]:
    lesson.formula(
        [
            r"L_{Hinton} = (1-\alpha)\,\mathrm{CE}(y, z_s) + \alpha\, T^2\, "
            r"\mathrm{KL}\big(\mathrm{softmax}(z_t/T)\,\|\,"
            r"\mathrm{softmax}(z_s/T)\big) ",
            r"L_{DeiT} = \tfrac12 \mathrm{CE}(z_{class}, y) + \tfrac12 "
            r"\mathrm{CE}(z_{dist}, \arg\max z_t)",
        ],
        {
            "z_s, z_t": _("logits of student and teacher"),
            "y": _("label"),
            "T": _("temperature"),
            r"\alpha": _("weight of the teacher"),
            "z_{class}, z_{dist}": _("logits of the class token and of the distillation token"),
        },
    )
    gaps = _gaps()
    with st.expander(_("Why the factor T²?"), key="distillation_limit"):
        st.markdown(
            _(
                "The gradient of the second term, before its weight α, is T·(p_s − p_t). "
                "For large T it tends to (z_s − z_t)/N, with N "
                "classes and logits of mean zero: distillation then matches logits, and the size of the gradient does "
                "not depend on T. The curve is the distance to that limit for logits drawn at random."
            )
        )
        chart(limit_curve(gaps), key="distillation_gap")
    return gaps


def _gaps() -> NDArray[np.float64]:
    """Return the distance of the gradient to its limit, for standard normal logits of ten classes times three."""
    student, teacher = 3 * torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    return np.array(limit_gap(student, teacher, list(TEMPERATURES)))


def _words() -> None:
    lesson.try_next(
        [
            _("Give the teacher no weight (α = 0): the second student must then be as good as the first."),
            _("Take fewer digits: is the teacher still worth learning from?"),
            (_("Who needs how much data?"), "training", {"training": choices.HUNGER}),
        ]
    )
    lesson.caveat(
        _(
            "A few hundred digits of 8 × 8 pixels and networks of 5,000 to 20,000 weights are no ImageNet: a gain "
            "whose interval holds zero is not shown, and not disproved. DeiT's gains come with long training, strong "
            "augmentation and a teacher that is better than the student by far."
        )
    )


def _result(shown: Distillation, gaps: NDArray[np.float64]) -> Result:
    """Return what is shown, with the settings that made it: the knobs may have moved on since."""
    settings = {name: getattr(shown, name) for name in (*KNOBS, "learning_rate")}
    dots = accuracies(shown)
    figures: dict[str, go.Figure] = {} if dots is None else {_("Accuracies"): dots}
    figures |= {_("Curves"): curves(shown), _("Distance to the limit"): limit_curve(gaps)}
    arrays: dict[str, NDArray[Any]] = {"temperatures": np.array(TEMPERATURES), "limit_gap": gaps}
    arrays |= {f"accuracy_{name}": shown.accuracies(name) for name in NAMES}
    arrays |= {"search_gains": np.array([trial.gains for trial in shipped_search()])}
    if shown.attention is not None:
        arrays |= {"token_attention": shown.attention.maps}
    options = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    code = (
        "from vitviz.labs.digits.distillation_runs import NAMES, distil\n\n"
        f"result = distil({options})\n"
        "for name in NAMES:\n    print(name, result.accuracies(name))\nresult.figure()\n"
    )
    return Result(
        page="training",
        title=" ".join(filter(None, (_("Can a network teach another one?"), verdict(shown)))),
        settings={"experiment": choices.DISTILLATION, "complete": shown.complete, **settings},
        code=code,
        arrays=lambda: arrays,
        figures=lambda: figures,
    )
