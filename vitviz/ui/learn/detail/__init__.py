"""The experiments of the page about patches and detail."""

from __future__ import annotations

from vitviz.ui.choices.patches_and_detail import EXPERIMENT
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.detail import patch_sizes, smallest_object
from vitviz.ui.text import N_

LESSON = Lesson(
    EXPERIMENT,
    (
        Section("object", N_("The smallest object"), smallest_object.draw),
        Section("patch_size", N_("Other patch sizes"), patch_sizes.draw),
    ),
)
