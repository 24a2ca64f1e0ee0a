"""Attention rollout of two layers small enough to be multiplied by hand (Abnar & Zuidema 2020).

    Â = (1 − r) A + r I        R = Â⁽²⁾ Â⁽¹⁾        R[j, i] = Σₖ Â⁽²⁾[j, k] Â⁽¹⁾[k, i]

Row j of R says which input tokens output token j is put together from: its receptive field. Every summand is one path,
from output j over token k of the layer between to input i.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_index
from vitviz.record import Result

Matrix = NDArray[np.float64]
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class RolloutSteps(Result):
    """Two layers of attention and their rollout; all are (token, token), and every row sums to 1."""

    residual: float
    """r: the share of the residual connection, 0 to 1."""
    first: Matrix
    """A⁽¹⁾: the attention of the layer next to the input."""
    second: Matrix
    """A⁽²⁾: the attention of the layer above it."""
    first_mixed: Matrix
    """Â⁽¹⁾: with the residual connection."""
    second_mixed: Matrix
    """Â⁽²⁾: with the residual connection."""
    rollout: Matrix
    """R: (output token, input token)."""

    @property
    def paths(self) -> NDArray[np.float64]:
        """(output, between, input): the weight of every path; the sum over the middle axis is the rollout."""
        weights: NDArray[np.float64] = self.second_mixed[:, :, None] * self.first_mixed[None]
        return weights

    @property
    def effective(self) -> Matrix:
        """(output,) exp(entropy) of each row: the effective number of input tokens in its receptive field."""
        logs = np.log(self.rollout, where=self.rollout > 0, out=np.zeros_like(self.rollout))
        count: Matrix = np.exp(-(self.rollout * logs).sum(-1))
        return count


def run(first: ArrayLike, second: ArrayLike, *, residual: float = 0.5) -> RolloutSteps:
    """Return the rollout of two layers of attention, each (token, token), the layer next to the input first.

    Raises OptionError for matrices that are not square and of one size, rows that are not shares of 1, or a residual
    outside 0 to 1.

    >>> from vitviz.labs.rollout_by_hand import run
    >>> run([[0.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]], residual=0).rollout.tolist()  # there and back
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if not 0 <= residual <= 1:
        raise OptionError(f"The residual share is {residual}; wanted 0 to 1. ½ is that of Abnar and Zuidema.")
    lower, upper = _attention(first), _attention(second)
    if lower.shape != upper.shape:
        raise OptionError(f"Layers of {len(lower)} and {len(upper)} tokens cannot follow each other; wanted one size.")
    same = residual * np.eye(len(lower))
    lower_mixed, upper_mixed = (1 - residual) * lower + same, (1 - residual) * upper + same
    return RolloutSteps(residual, lower, upper, lower_mixed, upper_mixed, upper_mixed @ lower_mixed)


def with_share(attention: ArrayLike, row: int, column: int, share: float) -> Matrix:
    """Return attention with one share set anew and the others of its row scaled, so that the row still sums to 1.

    Others that were all 0 share the rest evenly. Raises OptionError for a cell that does not exist or a share outside
    0 to 1.

    >>> from vitviz.labs.rollout_by_hand import with_share
    >>> with_share([[0.5, 0.25, 0.25]] * 3, 0, 0, 0.0)[0].tolist()
    [0.0, 0.5, 0.5]
    """
    matrix = _attention(attention).copy()
    check_index("Row", row, len(matrix))
    check_index("Column", column, len(matrix))
    if not 0 <= share <= 1:
        raise OptionError(f"The share is {share}; wanted 0 to 1. Attention is a share of the row.")
    others = np.arange(len(matrix)) != column
    rest = matrix[row, others]
    total = rest.sum()
    matrix[row, others] = (1 - share) * (rest / total if total > 0 else 1 / max(1, others.sum()))
    matrix[row, column] = share if others.any() else 1.0
    return matrix


def _attention(values: ArrayLike) -> Matrix:
    matrix = np.asarray(values, dtype=np.float64)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and matrix.size > 0
    if not square or not np.isfinite(matrix).all() or matrix.min() < 0:
        raise OptionError(
            f"Attention of shape {matrix.shape} is no square table of shares; wanted as many keys as queries, none "
            "below 0. Give one row a token."
        )
    sums = matrix.sum(-1)
    if np.abs(sums - 1).max() > _ROUNDING:
        raise OptionError(
            f"The rows of the attention sum to {np.round(sums, 4).tolist()}; wanted 1 each. Divide each row by its sum."
        )
    return matrix
