"""The views of the Anatomy page."""

from __future__ import annotations

from vitviz.ui.choices import anatomy as choices
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.anatomy import gelu, parameters, reach, scaling, shift, steps
from vitviz.ui.text import N_

LESSON = Lesson(
    choices.EXPERIMENT,
    (
        Section(choices.STEPS, N_("Step by step"), steps.draw),
        Section(choices.PARAMETERS, N_("Parameters"), parameters.draw),
        Section(choices.GELU, N_("GELU"), gelu.draw),
        Section(choices.SHIFT, N_("Built-in locality"), shift.draw),
        Section(choices.REACH, N_("Reach"), reach.draw),
        Section(choices.SCALING, N_("Scaling"), scaling.draw),
    ),
)
