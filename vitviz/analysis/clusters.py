"""Patch tokens in groups: k-means over the patches of some photos together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.analysis.tokens import patch_tokens
from vitviz.errors import OptionError
from vitviz.record import Record
from vitviz.trace.trace import Trace

Vectors = NDArray[np.float64]
_STARTS, _ROUNDS = 4, 100


@dataclass(frozen=True, eq=False)
class TokenClusters(Record):
    """The group of every patch."""

    layer: int
    """The block after which the tokens were read; -1 is the input of the first."""
    clusters: tuple[NDArray[np.intp], ...]
    """A picture each: (rows, columns), the number of the group from 0; group 0 has the most patches."""
    within: float
    """Share of the tokens' variance that is left within the groups, in [0, 1]."""


def token_clusters(
    traces: Trace | Sequence[Trace], *, layer: int | None = None, count: int = 5, seed: int = 0
) -> TokenClusters:
    """Return the patch tokens of some pictures in ``count`` groups by k-means (Lloyd 1982, k-means++ starts).

    Several pictures share their groups, so the same number means alike tokens. The best of four starts is returned.
    Raises OptionError for traces of several models, and for fewer than two groups or more than there are patches.

    >>> from vitviz.analysis.clusters import token_clusters
    >>> token_clusters(trace, count=3).clusters[0].shape
    (16, 16)
    """
    several = [traces] if isinstance(traces, Trace) else list(traces)
    if not several or len({traced.model for traced in several}) > 1:
        raise OptionError(
            "Groups need traces of one model, at least one; got none or several models. Trace them again."
        )
    layer = several[0].layers - 1 if layer is None else layer
    tokens = np.concatenate([patch_tokens(traced, layer) for traced in several])  # (patch of any picture, channel)
    if not 2 <= count <= len(tokens):
        raise OptionError(
            "Tokens in {count} groups; wanted from 2 to {patches}, the number of patches.",
            count=count,
            patches=len(tokens),
        )
    groups, left = k_means(tokens, count, seed=seed)
    total = float(((tokens - tokens.mean(0)) ** 2).sum())
    ends = np.cumsum([traced.grid.patches for traced in several])[:-1]
    pictures = [traced.grid.to_map(part) for traced, part in zip(several, np.split(groups, ends), strict=True)]
    return TokenClusters(layer, tuple(pictures), left / total if total else 0.0)


def k_means(vectors: Vectors, count: int, *, seed: int = 0) -> tuple[NDArray[np.intp], float]:
    """Return the group of each vector (n, channel), the largest first, and the squared distances left within them."""
    generator = np.random.default_rng(seed)
    groups, left = min((_lloyd(vectors, _spread(vectors, count, generator)) for _start in range(_STARTS)), key=_left)
    by_size = np.argsort(-np.bincount(groups, minlength=count), kind="stable")
    return np.argsort(by_size)[groups], left


def _left(result: tuple[NDArray[np.intp], float]) -> float:
    return result[1]


def _distances(vectors: Vectors, centres: Vectors) -> Vectors:
    """Return squared distances (vector, centre)."""
    squares = (vectors**2).sum(1)[:, None] - 2 * vectors @ centres.T + (centres**2).sum(1)
    distances: Vectors = np.maximum(squares, 0)
    return distances


def _spread(vectors: Vectors, count: int, generator: np.random.Generator) -> Vectors:
    """Return starting centres: each next vector is drawn in proportion to its squared distance from those before."""
    chosen = [int(generator.integers(len(vectors)))]
    while len(chosen) < count:
        nearest = _distances(vectors, vectors[chosen]).min(1)
        nearest[chosen] = 0
        total = nearest.sum()
        chances = nearest / total if total > 0 else None  # all alike: any other vector
        chosen.append(int(generator.choice(len(vectors), p=chances)))
    return vectors[chosen]


def _lloyd(vectors: Vectors, centres: Vectors) -> tuple[NDArray[np.intp], float]:
    """Return the groups and the squared distances within them once neither moves any more."""
    groups = _distances(vectors, centres).argmin(1)
    for _round in range(_ROUNDS):
        members = [vectors[groups == group] for group in range(len(centres))]
        centres = np.stack(
            [part.mean(0) if len(part) else centre for part, centre in zip(members, centres, strict=True)]
        )
        moved = _distances(vectors, centres).argmin(1)
        if (moved == groups).all():
            break
        groups = moved
    return groups, float(((vectors - centres[groups]) ** 2).sum())
