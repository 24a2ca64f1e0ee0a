"""The Training page: its experiments, one at a time."""

from __future__ import annotations

from vitviz.ui.choices import training as choices
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.training import distillation, hunger, input_size, layer_norm
from vitviz.ui.text import _


def draw() -> None:
    """Draw the choice of the experiment, and the experiment."""
    drawers = {
        choices.DISTILLATION: distillation.draw,
        choices.LAYER_NORM: layer_norm.draw,
        choices.HUNGER: hunger.draw,
        choices.SIZES: input_size.draw,
    }
    chosen = lesson.experiment(
        choices.EXPERIMENT,
        {
            choices.DISTILLATION: _("Distillation"),
            choices.LAYER_NORM: _("Pre-LN or Post-LN"),
            choices.HUNGER: _("Hunger for data"),
            choices.SIZES: _("Input size"),
        },
    )
    drawers[chosen]()
