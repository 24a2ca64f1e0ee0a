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
            "The picture has {players} patch; wanted at least 2 to share a score among. Use a larger picture.",
            players=players,
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
    left, right = _equations(shown, scores, none, whole)
    if weights is not None:
        root = weights.double().sqrt()
        left, right = left * root[:, None], right * root
    apart: Tensor = torch.linalg.pinv(left) @ right
    return ((whole - none) / shown.shape[1] + apart - apart.mean()).float()  # the mean is rounding


def standard_error(shown: Tensor, scores: Tensor, none: float, whole: float) -> float | None:
    """Return the standard error of ``shapley_values``, the root of its mean square over the players.

    Each of the coalitions is followed by its complement, as ``coalitions`` draws them. Their equations have opposite
    left sides, so the fit sees half the difference of their right sides alone; what it leaves of that counts as
    noise. None where the pairs are too few to leave anything.
    """
    pairs = len(shown) // 2
    left, right = _equations(shown[: 2 * pairs], scores[: 2 * pairs], none, whole)
    left, right = left[::2], (right[::2] - right[1::2]) / 2
    spare = pairs - (shown.shape[1] - 1)  # the values have one sum
    if spare <= 0:
        return None
    solver = torch.linalg.pinv(left)  # (player, pair)
    noise = (right - left @ (solver @ right)).square().sum() / spare
    return float((noise * solver.square().sum() / shown.shape[1]).sqrt())


def _equations(shown: Tensor, scores: Tensor, none: float, whole: float) -> tuple[Tensor, Tensor]:
    """Return both sides of the equations of some coalitions, (coalition, player) and (coalition,).

    All players get the same at first; what is fitted is each one's distance from it, and distances add up to 0. To add
    the same to all leaves the left side as it is, so the smallest solution has no part of it: the sum holds, and no
    player is treated other than the rest.
    """
    play = shown.double()
    share = play.mean(1)  # of the players who are in a coalition
    return play - share[:, None], scores.double() - none - share * (whole - none)
