"""Effective receptive fields by attention: how far a row of the rollout spreads over the patches."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.attention.rollout import rollout, rollout_row
from vitviz.errors import OptionError, check_index
from vitviz.grid import PatchGrid
from vitviz.record import Result
from vitviz.trace.trace import Trace

MEAN, CENTRE = "mean", "centre"


@dataclass(frozen=True, eq=False)
class AttentionField(Result):
    """Where one token's rollout lies, and how widely.

    >>> field = vitviz.attention_field(trace, layer=3)
    >>> field.values.shape, 0 < field.area_50 <= 0.5
    ((16, 16), True)
    """

    layer: int
    """The last layer of the rollout."""
    token: str
    """The token whose row it is."""
    values: NDArray[np.float32]
    """(rows, columns): the share of each patch among all patches; sums to 1."""
    special_share: float
    """What the row gives to prefix tokens, which have no place; left out of ``values``."""
    mean_distance: float
    """Mean distance from the token's own patch in patches; NaN for a token without a place."""
    area_50: float
    """Share of the patches that hold half of the mass, largest first, in (0, 1]."""
    area_90: float
    """Share of the patches that hold 90% of it."""
    effective_patches: float
    """exp(entropy): the number of patches that an even row of this entropy would be spread over."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under the map; None where it is not known."""


@checked
def attention_field(
    trace: Trace,
    *,
    token: str | int = CENTRE,
    layer: int | None = None,
    head_fusion: str = "mean",
    residual: float = 0.5,
) -> AttentionField:
    """Return how a token's row of the attention rollout up to a layer spreads over the patches.

    ``token`` is "centre", the number of a patch, a prefix token's name, or "mean" (the mean row of all patches);
    ``layer`` defaults to the last. ``head_fusion`` and ``residual`` are those of ``rollout`` (Abnar & Zuidema 2020).
    It says how attention mixes tokens, not what the blocks between do with them: compare ``receptive_field``.
    Raises OptionError for a layer or token that the model has not.

    >>> vitviz.attention_field(trace, token="class").values.shape  # (rows, columns)
    (16, 16)
    """
    grid = trace.grid
    last = trace.layers - 1 if layer is None else check_index("Layer", layer, trace.layers)
    if token == CENTRE:
        token = grid.rows // 2 * grid.columns + grid.columns // 2
    if token == MEAN:
        whole = rollout(trace, head_fusion=head_fusion, residual=residual, end_layer=last)
        spread = field_of_row(whole[len(grid.prefix) :].mean(0), grid, MEAN, layer=last)
        return replace(spread, picture=trace.picture)
    index = grid.token(token)
    row = rollout_row(trace, index, head_fusion=head_fusion, residual=residual, end_layer=last)
    return replace(field_of_row(row, grid, token, layer=last), picture=trace.picture)


def field_of_row(row: torch.Tensor, grid: PatchGrid, token: str | int, *, layer: int = 0) -> AttentionField:
    """Return the spread of one row of attention or rollout, (key,), over the patches of a grid.

    Raises OptionError if the row gives nothing to any patch.
    """
    weights = grid.to_map(row.detach().cpu().double().numpy())  # (rows, columns)
    total = float(weights.sum())
    if not total > 0:
        raise OptionError(
            "The row of token {token} gives nothing to any patch; wanted some. Choose another.",
            token=token,
        )
    share = weights / total
    flat = share.ravel()
    entropy = -float((flat[flat > 0] * np.log(flat[flat > 0])).sum())
    held = np.cumsum(np.sort(flat)[::-1])
    area = [int(np.searchsorted(held, part - 1e-6) + 1) / flat.size for part in (0.5, 0.9)]
    distance = math.nan
    if str(token).isdecimal():
        distance = float(grid.distances()[int(token)] @ flat)
    special = 1 - total / float(row.sum())
    return AttentionField(
        layer, str(token), share.astype(np.float32), special, distance, area[0], area[1], math.exp(entropy)
    )
