"""What a reader of the Training page guesses first, and the steps through its experiments."""

from __future__ import annotations

import numpy as np

from vitviz.labs.digits.data_hunger import DataHunger
from vitviz.labs.digits.distillation_runs import Distillation
from vitviz.labs.digits.scaling import DigitScaling
from vitviz.labs.layer_norm.runs import shipped_runs
from vitviz.numbers import Signed
from vitviz.ui.components.curve_sketch import SketchAxes
from vitviz.ui.furniture.guess import CurveGuess, OptionGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.text import _


def distillation(shown: Distillation) -> Guidance:
    """Return the way through distillation; the right answer is what the finished runs say."""
    low, high = shown.gain_interval("soft") if len(shown.gains("soft")) > 1 else (-np.inf, np.inf)
    guess = OptionGuess(
        question=_(
            "A student learns from the labels alone, another one also from the teacher's probabilities. Does the "
            "second read more digits that neither has seen?"
        ),
        options=(
            _("Yes, by more than the runs differ: probabilities say which mistakes are small."),
            _("The difference is within what the runs differ anyway: no gain is shown."),
            _("No, it reads fewer by more than the runs differ: the teacher's errors are learned too."),
        ),
        right=0 if low > 0 else 2 if high < 0 else 1,
        about=(shown.size, shown.seeds, shown.steps, shown.alpha, shown.temperature, shown.shifts),
    )
    return Guidance(
        guess=guess,
        do=_("Set α to 0, where the teacher says nothing; then change the digits and train again."),
        see=_("Every dot is one run; a gain counts where the interval of its mean lies above zero."),
        conclude=_("One run is an anecdote: compare a difference with what chance alone does."),
    )


def layer_norm() -> Guidance:
    """Return the way through the training of Pre-LN and Post-LN; the right answer is what the shipped runs say."""
    mean = {
        order: float(np.mean([run.accuracy for run in shipped_runs() if (run.order, run.warmup_steps) == (order, 0)]))
        for order in ("pre", "post")
    }
    guess = OptionGuess(
        question=_("Twelve blocks, one learning rate, no warm-up. Which network learns better?"),
        options=(
            _("Both alike: they have the same weights at the start."),
            _("Pre-LN: Post-LN's gradients near the output are too large for that rate."),
            _("Post-LN: its output is normalised after every block."),
        ),
        right=1 if mean["pre"] > mean["post"] else 2,
    )
    return Guidance(
        guess=guess,
        do=_("Give Post-LN a warm-up, then take 2 blocks instead of 12."),
        see=_("Without a warm-up Post-LN's loss stays high; with few blocks both learn."),
        conclude=_("Where the LayerNorm stands decides which learning rate a deep network bears at the start."),
    )


def hunger_curve(shown: DataHunger) -> CurveGuess:
    """Return the guess at the transformer's accuracy."""
    table = shown.accuracies("vit")
    kept = ~np.isnan(table).all(-1)
    return CurveGuess(
        question=_(
            "Draw the share of new digits that the Vision Transformer recognises, against the digits it learned from."
        ),
        axes=SketchAxes(
            places=[float(size) for size in np.array(shown.sizes)[kept]],
            x_title=_("Digits in the training set"),
            y_title=_("Held-out digits recognised"),
            low=0.0,
            high=1.0,
            log_places=True,
            percent=True,
        ),
        truth=np.nanmean(table[kept], axis=-1).tolist(),
        about=(shown.sizes, shown.seeds, shown.steps, shown.shifts),
    )


def hunger(shown: DataHunger) -> Guidance:
    """Return the way through the hunger for data."""
    return Guidance(
        guess=hunger_curve(shown),
        do=_("Double the updates, then shift the pictures at random."),
        see=_gap_words(shown),
        conclude=_("What a CNN has built in, a transformer has to learn from examples."),
    )


def _gap_words(shown: DataHunger) -> str:
    """Return how far the CNN is ahead: with the fewest digits, at most, and with the most digits."""
    gaps = (shown.accuracies("convnet") - shown.accuracies("vit")).mean(-1) * 100
    widest = int(np.nanargmax(gaps))
    return _(
        "The CNN is ahead by {first:.1f} percentage points with {fewest} digits, by {widest:.1f} with {place} and by "
        "{last:.1f} with {most}."
    ).format(
        first=Signed(gaps[0]),
        fewest=shown.sizes[0],
        widest=Signed(gaps[widest]),
        place=shown.sizes[widest],
        last=Signed(gaps[-1]),
        most=shown.sizes[-1],
    )


def scaling_curve(shown: DigitScaling, growing: str) -> CurveGuess:
    """Return the guess at the error against a size."""
    titles = {"data": _("Digits in the training set"), "width": _("Width"), "depth": _("Depth")}
    errors = shown.errors(growing).mean(-1)
    return CurveGuess(
        question=_("Draw the share of new digits that the network does not recognise, against the size that grows."),
        axes=SketchAxes(
            places=[float(value) for value in shown.values(growing)],
            x_title=titles[growing],
            y_title=_("Held-out digits not recognised"),
            low=0.0,
            high=float(np.ceil(errors.max() * 10) / 10),
            log_places=True,
            percent=True,
        ),
        truth=errors.tolist(),
        about=growing,
    )


def scaling(shown: DigitScaling, growing: str) -> Guidance:
    """Return the way through the scaling laws."""
    return Guidance(
        guess=scaling_curve(shown, growing),
        do=_("Let the digits grow, then the width, then the depth."),
        see=_("On two logarithmic axes a power law is a straight line; its slope is the exponent."),
        conclude=_("An exponent without its interval is a story: see whether the interval holds zero."),
    )


def input_size() -> Guidance:
    """Return the way through other input sizes."""
    guess = OptionGuess(
        question=_(
            "The picture has one column of patches more than the model knows, and its table of positions is read on "
            "as it stands (truncated). How many places get a wrong position?"
        ),
        options=(
            _("Only the new column: all others have the position that they had."),
            _("Nearly all below the first row: every row starts one entry further in the table than it should."),
            _("None: the model counts its patches anew."),
        ),
        right=1,
    )
    return Guidance(
        guess=guess,
        do=_("Choose one column more than the model has, then one row more."),
        see=_("Interpolated, the map is the old one, stretched. Truncated, it falls to pieces with one column more."),
        conclude=_("Positions are a picture of their own: they can be stretched, not read on."),
    )
