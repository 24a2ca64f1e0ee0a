"""Traces made by hand: a residual stream that is known, for what reads nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from vitviz.capture.edit import NO_EDIT
from vitviz.grid import PatchGrid
from vitviz.trace import Trace


def by_hand(grid: PatchGrid, patches: Sequence[Any], *, model: str = "hand", special: float = 0.0) -> Trace:
    """Return a trace with these patch tokens, (patch, channel) each, in its stream; the first enters block 0."""
    streams = []
    for each in patches:
        tokens = torch.as_tensor(np.asarray(each, np.float64), dtype=torch.float32)
        streams.append(torch.cat([torch.full((len(grid.prefix), tokens.shape[1]), special), tokens]))
    return Trace(
        model=model,
        grid=grid,
        pixels=torch.zeros(3, *grid.image_size),
        logits=None,
        embedding=torch.zeros(1),
        target=None,
        edit=NO_EDIT,
        seconds=0.0,
        calls=((),) * (len(streams) - 1),
        pool_calls=(),
        streams=tuple(streams),
    )
