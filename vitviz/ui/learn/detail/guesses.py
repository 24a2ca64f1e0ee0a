"""What a reader of Patches and detail guesses first, and the steps through its experiments."""

from __future__ import annotations

from vitviz.ui.furniture.guess import OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.text import _


def smallest_object() -> Guidance:
    """Return the way through the smallest object that a token sees."""
    guess = OptionGuess(
        question=_(
            "The patch becomes four times as wide and high. How large is now the smallest object that its token sees?"
        ),
        options=(
            _("As large as before: the object has the same pixels."),
            _("Twice as wide and high: the mean dilutes it sixteenfold, but its noise falls fourfold too."),
            _("Four times as wide and high: the object must fill the same share of the patch."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Double the patch until the object vanishes, then enlarge the object until it is seen again."),
        see=_("Four times the patch needs twice the object: on logarithmic axes a line of slope ½."),
        conclude=_("A patch that averages hides small things, and the more so the larger it is."),
    )


def patch_size() -> Guidance:
    """Return the way through other patch sizes of the loaded model."""
    guess = OptionGuess(
        question=_("The patches become half as wide and high. How much more work is one picture?"),
        options=(
            _("Twice as much: the patches are half as large."),
            _("Four times as much: there are four times the tokens, and each costs what it did."),
            _("More than four times: there are four times the tokens, and attention grows with their square."),
        ),
        right=2,
    )
    return Guidance(
        guess=guess,
        do=_("Run the model at half, at once and at twice its own patch size."),
        see=_("Tokens follow HW/p²; operations grow faster; the answer drifts away from the model's own patch."),
        conclude=_("Detail is paid for in tokens; a model sees it only at patch sizes that it was trained at."),
    )
