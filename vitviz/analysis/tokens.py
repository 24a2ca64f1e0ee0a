"""Patch tokens: principal components as colours, similarity between places, norms and outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import OptionError, check_index
from vitviz.grid import PatchGrid
from vitviz.record import Result
from vitviz.trace.trace import Trace

Table = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TokenColours(Result):
    """The first three principal components of patch tokens as red, green and blue."""

    layer: int
    """The block after which the tokens were read; -1 is the input of the first."""
    colours: tuple[Table, ...]
    """A picture each: (rows, columns, 3) in [0, 1]; the background is black."""
    foreground: tuple[NDArray[np.bool_], ...]
    """A picture each: (rows, columns), True where the first component lies above the threshold."""
    shares: Table
    """(component,) share of the variance of the tokens that were coloured."""
    pictures: tuple[NDArray[np.uint8], ...] = field(default=(), repr=False)
    """What the model saw, (height, width, 3) each; empty where it is not known."""


@checked
def token_colours(
    traces: Trace | Sequence[Trace], *, layer: int | None = None, threshold: float | None = None, flip: bool = False
) -> TokenColours:
    """Return patch tokens coloured by their first three principal components (Oquab et al. 2023, figure 1).

    Several pictures share their components, so equal colours mean alike tokens. With a ``threshold`` in [0, 1] the
    first component, stretched to [0, 1], separates foreground from background, as in DINOv2: patches at or below it
    are black, and the components are computed again on the rest. Which side is the object is not known: ``flip``
    takes the other. Every component is stretched from its 2nd to its 98th percentile.
    The sign of a component is free: here the first of its largest coordinates is positive.

    Raises OptionError for a layer that does not exist, a threshold outside [0, 1], or fewer than four patches left.

    >>> vitviz.token_colours(trace).colours[0].shape
    (16, 16, 3)
    """
    several = [traces] if isinstance(traces, Trace) else list(traces)
    if not several or len({traced.model for traced in several}) > 1:
        raise OptionError(
            "Colours need traces of one model, at least one; got none or several models. Trace them again."
        )
    layer = several[0].layers - 1 if layer is None else layer
    tokens = np.concatenate([patch_tokens(traced, layer) for traced in several])  # (patch of any picture, channel)
    front = _foreground(tokens, threshold, flip=flip)
    if front.sum() < 4:
        raise OptionError(
            "{count} patches lie above the threshold {threshold}; wanted at least 4. Lower it.",
            count=int(front.sum()),
            threshold=threshold,
        )
    coordinates, shares = principal_coordinates(tokens[front], 3)
    colours = np.zeros((len(tokens), 3))
    colours[front] = _stretch(coordinates)
    grids = [traced.grid for traced in several]
    ends = np.cumsum([grid.patches for grid in grids])[:-1]
    pictures = [_picture(part, grid) for part, grid in zip(np.split(colours, ends), grids, strict=True)]
    masks = [grid.to_map(part) for part, grid in zip(np.split(front, ends), grids, strict=True)]
    seen = tuple(traced.picture for traced in several if traced.picture is not None)
    return TokenColours(layer, tuple(pictures), tuple(masks), shares, seen)


def patch_tokens(trace: Trace, layer: int) -> NDArray[np.float64]:
    """Return the patch tokens of the residual stream after a layer: (patch, channel), float64."""
    tokens: NDArray[np.float64] = trace.residual(layer)[len(trace.grid.prefix) :].cpu().double().numpy()
    return tokens


def principal_coordinates(vectors: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], Table]:
    """Return each vector's coordinates on the first components, (n, component), and their shares of the variance."""
    centred = vectors - vectors.mean(0)
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    coordinates = np.zeros((len(vectors), count))
    kept = min(count, len(strength))
    coordinates[:, :kept] = left[:, :kept] * strength[:kept]
    settled = abs(coordinates) >= abs(coordinates).max(0) * (1 - 1e-6)  # of equal ones, the first
    largest = coordinates[settled.argmax(0), np.arange(count)]
    shares = np.zeros(count, np.float32)
    shares[:kept] = strength[:kept] ** 2 / max(float((strength**2).sum()), np.finfo(float).tiny)
    return coordinates * np.where(largest < 0, -1.0, 1.0), shares


def _foreground(tokens: NDArray[np.float64], threshold: float | None, *, flip: bool) -> NDArray[np.bool_]:
    if threshold is None:
        return np.ones(len(tokens), bool)
    if not 0 <= threshold <= 1:
        raise OptionError(
            "The threshold is {threshold}; wanted 0 ≤ threshold ≤ 1. One half is a good start.",
            threshold=threshold,
        )
    first = principal_coordinates(tokens, 1)[0][:, 0]
    first = -first if flip else first
    span = max(float(np.ptp(first)), np.finfo(float).tiny)
    mask: NDArray[np.bool_] = (first - first.min()) / span > threshold
    return mask


