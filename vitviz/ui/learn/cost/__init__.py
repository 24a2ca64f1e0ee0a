"""The experiments of the Cost page."""

from __future__ import annotations

from vitviz.ui.choices.cost import EXPERIMENT
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.cost import compute, memory
from vitviz.ui.text import N_

LESSON = Lesson(
    EXPERIMENT,
    (
        Section("compute", N_("Computing"), compute.draw),
        Section("memory", N_("Memory"), memory.draw),
    ),
)
