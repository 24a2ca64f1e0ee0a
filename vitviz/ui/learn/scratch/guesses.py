"""What a reader of Attention from scratch guesses first, and the steps through its experiments."""

from __future__ import annotations

import math

from vitviz.labs import smallest_position
from vitviz.labs import temperature as temperature_lab
from vitviz.labs.rollout_by_hand import RolloutSteps
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture.guess import CurveGuess, NumberGuess, OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.learn.scratch.temperature_example import Example
from vitviz.ui.text import _

_TEMPERATURES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_WEIGHTS = (-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0)


def head() -> Guidance:
    """Return the way through one head; the guess is about the numbers that the page begins with."""
    guess = OptionGuess(
        question=_(
            "Tokens 1, 3 and 4 are red, 2 and 5 blue. At first the head's queries and keys are made of the colour "
            "channels "
            "alone. Which tokens does token 1 take its output from?"
        ),
        options=(
            _("From itself alone: no key fits its query better than its own."),
            _("From the three red ones alike: their keys are the same, wherever they lie."),
            _("From its neighbours on the ring, 2 and 5: their places are nearest."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Step through the products, then change one number of W_Q or of a token."),
        see=_("Each score is one dot product; a row of A sums to 1; the output is a mean of values under that row."),
        conclude=_("A head compares by what its queries and keys keep of a token, and hands on what its values keep."),
    )


def several() -> Guidance:
    """Return the way through several heads; the guess is about the numbers that the page begins with."""
    guess = OptionGuess(
        question=_(
            "The second head's queries and keys are made of the place channels alone. How many tokens get most of the "
            "attention of token 1 in that head?"
        ),
        options=(
            _("All three red ones: the first head has found them already."),
            _("One neighbour on the ring: its query asks for one place, and one key lies there."),
            _("All five alike: places hold no content to compare."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Step to the second head's attention, then join the heads and project them."),
        see=_("One head groups by colour, the other asks for a place; O holds both side by side, W_O mixes them."),
        conclude=_("Heads are several questions at once, at the same number of weights."),
    )


def rollout(steps: RolloutSteps) -> Guidance:
    """Return the way through the rollout of two layers."""
    guess = NumberGuess(
        question=_(
            "Below, each token looks at itself and one neighbour; above, at itself and one token further away. The "
            "residual share is {residual:g}. How many of the four input tokens reach output token 1?"
        ).format(residual=steps.residual),
        truth=int((steps.rollout[0] > 0).sum()),
        within=0,
        unit=_("input tokens"),
        about=(str(steps.first.tolist()), str(steps.second.tolist()), steps.residual > 0),
    )
    return Guidance(
        guess=guess,
        do=_("Follow the paths of output token 1, then raise the residual share."),
        see=_("Each entry of R is a sum over the paths that lead from an input to an output; rows sum to 1."),
        conclude=_("Two narrow layers reach far together; the residual connection keeps each token near itself."),
    )


def temperature_curve(shown: Example) -> CurveGuess:
    """Return the guess at the entropy of the first token's attention."""
    scores = shown.tempered.scores
    return CurveGuess(
        question=_(
            "Token 1 looks at five tokens. Draw the entropy of its attention against the temperature: 0 is one token "
            "alone, {most:.2f} is all five alike."
        ).format(most=math.log(len(scores))),
        axes=SketchAxes(
            places=_TEMPERATURES,
            x_title=_("Temperature τ"),
            y_title=_("Entropy (nats)"),
            low=0.0,
            high=math.log(len(scores)),
            log_places=True,
        ),
        truth=temperature_lab.curve(scores, _TEMPERATURES).entropy[:, 0].tolist(),
        about=str(shown.rows),
    )


def temperature(shown: Example) -> Guidance:
    """Return the way through the temperature of attention."""
    return Guidance(
        guess=temperature_curve(shown),
        do=_("Move τ from its left end to its right end."),
        see=_("The shares go from the largest score alone to all alike, and the entropy never falls on the way."),
        conclude=_("The temperature chooses between picking and averaging; √d keeps attention between the two."),
    )


def places_curve() -> CurveGuess:
    """Return the guess at the output for A on the diagonal."""
    return CurveGuess(
        question=_(
            "The query likes the two places on the diagonal with the weight c, and A = +1 lies on them, B = −1 on the "
            "others. Draw the output against c."
        ),
        axes=SketchAxes(places=_WEIGHTS, x_title=_("Weight c"), y_title=_("Output"), low=-1.0, high=1.0),
        truth=[float(smallest_position.run(weight).outputs[0]) for weight in _WEIGHTS],
    )


def places() -> Guidance:
    """Return the way through the four patches."""
    return Guidance(
        guess=places_curve(),
        do=_("Set c to 0, then make it large, then negative."),
        see=_("At 0 all outputs are 0. A large c gives +1 for A on the diagonal, a negative one turns the signs."),
        conclude=_("Attention tells places apart only where positions are in its keys; contents alone look alike."),
    )


def order() -> Guidance:
    """Return the way through shuffled tokens."""
    guess = OptionGuess(
        question=_("All tokens are shuffled, and nothing tells them their place. What changes in the output?"),
        options=(
            _("Nothing: attention is invariant, so f(Px) = f(x)."),
            _("The outputs move with their tokens and keep their values: each is a sum over all tokens, in any order."),
            _("Every value: each token has other neighbours now."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Change the seed and the number of tokens; then shuffle the patches of the photo."),
        see=_("Without positions f(Px) − P f(x) is rounding alone, f(Px) − f(x) is not."),
        conclude=_(
            "Self-attention is equivariant, and what is read from the class token invariant. Positions break both."
        ),
    )


def encodings() -> Guidance:
    """Return the way through the kinds of positions."""
    guess = OptionGuess(
        question=_(
            "The sine–cosine formula in 1-D counts the patches row by row. Which two places does it make alike?"
        ),
        options=(
            _("A place and the one below it: they touch in the picture."),
            _("The end of a row and the start of the next: they follow each other in the count."),
            _("Two places of one column: they have the same column number."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Pin another patch on the Attention page, and change the channels here."),
        see=_("In 1-D the dark band runs along the row alone; in 2-D it is a cross: row and column both count."),
        conclude=_("An encoding decides which places are near each other before the model has learned anything."),
    )
