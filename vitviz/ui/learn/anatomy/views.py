"""The Anatomy page: its views, one at a time."""

from __future__ import annotations

from vitviz.ui.choices import anatomy as choices
from vitviz.ui.furniture import lesson
from vitviz.ui.learn.anatomy import gelu, parameters, reach, scaling, shift, steps
from vitviz.ui.text import _


def draw() -> None:
    """Draw the choice of the view, and the view."""
    drawers = {
        choices.STEPS: steps.draw,
        choices.PARAMETERS: parameters.draw,
        choices.GELU: gelu.draw,
        choices.SHIFT: shift.draw,
        choices.REACH: reach.draw,
        choices.SCALING: scaling.draw,
    }
    chosen = lesson.experiment(
        choices.EXPERIMENT,
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
