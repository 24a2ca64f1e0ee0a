"""What a reader of the Cost page guesses first, and the steps through its experiments."""

from __future__ import annotations

from vitviz.labs.cost.compute import crossovers
from vitviz.labs.cost.memory import attention_storage
from vitviz.labs.cost.vit_shape import ViTShape
from vitviz.ui.furniture.guess import NumberGuess
from vitviz.ui.furniture.guessing import Guidance
from vitviz.ui.text import _


def compute(shape: ViTShape) -> Guidance:
    """Return the way through the multiply–accumulates of a block."""
    guess = NumberGuess(
        question=_(
            "A token has D = {width} channels. From how many tokens on does attention cost more than the four "
            "projections?"
        ).format(width=shape.width),
        truth=crossovers(shape.width, mlp_ratio=shape.mlp_ratio).projections,
        within=0.25,
        unit=_("tokens"),
        about=shape.width,
    )
    return Guidance(
        guess=guess,
        do=_("Double the image, and double it again."),
        see=_("The tokens grow fourfold each time, projections and MLP with them, attention sixteenfold."),
        conclude=_("Attention is quadratic, and still the smaller part until the tokens outnumber twice the channels."),
    )


def memory(shape: ViTShape) -> Guidance:
    """Return the way through the memory of attention maps."""
    storage = attention_storage(shape)
    guess = NumberGuess(
        question=_(
            "{tokens} tokens, heads of {channels:g} channels. How many times as much memory do all attention maps "
            "take as "
            "the queries and keys that they are computed from?"
        ).format(tokens=f"{shape.tokens:,}", channels=shape.head_width),
        truth=storage.ratio,
        within=0.25,
        unit=_("times"),
        about=(shape.tokens, shape.head_width),
    )
    return Guidance(
        guess=guess,
        do=_("Double the image, then double the heads at the same width."),
        see=_("The maps grow with the square of the tokens and with the heads; queries and keys only with the tokens."),
        conclude=_("Keep queries and keys, and compute a map again when it is looked at: memory for a little time."),
    )
