"""The experiments of the Training page."""

from __future__ import annotations

from vitviz.ui.choices import training as choices
from vitviz.ui.furniture.lesson import Lesson, Section
from vitviz.ui.learn.training import distillation, hunger, input_size, layer_norm, scaling
from vitviz.ui.text import N_

LESSON = Lesson(
    choices.EXPERIMENT,
    (
        Section(choices.DISTILLATION, N_("Distillation"), distillation.draw),
        Section(choices.LAYER_NORM, N_("Pre-LN or Post-LN"), layer_norm.draw),
        Section(choices.HUNGER, N_("Hunger for data"), hunger.draw),
        Section(choices.SCALING, N_("Scaling laws"), scaling.draw),
        Section(choices.SIZES, N_("Input size"), input_size.draw),
    ),
)
