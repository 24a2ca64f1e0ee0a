"""The input sizes on the Positions page: the same photo from 98 to 518 pixels, measured when asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from vitviz.analysis.input_sizes import SIZES, SizedAnswer, input_size_steps, rounded_size
from vitviz.numbers import percent
from vitviz.pictures.series import input_size_charts
from vitviz.progress import report as tell
from vitviz.ui.choices.positions import INPUT_SIZES
from vitviz.ui.furniture import tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept.jobs import Report
from vitviz.ui.reader.scene import MOST_TOKENS, Scene
from vitviz.ui.text import _
from vitviz.ui.words.class_names import class_name
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork

Answers = dict[int, SizedAnswer]
"""By the size that was asked for."""


def draw(scene: Scene) -> Answers:
    """Draw what was measured, and return it; of a measurement that goes on or was stopped, what it had until then."""
    st.subheader(_("What does the model say at other input sizes?"), anchor=False)
    key = ("input sizes", scene.model_key, scene.photo.digest)
    measured = controls.switch(
        LongWork(key, _work(scene, _so_far(key))),
        INPUT_SIZES,
        label=_("Measure from {low} to {high} pixels").format(low=SIZES[0], high=SIZES[-1]),
        help=_("One pass a size: a few seconds in all. The position vectors are interpolated."),
    )
    answers = measured or _so_far(key)
    if answers:
        _curves(answers)
        _table(scene, answers)
    return answers


def _so_far(key: Hashable) -> Answers:
    """Return what there is of a measurement that is not asked for now, goes on or was stopped."""
    view = long_work.own(key)
    answers: Answers | None = long_work.result(key) or (None if view is None else view.result)
    return answers or {}


def _work(scene: Scene, before: Answers) -> Callable[[Report], Answers]:
    """Return what measures the sizes that were not measured before."""
    vit, image, wanted = scene.vit, scene.photo.image, sizes(scene)
    missing = {rounded_size(vit, size): size for size in wanted if size not in before}

    def compute(report: Report) -> Answers:
        answers = before

        def told(done: int, total: int) -> bool:
            return report(done, total, answers)

        for answer in input_size_steps(vit, image, sizes=list(missing.values())):
            answers = dict(sorted({**answers, missing[answer.image_size]: answer}.items()))
            tell(told, len(answers), len(wanted))
        return answers

    return compute


def sizes(scene: Scene) -> list[int]:
    """Return the sizes that are measured: those of at least one patch, of no more tokens than the dashboard bears."""
    sides: dict[tuple[int, int], int] = {}
    for size in SIZES:
        if size < max(scene.vit.grid.patch_size):
            continue
        height, width = rounded_size(scene.vit, size)
        down, across = scene.vit.grid.patch_size
        if height // down * (width // across) <= MOST_TOKENS:
            sides.setdefault((height, width), size)
    return list(sides.values())


def _curves(answers: Answers) -> None:
    figures = input_size_charts(list(answers.values()), say=_)
    keys = ("size_cosine", "size_seconds")
    for column, figure, key in zip(st.columns(2, gap="medium"), figures, keys, strict=True):
        with column:
            chart(figure, key=key)


def _table(scene: Scene, answers: Answers) -> None:
    rows: dict[str, list[Any]] = {
        _("Input (px)"): [
            f"{answer.image_size[0]} × {answer.image_size[1]}" + (" *" if answer.native else "")
            for answer in answers.values()
        ],
        _("Tokens"): [answer.tokens for answer in answers.values()],
        _("Seconds"): [f"{answer.seconds:.2f}" for answer in answers.values()],
        _("Cosine"): [f"{answer.cosine:.3f}" for answer in answers.values()],
    }
    if scene.vit.has_classifier:
        rows[_("Answer")] = [
            f"{class_name(scene.vit, answer.top[0][0])} ({percent(answer.top[0][1])})" for answer in answers.values()
        ]
    tables.draw(rows, alt=_("One row an input size"))
    st.caption(
        _(
            "Cosine: of what the classifier reads, to the same at the model's own size (*). Seconds are of this "
            "machine while other readers use it too. A larger input shows the same objects in more patches, which "
            "the model was not trained on: more pixels are not always better."
        )
    )
