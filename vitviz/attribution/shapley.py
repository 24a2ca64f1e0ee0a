"""KernelSHAP: Shapley values as a weighted least-squares fit to the scores of coalitions."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.errors import OptionError


def coalitions(players: int, count: int, generator: torch.Generator) -> Tensor:
    """Return random coalitions, (coalition, player) of bool, each followed by its complement.

    Sizes from 1 to players − 1 are drawn with the weight of the Shapley kernel, (n − 1) / (s (n − s)) for a size s.
    Raises OptionError for fewer than two players, among whom nothing is to be shared.
    """
    if players < 2:
        raise OptionError(
            f"The picture has {players} patch; wanted at least 2 to share a score among. Use a larger picture."
        )
    sizes = torch.arange(1, players)
    weights = (players - 1) / (sizes * (players - sizes))
    pairs = (count + 1) // 2
    drawn = sizes[torch.multinomial(weights, pairs, replacement=True, generator=generator)]
    order = torch.rand(pairs, players, generator=generator).argsort(1)  # a permutation a row
    shown = order < drawn[:, None]
    return torch.stack([shown, ~shown], 1).flatten(0, 1)[:count]


def shapley_values(shown: Tensor, scores: Tensor, none: float, whole: float, weights: Tensor | None = None) -> Tensor:
    """Return the values (player,) that fit the scores of coalitions best and add up to ``whole`` − ``none``.

    ``shown`` is (coalition, player) of bool, ``scores`` (coalition,) their scores; ``none`` and ``whole`` are the
    scores of nobody and of all. ``weights`` (coalition,) are those of the kernel, by default equal: coalitions that
    were drawn with the kernel's probability need no other. Where coalitions are fewer than players, the smallest
    values that fit are returned.
    """
    # All get the same at first; what is fitted is each one's distance from it, and distances add up to 0. To add the
    # same to all leaves ``left`` as it is, so the smallest solution has no part of it: the sum holds, and no player is
    # treated other than the rest.
    play = shown.double()
    players, change = play.shape[1], whole - none
    share = play.mean(1)  # of the players who are in a coalition
    left = play - share[:, None]
    right = scores.double() - none - share * change
    if weights is not None:
        root = weights.double().sqrt()
        left, right = left * root[:, None], right * root
    apart: Tensor = torch.linalg.pinv(left) @ right
    return (change / players + apart - apart.mean()).float()  # the mean is rounding
