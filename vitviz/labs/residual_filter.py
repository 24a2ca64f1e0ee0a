"""A residual block as a filter: x + a branch that is minus a graph Laplacian, on paths, cycles and grids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.errors import OptionError, check_choice
from vitviz.record import Result

GRAPHS = ("path", "cycle", "grid")
"""A row of nodes, a ring of nodes, and a square of size × size nodes with the neighbours above, below and beside."""
"""What repeated blocks do, by α: 0; up to 1/λ_max; up to 2/λ_max; beyond."""
LARGEST = 1e3
"""Size at which a growing signal is no longer followed; it began at about one."""
MOST_BLOCKS = 96
MOST_SIZE = {"path": 64, "cycle": 64, "grid": 20}
"""Most nodes a side: a grid of 20 has a matrix of 400 × 400."""


@checked
def laplacian(graph: str, size: int) -> NDArray[np.float64]:
    """Return the Laplacian Λ = degrees − neighbours of a graph: (node, node), symmetric, rows sum to 0.

    Raises OptionError for an unknown graph, fewer than three nodes a side or too many.
    """
    check_choice("Graph", graph, GRAPHS)
    if not 3 <= size <= MOST_SIZE[graph]:
        raise OptionError(
            f"A {graph} of {size} nodes a side cannot be drawn; "
            f"wanted 3 to {MOST_SIZE[graph]}: two nodes have no inside."
        )
    neighbours = np.eye(size, k=1) + np.eye(size, k=-1)
    if graph == "cycle":
        neighbours += np.eye(size, k=size - 1) + np.eye(size, k=1 - size)
    line: NDArray[np.float64] = np.diag(neighbours.sum(1)) - neighbours
    if graph != "grid":
        return line
    return np.kron(line, np.eye(size)) + np.kron(np.eye(size), line)


@checked
def eigenvalues(graph: str, size: int) -> NDArray[np.float64]:
    """Return the eigenvalues of the Laplacian in closed form, ascending: (node,).

    Cycle: 2 − 2cos(2πk/n). Path: 2 − 2cos(πk/n). Grid: sums of two of the path's.
    """
    check_choice("Graph", graph, GRAPHS)
    turn = 2 * np.pi if graph == "cycle" else np.pi
    line: NDArray[np.float64] = 2 - 2 * np.cos(turn * np.arange(size) / size)
    values = np.add.outer(line, line).ravel() if graph == "grid" else line
    return np.sort(values)


@checked
def gain(alpha: float, frequencies: NDArray[np.float64], blocks: int) -> NDArray[np.float64]:
    """Return (1 − αλ)^ℓ: what ℓ blocks x ↦ (I − αΛ)x make of each eigenvector."""
    return np.asarray((1 - alpha * np.asarray(frequencies)) ** blocks)


@checked
def regime(alpha: float, largest: float) -> str:
    """Return "identity", "low-pass", "sign flips" or "divergence", for a strength α and the largest eigenvalue λ_max.

    At α = 2/λ_max itself the highest frequency changes its sign for ever and neither grows nor falls.
    """
    if alpha == 0:
        return "identity"
    if alpha * largest <= 1 + 1e-12:
        return "low-pass"
    return "sign flips" if alpha * largest <= 2 + 1e-12 else "divergence"


@dataclass(frozen=True, eq=False)
class FilteredSignal(Result):
    """A signal of a low and a high frequency on its way through residual blocks."""

    graph: str
    alpha: float
    low: float
    """Eigenvalue of the low frequency."""
    high: float
    """Eigenvalue of the high frequency: the largest of the graph."""
    signals: NDArray[np.float64]
    """(block + 1, node): before the first block and after each; it ends where a value passes 1,000."""
    branch: NDArray[np.float64]
    """(node,) what the first block adds: −αΛx, the branch without the residual path."""
    amplitudes: NDArray[np.float64]
    """(block + 1, 2) measured share of the low and of the high frequency in each signal, with sign."""
    stopped: bool
    """Whether the signal passed 1,000 and was not followed to the last block."""

    @property
    def regime(self) -> str:
        """What the blocks do to the high frequency: see ``regime``."""
        return regime(self.alpha, self.high)


@checked
def run(graph: str, size: int, *, alpha: float, blocks: int, high_share: float = 0.5) -> FilteredSignal:
    """Send a low and a high frequency through ``blocks`` residual blocks x ↦ x − αΛx.

    The low frequency is the graph's slowest wave, the high one its fastest; both begin with a largest value of 1 and
    ``high_share``. The matrix is applied block by block; nothing is computed from the closed form.
    Raises OptionError for a graph, size, strength or number of blocks outside their range.
    """
    matrix = laplacian(graph, size)
    if not (0 <= alpha <= 4 and 0 <= high_share <= 1 and 1 <= blocks <= MOST_BLOCKS):
        raise OptionError(
            f"Got α = {alpha}, a share of {high_share} and {blocks} blocks; "
            f"wanted α from 0 to 4, a share from 0 to 1 and 1 to {MOST_BLOCKS} blocks."
        )
    values, waves = np.linalg.eigh(matrix)
    low, high = _wave(waves[:, 1]), _wave(waves[:, -1])
    signals = [low + high_share * high]
    while len(signals) <= blocks and abs(signals[-1]).max() <= LARGEST:
        signals.append(signals[-1] - alpha * (matrix @ signals[-1]))
    kept = np.stack(signals)
    return FilteredSignal(
        graph=graph,
        alpha=alpha,
        low=float(values[1]),
        high=float(values[-1]),
        signals=kept,
        branch=-alpha * (matrix @ kept[0]),
        amplitudes=np.stack([kept @ mode / (mode @ mode) for mode in (low, high)], axis=-1),
        stopped=len(signals) <= blocks,
    )


def _wave(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an eigenvector with a largest value of 1, positive where it is largest."""
    return np.asarray(vector / vector[abs(vector).argmax()])
