"""The Anatomy page: its views, one at a time."""

from __future__ import annotations

from vitviz.ui import lesson
from vitviz.ui.choices import anatomy as choices
from vitviz.ui.learn import (
    anatomy_gelu,
    anatomy_parameters,
    anatomy_reach,
    anatomy_scaling,
    anatomy_shift,
    anatomy_steps,
)
from vitviz.ui.text import _


def draw() -> None:
    """Draw the choice of the view, and the view."""
    drawers = {
        choices.STEPS: anatomy_steps.draw,
        choices.PARAMETERS: anatomy_parameters.draw,
        choices.GELU: anatomy_gelu.draw,
        choices.SHIFT: anatomy_shift.draw,
        choices.REACH: anatomy_reach.draw,
        choices.SCALING: anatomy_scaling.draw,
    }
    chosen = lesson.experiment(
        "anatomy",
        {
            choices.STEPS: _("Step by step"),
            choices.PARAMETERS: _("Parameters"),
            choices.GELU: _("GELU"),
            choices.SHIFT: _("Built-in locality"),
            choices.REACH: _("Reach"),
            choices.SCALING: _("Scaling"),
        },
    )
    drawers[chosen]()
