"""How far weights and features favour neighbours: attention against kernels, feature maps by distance.

A convolution gives all of its weight to the places under its kernel, before any training. Attention could give it to
any place; where it prefers neighbours, it has learned to (Dosovitskiy et al. 2021, figure 7; d'Ascoli et al. 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitviz.analysis.convnet import ConvNet
from vitviz.errors import GridError, UnsupportedModelError
from vitviz.record import Record
from vitviz.trace import Trace

_LINE = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spread(Record):
    """A quantity against the distance of two places."""

    distances: _LINE
    """(distance,) in places: patches of a ViT, places of a layer of a CNN."""
    values: _LINE
    """(distance,)."""


def attention_within(trace: Trace, layer: int) -> Spread:
    """Return the share of attention between patches that stays within a distance: mean of heads and patch queries.

    Special tokens are left out and rows made to sum to 1. Raises OptionError for a layer that does not exist.

    >>> from vitviz.labs.locality import attention_within
    >>> attention_within(trace, 0).values[-1].round(6).item()
    1.0
    """
    prefix = len(trace.grid.prefix)
    between = trace.attention(layer)[:, prefix:, prefix:].mean(0).double().cpu()  # (patch, patch)
    weights = (between / between.sum(-1, keepdim=True)).numpy()
    return _within(trace.grid.distances(), weights / len(weights))


def uniform_within(trace: Trace) -> Spread:
    """Return the same for attention that is equal everywhere."""
    patches = trace.grid.patches
    return _within(trace.grid.distances(), np.full((patches, patches), 1 / patches**2))


def kernels_within(net: ConvNet) -> Spread:
    """Return the share of a CNN's kernel weights, in absolute size, that stays within a distance: mean of its layers.

    Layers of 1 × 1 kernels mix no places and are left out. Raises UnsupportedModelError where there are no others.
    """
    layers = [module for part in net.chain for module in part.modules() if isinstance(module, nn.Conv2d)]
    kernels = [layer.weight.detach().abs().sum((0, 1)).double().cpu().numpy() for layer in layers]  # (row, column) each
    kernels = [kernel / kernel.sum() for kernel in kernels if kernel.size > 1]
    if not kernels:
        raise UnsupportedModelError(
            "{name} has no kernel larger than 1 × 1, so no layer of it mixes places.",
            name=net.name,
        )
    offsets = [_offsets(kernel) for kernel in kernels]
    return _within(
        np.concatenate([offset.ravel() for offset in offsets]),
        np.concatenate([kernel.ravel() for kernel in kernels]) / len(kernels),
    )


def _offsets(kernel: _LINE) -> _LINE:
    """Return how far every weight of a kernel lies from its middle."""
    row, column = (np.arange(size) - (size - 1) / 2 for size in kernel.shape)
    offsets: _LINE = np.hypot(row[:, None], column)
    return offsets


def _within(distances: _LINE, weights: _LINE) -> Spread:
    """Return how much of the weights lies within each distance that occurs."""
    steps, places = np.unique(distances.round(6).ravel(), return_inverse=True)
    return Spread(steps, np.bincount(places.ravel(), weights=weights.ravel()).cumsum())


def feature_likeness(features: Tensor) -> Spread:
    """Return how alike the features (channel, row, column) of two places are, by their distance in places.

    Features are taken about the mean over all places; the value is the mean cosine of all pairs whose distance rounds
    to 1, 2, … Raises GridError for a map of one place.

    >>> import torch
    >>> from vitviz.labs.locality import feature_likeness
    >>> feature_likeness(torch.tensor([[[1.0, 1.0, -1.0, -1.0]]])).values.round(2).tolist()  # distance 1, 2, 3
    [0.33, -1.0, -1.0]
    """
    rows, columns = features.shape[-2:]
    if rows * columns < 2:
        raise GridError(f"A map of {rows} × {columns} places has no neighbours; wanted two places or more.")
    vectors = features.flatten(1).mT.double().cpu()  # (place, channel)
    vectors = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=-1)
    cosines = (vectors @ vectors.mT).numpy()
    row, column = np.divmod(np.arange(rows * columns), columns)
    steps = np.hypot(row[:, None] - row, column[:, None] - column).round().astype(int)
    counts = np.bincount(steps.ravel())
    sums = np.bincount(steps.ravel(), weights=cosines.ravel())
    return Spread(np.arange(1, len(counts), dtype=np.float64), sums[1:] / counts[1:])
