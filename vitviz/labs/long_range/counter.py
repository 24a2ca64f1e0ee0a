"""Counting objects made of two halves: what local windows can add up, and what one layer of attention can.

A counter that looks at one window at a time counts every window that holds a half: K objects whose halves lie in
different windows give 2K, and K where both halves share a window. One attention layer compares all halves with each
other. Its scores are β for two halves of one identity (a half and itself included) and 0 otherwise; for a half whose
identity has m tokens among n,

    A_ii = e^β / (m e^β + n − m) = 1 / (m + (n − m) e^−β).

For β → ∞ that is 1/m, so **trace(A) is the number of distinct identities**, and n − trace(A) the number of complete
pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.record import Result

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AttentionCount(Result):
    """What one attention layer counts at one β."""

    beta: float
    """Score of two tokens with one identity, from 0 to infinity."""
    identities: tuple[int, ...]
    """Identity of each token."""
    attention: Matrix
    """(query, key): rows sum to 1."""
    distinct: int
    """The right answer: how many different identities there are."""

    @property
    def tokens(self) -> int:
        """Number of halves."""
        return len(self.identities)

    @property
    def trace(self) -> float:
        """Sum of what each token gives to itself: the layer's count of distinct identities."""
        return float(np.trace(self.attention))

    @property
    def pairs(self) -> float:
        """The count of complete pairs, n − trace(A), where no identity has more than two tokens."""
        return self.tokens - self.trace

    @property
    def complete(self) -> int:
        """The right answer: n − distinct identities, which is the number of complete pairs."""
        return self.tokens - self.distinct

    @property
    def error(self) -> float:
        """The trace minus the distinct identities: never positive, 0 for β → ∞."""
        return self.trace - self.distinct


def count(identities: Sequence[int], beta: float) -> AttentionCount:
    """Return what one attention layer counts among tokens with the given identities.

    ``beta`` may be ``math.inf``, which gives the exact limit: attention is shared among the tokens of one identity.
    Raises OptionError for no tokens, or a negative or undefined β.
    """
    if not identities:
        raise OptionError("There are no tokens to count; wanted at least one identity.")
    if not beta >= 0:
        raise OptionError(
            "β is {beta}; wanted a number from 0, or infinity. 0 compares nothing.",
            beta=beta,
        )
    ids = np.asarray(identities)
    same = ids[:, None] == ids  # (query, key)
    weight = same + ~same * math.exp(-beta)  # e^(score − β), so that nothing overflows
    attention: Matrix = weight / weight.sum(-1, keepdims=True)
    return AttentionCount(beta, tuple(identities), attention, len(set(identities)))


def own_weight(same: int, tokens: int, beta: float) -> float:
    """Return A_ii = 1 / (m + (n − m) e^−β) for a token with m of n tokens of its identity, itself included.

    Raises OptionError unless 1 ≤ m ≤ n and β ≥ 0.
    """
    if not 1 <= same <= tokens or not beta >= 0:
        raise OptionError(
            "m = {same} of n = {tokens} tokens at β = {beta}; wanted 1 ≤ m ≤ n and β from 0. Count the token itself.",
            same=same,
            tokens=tokens,
            beta=beta,
        )
    return 1 / (same + (tokens - same) * math.exp(-beta))


def local_count(first: Sequence[float], second: Sequence[float], window: float) -> int:
    """Return what a counter of windows finds for objects whose halves lie at the given places along a line.

    Windows of width ``window`` tile the line from 0. Each window that holds halves of an object counts that object
    once: both halves in one window give 1, in two windows 2. So K objects give between K and 2K.
    Raises OptionError for a window without width, or lists of different lengths.
    """
    if not window > 0 or len(first) != len(second):
        raise OptionError(
            "{count} first and {others} second halves in windows of width {window}; wanted as many of "
            "the one as of the other, and a width above 0. Give two places for each object.",
            count=len(first),
            others=len(second),
            window=window,
        )
    return sum(
        len({math.floor(place / window), math.floor(other / window)})
        for place, other in zip(first, second, strict=True)
    )
