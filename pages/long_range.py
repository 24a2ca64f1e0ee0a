"""Long range: two tasks that need evidence from distant places, and which trained networks can do them."""

from __future__ import annotations

import streamlit as st

from vitviz.ui import lesson
from vitviz.ui.learn import long_range, long_range_counter, long_range_results, long_range_take, long_range_verdicts
from vitviz.ui.text import _

task = lesson.experiment(
    "range_task", {"counting": _("Counting objects of two halves"), "occluder": _("Two sides of an occluder")}
)
lesson.question(*long_range_take.question(task))
situation = long_range.current()
left, right = st.columns([11, 9], gap="large")
with left:
    long_range_verdicts.board(situation)
    long_range.knobs(situation)
with right:
    long_range_verdicts.verdicts(situation)
    long_range_verdicts.head_choice(situation)
long_range_results.draw(situation)
counted = long_range_counter.draw(situation)
lesson.caveat(long_range_take.caveat(situation))
lesson.try_next(long_range_take.next_steps(task))
lesson.footer(long_range_take.result(situation, counted))