def _stretch(coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = np.percentile(coordinates, (2, 98), axis=0)
    stretched: NDArray[np.float64] = np.clip((coordinates - low) / np.maximum(high - low, np.finfo(float).tiny), 0, 1)
    return stretched


def _picture(colours: NDArray[np.float64], grid: PatchGrid) -> Table:
    return np.moveaxis(grid.to_map(colours.T), 0, -1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class TokenSimilarity(Result):
    """How alike one patch is to all patches of the same or another picture."""

    patch: int
    """The patch that is compared."""
    layer: int
    values: Table
    """(rows, columns) cosine."""
    best: int
    """The most similar patch; in the same picture, another one."""
    best_cosine: float
    here: bool = True
    """Whether both are of the same picture."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under the map; None where it is not known."""


@checked
def token_similarity(
    trace: Trace, patch: int, *, layer: int | None = None, other: Trace | None = None
) -> TokenSimilarity:
    """Return the cosine between a patch token and all patch tokens, in this picture or in ``other``.

    Raises OptionError for a patch or layer that does not exist, or a trace of another model.

    >>> vitviz.token_similarity(trace, 100).values.shape  # (rows, columns)
    (16, 16)
    """
    layer = trace.layers - 1 if layer is None else layer
    check_index("Patch", patch, trace.grid.patches)
    if other is not None and other.model != trace.model:
        raise OptionError(
            "The pictures were traced by {model} and {other}; wanted one model. Trace again.",
            model=trace.model,
            other=other.model,
        )
    query = _unit(patch_tokens(trace, layer)[patch])
    there = trace if other is None else other
    cosine = _unit(patch_tokens(there, layer)) @ query  # (patch,)
    rivals = cosine.copy()
    if other is None:
        rivals[patch] = -np.inf
    best = int(rivals.argmax())
    values = there.grid.to_map(cosine).astype(np.float32)
    return TokenSimilarity(patch, layer, values, best, float(cosine[best]), other is None, there.picture)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float64] = vectors / np.maximum(length, np.finfo(float).tiny)
    return unit


@dataclass(frozen=True, eq=False)
class TokenNorms(Result):
    """The norms of the tokens after a layer, and the patches whose norm is unusual."""

    layer: int
    norms: Table
    """(rows, columns) Euclidean norm of each patch token."""
    special: dict[str, float]
    """The norm of each prefix token."""
    threshold: float
    """Norm above which a patch is an outlier."""
    outliers: tuple[int, ...]
    """Their patch numbers."""
    attention_share: float
    """Share of the patches' attention in the next layer that goes to outliers; NaN after the last layer."""
    class_share: float
    """The same for the class token as the query; NaN without one, or after the last layer."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under the map; None where it is not known."""

    @property
    def outlier_share(self) -> float:
        """Share of the patches that are outliers: what even attention to patches would give them."""
        return len(self.outliers) / self.norms.size


@checked
def token_norms(trace: Trace, *, layer: int | None = None, deviations: float = 4.0) -> TokenNorms:
    """Return the norms of the tokens and the outliers among the patches.

    A patch is an outlier where its norm exceeds the mean of all patches by ``deviations`` standard deviations. Darcet
    et al. 2024 ("Vision Transformers Need Registers", section 2.1) set a fixed norm for one model instead; a relative
    bound works for all. Such patches hold global and no local information.

    Raises OptionError for a layer that does not exist or a number of deviations that is not positive.

    >>> vitviz.token_norms(trace).norms.shape
    (16, 16)
    """
    layer = trace.layers - 1 if layer is None else layer
    if not deviations > 0:
        raise OptionError(
            "deviations is {deviations}; wanted a positive number. 4 finds what stands out clearly.",
            deviations=deviations,
        )
    all_norms = trace.residual(layer).double().norm(dim=-1).cpu().numpy()  # (token,)
    prefix = len(trace.grid.prefix)
    patches = all_norms[prefix:]
    threshold = float(patches.mean() + deviations * patches.std())
    outliers = tuple(int(patch) for patch in np.flatnonzero(patches > threshold))
    shares = (float("nan"), float("nan"))
    if layer + 1 < trace.layers:
        shares = _attention_shares(trace, layer + 1, [prefix + patch for patch in outliers])
    special = dict(zip(trace.grid.prefix, map(float, all_norms), strict=False))
    norms = trace.grid.to_map(patches).astype(np.float32)
    return TokenNorms(layer, norms, special, threshold, outliers, *shares, trace.picture)


def _attention_shares(trace: Trace, layer: int, keys: list[int]) -> tuple[float, float]:
    attention: Tensor = trace.attention(layer)[:, :, keys].sum(-1)  # (heads, query)
    prefix = len(trace.grid.prefix)
    share = float(attention[:, prefix:].mean())
    if "class" not in trace.grid.prefix:
        return share, float("nan")
    return share, float(attention[:, trace.grid.token("class")].mean())


@checked
def outlier_table(trace: Trace, *, deviations: float = 4.0) -> tuple[TokenNorms, ...]:
    """Return the token norms after every layer, first layer first.

    >>> len(vitviz.outlier_table(trace))  # one a layer
    12
    """
    with torch.no_grad():
        return tuple(token_norms(trace, layer=layer, deviations=deviations) for layer in range(trace.layers))
