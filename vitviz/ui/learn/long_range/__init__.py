"""The tasks of the Long range page."""

from __future__ import annotations

from vitviz.ui.choices.long_range import TASK
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.long_range import page
from vitviz.ui.text import N_

LESSON = Lesson(
    TASK,
    (
        Section("occluder", N_("Two sides of an occluder"), page.draw),
        Section("counting", N_("Counting objects of two halves"), page.draw),
    ),
)
