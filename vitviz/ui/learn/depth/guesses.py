"""What a reader of the Depth page guesses first, and the steps through its experiments."""

from __future__ import annotations

from vitviz.labs.stream_growth import geometric
from vitviz.ui.furniture.guess import NumberGuess, OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.text import _, ngettext


def residual() -> Guidance:
    """Return the way through the residual path as a filter."""
    guess = OptionGuess(
        question=_("A weak branch points towards the neighbours' mean. What is left after many such blocks?"),
        options=(
            _("Fine detail: the branch holds nothing else, and adding it makes detail stronger."),
            _("Coarse structure: adding the branch takes a part of the detail away in every block."),
            _("Everything alike: the residual path hands on what it gets."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Raise α slowly, past 1/λ_max and then past 2/λ_max."),
        see=_("The fast wave shrinks first; then it changes its sign with every block; then it grows."),
        conclude=_(
            "A weak branch that points against detail makes the block a low-pass filter; a strong one does not."
        ),
    )


def layer_norm(growth: float, depth: int) -> Guidance:
    """Return the way through the place of the LayerNorm; the guess is about the simple model of the knobs."""
    guess = NumberGuess(
        question=ngettext(
            "Every branch is {growth:g} times as long as its input and points the same way. How many times as long as "
            "at the start is the stream after {count} block?",
            "Every branch is {growth:g} times as long as its input and points the same way. How many times as long as "
            "at the start is the stream after {count} blocks?",
            depth,
        ).format(growth=growth, count=depth),
        truth=float(geometric(1, growth, depth)[-1]),
        within=0.25,
        unit=_("times"),
        about=(growth, depth),
    )
    return Guidance(
        guess=guess,
        do=_("Go from 6 to 24 to 96 layers."),
        see=_(
            "Without LayerNorm the stream leaves the chart. Pre-LN's last gradient halves each time, Post-LN's does "
            "not."
        ),
        conclude=_("The place of the LayerNorm decides which gradient each layer gets, and so the rate it can bear."),
    )
