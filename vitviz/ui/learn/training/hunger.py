"""Training, hunger for data: how many pictures does a Vision Transformer need, and how many a CNN?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.labs.digits.data_hunger import NETWORKS, SIZES, DataHunger, data_hunger
from vitviz.labs.digits.networks import digit_convnet, digit_vit, weights_of
from vitviz.labs.digits.results import shipped_hunger
from vitviz.numbers import Signed
from vitviz.pictures.networks import hunger
from vitviz.ui.choices import training as choices
from vitviz.ui.furniture import guessing, lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.lesson import Result
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.learn.training import digit_row, guesses, own_run
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap
from vitviz.ui.work import controls

_KNOBS = ("sizes", "seeds", "steps", "shifts")


def draw(_scene: Scene) -> Result | None:
    """Draw the experiment."""
    lesson.question(
        _("Who needs how much data?"),
        _(
            "A small Vision Transformer and a small CNN learn to read digits from ever more pictures, with the same "
            "number of updates. A CNN is built to look at neighbours first; a transformer has to learn that."
        ),
    )
    if not guessing.guided(guesses.hunger(shipped_hunger()), figure=digit_row.figure):
        return None
    settings = _settings()
    key = (choices.HUNGER, *settings.values())
    knobs, result = st.columns([1, 3], gap="large")
    with knobs:
        _knobs()
        own_run.train(choices.HUNGER, key, data_hunger, settings, seconds=_cost(settings))
    with result:
        controls.progress(choices.HUNGER, _live)
        view = own_run.latest(choices.HUNGER, key)
        kept = view is not None and view.result is not None
        shown: DataHunger = view.result if view is not None and kept else shipped_hunger()
        if view is None or not view.active:
            same = all(getattr(shown, name) == value for name, value in settings.items())
            own_run.note(choices.HUNGER, key, view, same=same)
            _results(shown, behind=shipped_hunger() if kept else None)
    _words()
    return _result(shown)


def sizes_of(largest: int) -> tuple[int, ...]:
    """Return the sizes of the training sets up to the largest."""
    return tuple(size for size in SIZES if size <= largest)


def _settings() -> dict[str, Any]:
    return {
        "sizes": sizes_of(int(link.get(choices.HUNGER_LARGEST))),
        "seeds": link.get(choices.HUNGER_SEEDS),
        "steps": link.get(choices.HUNGER_STEPS),
        "shifts": link.get(choices.HUNGER_SHIFTS),
    }


def _cost(settings: Mapping[str, Any]) -> float:
    shipped = shipped_hunger()
    per_step = shipped.seconds / (shipped.seeds * shipped.steps * len(shipped.sizes))
    return float(per_step * settings["seeds"] * settings["steps"] * len(settings["sizes"]))


def _knobs() -> None:
    st.select_slider(
        _("Largest training set"),
        [str(size) for size in choices.LARGEST_SETS],
        help=_("The sizes are {sizes}, up to this one.").format(sizes=", ".join(map(str, SIZES))),
        **link.widget(choices.HUNGER_LARGEST),
    )
    st.slider(
        _("Updates of each network"),
        choices.FEWEST_STEPS,
        choices.MOST_STEPS,
        step=20,
        help=_("The same for every size: a small training set is seen more often."),
        **link.widget(choices.HUNGER_STEPS),
    )
    more = lesson.more()
    more.slider(_("Runs with other seeds"), 1, choices.MOST_SEEDS, **link.widget(choices.HUNGER_SEEDS))
    more.toggle(
        _("Random shifts"),
        help=_("By up to one pixel: tells the transformer what the CNN has built in."),
        **link.widget(choices.HUNGER_SHIFTS),
    )


def _live(view: JobView) -> None:
    made = accuracy_figure(view.result, behind=shipped_hunger())
    if made is not None:
        chart(made, key="hunger_live")


def _results(shown: DataHunger, behind: DataHunger | None) -> None:
    made = accuracy_figure(shown, behind)
    if made is None:
        return
    chart(made, key="hunger_accuracy")
    st.caption(_sentence(shown))


def accuracy_figure(shown: DataHunger | None, behind: DataHunger | None = None) -> go.Figure | None:
    """Return held-out accuracy against the size of the training set, or None before anything is finished.

    ``behind`` are earlier runs, drawn pale behind those of now.
    """
    runs = [result for result in (behind, shown) if result is not None]
    if all(np.isnan(result.accuracies(name)).all() for result in runs for name in NETWORKS):
        return None
    guess = guessing.drawn(guesses.hunger_curve(shipped_hunger()))
    return hunger(shown, behind=behind, extra=guess, say=_).figure()


def _sentence(shown: DataHunger) -> str:
    """Return what the curves say: the gap at each end, in percentage points."""
    told = (
        _("One run, so no spread is known.")
        if shown.seeds == 1
        else _("Mean over {runs} runs with other seeds; the band is one standard deviation.").format(runs=shown.seeds)
    )
    told += gap() + _("The networks have {vit:,} and {convnet:,} weights.").format(
        vit=weights_of(digit_vit(seed=0)), convnet=weights_of(digit_convnet(seed=0))
    )
    if not shown.complete:
        return told
    gaps = (shown.accuracies("convnet") - shown.accuracies("vit")).mean(-1) * 100
    return (
        told
        + " "
        + _(
            "The CNN is ahead by {first:.1f} percentage points with {fewest} digits and by {last:.1f} with {most}."
        ).format(first=Signed(gaps[0]), fewest=shown.sizes[0], last=Signed(gaps[-1]), most=shown.sizes[-1])
    )


def _words() -> None:
    lesson.formula(
        r"\Delta(n) = a_{CNN}(n) - a_{ViT}(n)",
        {
            r"\Delta": _("gap"),
            "a": _("share of held-out digits recognised"),
            "n": _("pictures in the training set"),
        },
    )
    lesson.try_next(
        [
            _("Double the updates: how much of the gap was time, and how much was data?"),
            _("Shift the pictures at random: a little of the CNN's built-in knowledge, told by examples."),
            (_("Learn from the CNN instead"), "training", {"training": choices.DISTILLATION}),
            (_("What is built in, and what has to be learned?"), "anatomy", {"anatomy": "shift"}),
        ]
    )
    lesson.caveat(
        _(
            "Digits are small and centred, and the networks too: the place where the curves meet is not that of "
            "photographs. Dosovitskiy et al. 2021 (figures 3 and 4) see the crossing between 1.3 and 300 million "
            "photos; strong augmentation (DeiT) moves it. In the shipped runs the transformer fits its own "
            "pictures at least as well as the CNN: what it lacks is not training but what carries over to new ones."
        )
    )


def _result(shown: DataHunger) -> Result:
    """Return what is shown, with the settings that made it: the knobs may have moved on since."""
    settings = {name: getattr(shown, name) for name in (*_KNOBS, "learning_rate")}
    arrays: dict[str, NDArray[Any]] = {"sizes": np.array(shown.sizes)}
    arrays |= {f"accuracy_{name}": shown.accuracies(name) for name in NETWORKS}
    made = accuracy_figure(shown)
    options = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    code = (
        "from vitviz.labs.digits.data_hunger import data_hunger\n\n"
        f"result = data_hunger({options})\n"
        'print(result.accuracies("vit").mean(-1), result.accuracies("convnet").mean(-1))\n'
        "result.figure()\n"
    )
    return Result(
        page="training",
        title=_("Who needs how much data?"),
        settings={"experiment": choices.HUNGER, "complete": shown.complete, **settings},
        code=code,
        arrays=lambda: arrays,
        figures=lambda: {} if made is None else {_("Accuracy and data"): made},
    )
