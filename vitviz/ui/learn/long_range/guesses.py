"""What a reader of the Long range page guesses first, and the steps through its tasks."""

from __future__ import annotations

from vitviz.labs.long_range.results import TaskResult
from vitviz.numbers import percent
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture.guess import CurveGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.text import _


def accuracy_curve(measured: TaskResult) -> CurveGuess:
    """Return the guess at the accuracy of the CNN with the small field."""
    network = measured.networks["limited"]
    question = _(
        "A CNN whose units see {field} pixels answers; it has practised all distances that its field holds. Guessing "
        "is right in {chance}. Draw how often it is right, against the distance of the two parts."
    )
    return CurveGuess(
        question=question.format(field=network.field, chance=percent(measured.chance)),
        axes=SketchAxes(
            places=[float(pixels) for pixels in measured.pixels],
            x_title=_("Distance (pixels)"),
            y_title=_("Accuracy on new pictures"),
            low=0.0,
            high=1.0,
            percent=True,
        ),
        truth=[float(share) for share in network.mean],
        about=measured.task,
    )


def guidance(measured: TaskResult) -> Guidance:
    """Return the way through a task."""
    counting = measured.task == "counting"
    return Guidance(
        guess=accuracy_curve(measured),
        do=_("Drag one half away from its partner, cell by cell.")
        if counting
        else _("Drag one bar away from the other, cell by cell."),
        see=_("The verdicts follow while you drag: the small field loses the answer where no window holds both parts."),
        conclude=_("What no window holds together, no sum over windows can compare; attention links any two places."),
    )
