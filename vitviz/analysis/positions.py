"""What a model's position encoding says about two places: similarity maps, profiles, components, read-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.position_kinds import RELATIVE, ROTARY, Positions, positions_of
from vitviz.analysis.shuffling import order_gap, separate
from vitviz.analysis.tokens import principal_coordinates
from vitviz.argument import checked
from vitviz.errors import GridError, OptionError, check_choice, check_index
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.record import Record, Result
from vitviz.trace.forward import rounding

Table = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PositionSimilarity(Result):
    """How alike a model's position encoding makes any two patches.

    >>> similarity = vitviz.position_similarity(vit)
    >>> similarity.kind, similarity.map(0).shape
    ('learned', (16, 16))
    """

    model: str
    """Name of the model."""
    kind: str
    """"learned", "sine-cosine-1d", "sine-cosine-2d", "rotary", "relative" or "none"."""
    kinds: tuple[str, ...]
    """All the encodings that the model has."""
    grid: PatchGrid
    """The patches."""
    values: Table | None
    """(patch, patch); None for a model without positions."""
    unit: str
    """What the numbers are: a cosine, a rotary kernel, a bias of the attention scores."""
    reason: str
    """Why there is nothing to show; empty where there is."""
    vectors: Table | None
    """(patch, channel) one vector a place; None for relative biases, which have none, and for no positions."""

    def map(self, patch: int) -> Table:
        """Return the similarity of a patch to all others, (rows, columns).

        Raises OptionError for a model without positions, or a patch outside the grid.
        """
        check_index("Patch", patch, self.grid.patches)
        laid_out: Table = self.grid.to_map(self._values()[patch])
        return laid_out

    def mosaic(self) -> Table:
        """Return the maps of all patches: (rows, columns, rows, columns), as in Dosovitskiy et al. 2021, figure 7."""
        rows, columns = self.grid.rows, self.grid.columns
        return self._values().reshape(rows, columns, rows, columns)

    def kernel(self) -> tuple[Table, Table]:
        """Return the mean over all pairs with one offset, and its standard deviation: both (2·rows − 1, 2·columns − 1).

        The middle is offset 0. A deviation of zero says that only the offset matters, as in rotary encodings.
        """
        rows, columns = self.grid.rows, self.grid.columns
        row, column = np.divmod(np.arange(self.grid.patches), columns)
        down = row[None] - row[:, None] + rows - 1  # (query, key)
        offset = (down * (2 * columns - 1) + column[None] - column[:, None] + columns - 1).ravel()
        values = self._values().ravel().astype(np.float64)
        count = np.bincount(offset)
        mean = np.bincount(offset, values) / count
        spread = np.sqrt(np.bincount(offset, (values - mean[offset]) ** 2) / count)
        shape = 2 * rows - 1, 2 * columns - 1
        return mean.reshape(shape).astype(np.float32), spread.reshape(shape).astype(np.float32)

    def profiles(self) -> tuple[Table, Table]:
        """Return the similarity by distance in rows, (rows,), and in columns, (columns,), along the grid."""
        kernel: Table = self.kernel()[0]
        rows, columns = self.grid.rows, self.grid.columns
        down, across = kernel[:, columns - 1], kernel[rows - 1]  # the middle of each is offset 0
        return _folded(down), _folded(across)

    def _values(self) -> Table:
        if self.values is None:
            raise OptionError(
                "There is no similarity of positions: {reason} Choose another model.",
                reason=self.reason,
            )
        return self.values


def _folded(line: Table) -> Table:
    """Return the mean of both directions of (2n − 1,) values by offset: (n,) values by distance."""
    middle = len(line) // 2
    folded: Table = ((line[middle:] + line[middle::-1]) / 2).astype(np.float32)
    return folded


@checked
def position_similarity(
    vit: ViT, *, kind: str | None = None, layer: int | None = None, head: int | None = None
) -> PositionSimilarity:
    """Return how alike the position encoding of a model makes any two of its patches.

    Vectors that are added to the tokens are compared by cosine (Dosovitskiy et al. 2021, figure 7). A rotary encoding
    has a kernel instead: the expected product of a random query and key after their rotation, as a share of that
    without, which is the mean over the frequencies of cos(angle difference) (Su et al. 2021, section 3.4.3). Relative
    biases are shown as they are added to the attention scores. A model without positions is told, not drawn.

    ``kind`` chooses among several encodings; the default is the first. ``layer`` and ``head`` choose where rotation
    or bias differ by layer and head; the default is the mean over all.
    Raises OptionError for a kind that the model has not, or a layer or head that does not exist.

    >>> vitviz.position_similarity(vit).kind
    'learned'
    """
    positions = positions_of(vit)
    if kind is not None:
        check_choice("Position encoding", kind, positions.kinds or ("none",))
    chosen = kind or (positions.kinds[0] if positions.kinds else "none")
    if chosen == "none":
        reason = f"{vit.name} has no position encoding: shuffled patches give the same tokens, shuffled."
        if not separate(vit):
            reason = (
                f"No position vectors, rotations or biases of {vit.name} were seen. Whether it tells places apart in "
                "another way was not tried, because its tokens see more than their own patch."
            )
        elif order_gap(vit, vit.shell) > rounding(vit.dtype, 1e-3):
            reason = (
                f"{vit.name} tells places apart, for shuffled patches give other tokens, but not by vectors, rotations "
                "or a bias that could be read: its positions are not shown."
            )
        return PositionSimilarity(vit.name, "none", (), vit.grid, None, "not applicable", reason, None)
    values, vectors, unit = _values(vit, positions, chosen, layer, head)
    table = None if vectors is None else vectors.float().cpu().numpy()
    return PositionSimilarity(
        vit.name, chosen, positions.kinds, vit.grid, values.float().cpu().numpy(), unit, "", table
    )


def _values(
    vit: ViT, positions: Positions, kind: str, layer: int | None, head: int | None
) -> tuple[Tensor, Tensor | None, str]:
    if kind == RELATIVE and positions.relative is not None:
        chosen = [bias[_heads(head, bias)].mean(0) for bias in _layers(layer, positions.relative, vit.layers)]
        return torch.stack(chosen).mean(0), None, "bias added to the attention scores"
    if kind == ROTARY and positions.rotary is not None:
        parts = [table[_heads(head, table)] for table in _layers(layer, positions.rotary, vit.layers)]
        vectors = torch.cat(list(torch.cat(parts)), -1).double()  # (patch, heads · 2 · head_dim)
        vectors = vectors / vectors.square().sum(-1, keepdim=True).sqrt()
        return vectors @ vectors.mT, vectors, "rotary kernel: mean cosine of the angle differences"
    if positions.added is None:
        raise OptionError(
            "{name} has no {kind} positions. Choose one of {kinds}.",
            name=vit.name,
            kind=kind,
            kinds=", ".join(positions.kinds) or "none",
        )
    return cosine_similarity(positions.added), positions.added, "cosine"


def _layers(layer: int | None, parts: tuple[Tensor, ...], layers: int) -> tuple[Tensor, ...]:
    if layer is None:
        return parts
    check_index("Layer", layer, layers)
    return (parts[check_index("Layer with this encoding", layer, len(parts))],)


def _heads(head: int | None, parts: Tensor) -> slice:
    if head is None or len(parts) == 1:  # one rotation for all heads
        return slice(None)
    return slice(check_index("Head", head, len(parts)), head + 1)


def cosine_similarity(vectors: Tensor) -> Tensor:
    """Return the cosine of every two vectors: (n, channel) → (n, n)."""
    unit = torch.nn.functional.normalize(vectors.detach().double(), dim=-1)
    return unit @ unit.mT


@dataclass(frozen=True, eq=False)
class Components(Result):
    """The principal components of the position vectors."""

    maps: Table
    """(component, rows, columns): each place's coordinate, largest variance first."""
    shares: Table
    """(component,) share of the variance."""


