"""Kinds of heads over a data set: which look near, which look far, which look at special tokens."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.atlas.result import Atlas

HeadKind = Literal["local", "global", "sink", "between"]
KINDS: tuple[HeadKind, ...] = get_args(HeadKind)
NEAR = 0.5
"""A local head looks at most this part as far as looking everywhere alike does."""
FAR = 0.9
"""A global head looks at least this part as far."""
SINK = 0.25
"""Share of the patches' attention that a sink gives to special tokens and to patches of unusually large norm."""
SINKS = ("class_share", "register_share", "sink_share")


@checked
def head_kinds(atlas: Atlas) -> NDArray[np.str_]:
    """Return the kind of every head over the photos of an atlas, (layer, head); "" for heads that a layer has not.

    "sink": the patches give at least a quarter of their attention to special tokens and to patches of unusually large
    norm. Of the others "local" heads have a mean attention distance of at most half of that of looking everywhere
    alike, and "global" ones of at least nine tenths of it. The whole 95% interval of the mean lies there; all other
    heads, also those whose interval crosses a border, are "between".

    The borders are conventions, not findings. Distance: Dosovitskiy et al. 2021, figure 7; sinks: Darcet et al. 2024.

    >>> atlas = vitviz.atlas("photos", "results")
    >>> vitviz.head_kinds(atlas).shape  # (layer, head)
    (12, 6)
    """
    distance, shares = atlas.summary("distance"), [atlas.summary(name) for name in SINKS]
    uniform = float(atlas.layout.grid.distances().mean())
    share = np.nansum([summary.mean for summary in shares], 0)
    half = np.nansum([summary.half for summary in shares], 0)  # of a sum at most the sum
    low, high = _ends(distance.mean, distance.half)
    kinds = np.full(distance.mean.shape, "between", dtype="<U7")
    kinds[high <= NEAR * uniform] = "local"
    kinds[low >= FAR * uniform] = "global"
    kinds[share - half >= SINK] = "sink"
    for layer, heads in enumerate(atlas.layout.heads):
        kinds[layer, heads:] = ""
    return kinds


def _ends(mean: NDArray[np.float64], half: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the interval; of a single photo, which has none, the mean itself."""
    known = np.nan_to_num(half, nan=0.0)
    return mean - known, mean + known
