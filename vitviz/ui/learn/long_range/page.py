"""The Long range page of one task, from its question to what can be taken away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from vitviz.ui.choices.long_range import TASK
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.learn.long_range import board, counter, guesses, results, take_away, verdicts
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def draw(_scene: Scene) -> lesson.Result | None:
    """Draw the task that the link names; its networks are trained for it, so the reader's model has no part in it."""
    task = link.get(TASK)
    lesson.question(*take_away.question(task))
    situation = board.current()
    guidance = replace(
        guesses.guidance(situation.results),
        figure=partial(sheet_figures.picture, situation.look.picture, _("The board")),
    )
    left, right = st.columns([11, 9], gap="large")
    with right:
        shown = guessing.asked(guidance)
    with left:
        verdicts.board(situation, shown=shown)
        board.knobs(situation)
    if not shown:
        return None
    with right:
        verdicts.verdicts(situation)
        verdicts.head_choice(situation)
    guessing.steps(guidance)
    results.draw(situation)
    counted = counter.draw(situation)
    lesson.try_next(take_away.next_steps(task))
    lesson.caveat(take_away.caveat(situation))
    return take_away.result(situation, counted)
