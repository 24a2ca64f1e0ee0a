"""The experiments of the Depth page."""

from __future__ import annotations

from vitviz.ui.choices.depth import EXPERIMENT
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.depth import layer_norm, residual
from vitviz.ui.text import N_

LESSON = Lesson(
    EXPERIMENT,
    (
        Section("residual", N_("The residual path"), residual.draw),
        Section("layer_norm", N_("Before or after: LayerNorm"), layer_norm.draw),
    ),
)
