"""Long range: two tasks that need evidence from distant places, and which trained networks can do them."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.long_range import TASK
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.long_range import board, counter, results, take_away, verdicts
from vitviz.ui.text import _

task = lesson.experiment(
    TASK, {"counting": _("Counting objects of two halves"), "occluder": _("Two sides of an occluder")}
)
lesson.question(*take_away.question(task))
situation = board.current()
left, right = st.columns([11, 9], gap="large")
with left:
    verdicts.board(situation)
    board.knobs(situation)
with right:
    verdicts.verdicts(situation)
    verdicts.head_choice(situation)
results.draw(situation)
counted = counter.draw(situation)
lesson.caveat(take_away.caveat(situation))
lesson.try_next(take_away.next_steps(task))
lesson.footer(take_away.result(situation, counted))