@checked
def position_components(similarity: PositionSimilarity, *, count: int = 3) -> Components:
    """Return the first principal components of the position vectors as maps.

    The sign of a component is free: here the first of its largest coordinates is positive.
    Raises OptionError where a place has no vector, or for more components than there are.

    >>> vitviz.position_components(vitviz.position_similarity(vit), count=3)
    Components(maps=<float32 (3, 16, 16)>, shares=<float32 (3,)>)
    """
    vectors = _vectors(similarity)
    check_index("Number of components", count - 1, min(vectors.shape))
    coordinates, shares = principal_coordinates(vectors, count)
    return Components(similarity.grid.to_map(coordinates.T).astype(np.float32), shares)


@dataclass(frozen=True)
class ReadOut(Record):
    """How well a linear read-out finds a place from its vector, on places that it was not fitted on."""

    row: float
    """R² of the row: 1 is perfect, 0 no better than the mean; NaN with a single row."""
    column: float
    """R² of the column."""


@checked
def position_read_out(
    vectors: NDArray[np.floating], grid: PatchGrid, *, folds: int = 5, ridge: float = 1e-4, seed: int = 0
) -> ReadOut:
    """Return the cross-validated R² of a ridge regression from vectors (patch, channel) to row and column.

    With more channels than patches a fit on all places would always be perfect, so every place is predicted by a
    fit on the other folds. ``ridge`` is a share of the mean eigenvalue. It takes the tokens of a layer as well.
    Raises OptionError for fewer folds than two or more than there are patches.

    >>> similarity = vitviz.position_similarity(vit)
    >>> read_out = vitviz.position_read_out(similarity.vectors, similarity.grid)
    >>> read_out.row > 0.9  # R²: the row can be read from the vectors
    True
    """
    if not 2 <= folds <= grid.patches:
        raise OptionError(
            "{folds} folds of {patches} patches cannot be made; wanted 2 to {patches}.",
            folds=folds,
            patches=grid.patches,
        )
    numbers = np.asarray(vectors, np.float64)
    if numbers.ndim != 2 or len(numbers) != grid.patches or not np.isfinite(numbers).all():
        raise GridError(
            "vectors has shape {shape}; wanted finite numbers for each of the {patches} patches, "
            "(patch, channel). Leave special tokens out.",
            shape=numbers.shape,
            patches=grid.patches,
        )
    row, column = np.divmod(np.arange(grid.patches), grid.columns)
    wanted = np.stack([row, column], 1).astype(np.float64)  # (patch, axis)
    order = np.random.default_rng(seed).permutation(grid.patches)
    predicted = np.zeros_like(wanted)
    for test in np.array_split(order, folds):
        train = np.setdiff1d(order, test)
        predicted[test] = _ridge(numbers, wanted, train, test, ridge)
    missed, spread = ((wanted - predicted) ** 2).sum(0), ((wanted - wanted.mean(0)) ** 2).sum(0)
    r_squared = 1 - np.divide(missed, spread, out=np.full(2, np.nan), where=spread > 0)
    return ReadOut(float(r_squared[0]), float(r_squared[1]))


def _ridge(
    vectors: NDArray[np.float64],
    wanted: NDArray[np.float64],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    ridge: float,
) -> NDArray[np.float64]:
    middle, level = vectors[train].mean(0), wanted[train].mean(0)
    known, asked = vectors[train] - middle, vectors[test] - middle
    gram = known @ known.T  # (train, train)
    gram[np.diag_indices(len(gram))] += ridge * max(np.trace(gram) / len(gram), np.finfo(float).tiny)
    predicted: NDArray[np.float64] = asked @ known.T @ np.linalg.solve(gram, wanted[train] - level) + level
    return predicted


def _vectors(similarity: PositionSimilarity) -> NDArray[np.float64]:
    if similarity.vectors is None:
        why = similarity.reason or "a relative bias belongs to pairs of places, not to a place."
        raise OptionError(
            "There are no position vectors: {why} Choose another encoding or model.",
            why=why,
        )
    return similarity.vectors.astype(np.float64)
