"""The Training page: its experiments, one at a time."""

from __future__ import annotations

from vitviz.ui import lesson
from vitviz.ui.choices import training as choices
from vitviz.ui.learn import training_distillation, training_hunger, training_input_size, training_layer_norm
from vitviz.ui.text import _


def draw() -> None:
    """Draw the choice of the experiment, and the experiment."""
    drawers = {
        choices.DISTILLATION: training_distillation.draw,
        choices.LAYER_NORM: training_layer_norm.draw,
        choices.HUNGER: training_hunger.draw,
        choices.SIZES: training_input_size.draw,
    }
    chosen = lesson.experiment(
        "training",
        {
            choices.DISTILLATION: _("Distillation"),
            choices.LAYER_NORM: _("Pre-LN or Post-LN"),
            choices.HUNGER: _("Hunger for data"),
            choices.SIZES: _("Input size"),
        },
    )
    drawers[chosen]()
