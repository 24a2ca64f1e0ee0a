"""The regions of a map: the fewest patches that hold a share of it, and into how many pieces they fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class Regions(Record):
    """The fewest patches that together hold a share of a map."""

    share: float
    mask: NDArray[np.bool_]
    """(rows, columns): the patches."""
    labels: NDArray[np.intp]
    """(rows, columns): 0 outside, else the number of the region, from 1; patches that share an edge are one region."""

    @property
    def patches(self) -> int:
        """How many patches it takes."""
        return int(self.mask.sum())

    @property
    def count(self) -> int:
        """Into how many separate regions they fall."""
        return int(self.labels.max())

    def overlap(self, other: Regions) -> float:
        """Return the patches in both as a share of the patches in either (Jaccard's index), 0 to 1."""
        return float((self.mask & other.mask).sum() / (self.mask | other.mask).sum())


def regions(values: ArrayLike, share: float = 0.5) -> Regions:
    """Return the fewest cells of a map (rows, columns) that hold a share of its sum, and their separate regions.

    Raises OptionError for a map with negative numbers or of nothing, and for a share outside 0 to 1.

    >>> from vitviz.labs.regions import regions
    >>> regions([[3, 0, 3], [0, 1, 0]], share=0.8).count
    2
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 2 or not np.isfinite(numbers).all() or numbers.min() < 0 or not numbers.sum():
        raise OptionError(
            f"A map of shape {numbers.shape} has no regions; wanted rows and columns of shares, none below 0 and not "
            "all 0. Take the positive part of a signed map."
        )
    if not 0 < share <= 1:
        raise OptionError(f"The share is {share}; wanted above 0 and at most 1.")
    order = np.argsort(-numbers.ravel(), kind="stable")
    held = np.cumsum(numbers.ravel()[order])
    count = int(np.searchsorted(held, share * held[-1] * (1 - 1e-12))) + 1
    mask = np.zeros(numbers.shape, dtype=np.bool_)
    mask.ravel()[order[:count]] = True
    return Regions(share, mask, _labels(mask))


def _labels(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Number the regions: flood from every cell that has no number yet."""
    labels = np.zeros(mask.shape, dtype=np.intp)
    number = 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        number += 1
        edge = [start]
        while edge:
            row, column = edge.pop()
            if not (0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]):
                continue
            if mask[row, column] and not labels[row, column]:
                labels[row, column] = number
                edge += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
    return labels
