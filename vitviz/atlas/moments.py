"""Moments: count, mean and sum of squared deviations of many numbers at once, merged as Chan et al. do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.analysis.faithfulness import NORMAL_95
from vitviz.record import Record

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments(Record):
    """What mean and interval are made of; NaN does not count."""

    count: NDArray[np.int64]
    mean: Numbers
    """0 where nothing is counted."""
    squares: Numbers
    """Sum of the squared deviations from the mean."""

    @classmethod
    def of(cls, values: Numbers) -> Moments:
        """Return the moments of rows of numbers, (row, …) → (…)."""
        there = ~np.isnan(values)
        count = there.sum(0)
        mean = np.where(there, values, 0).sum(0) / np.maximum(count, 1)
        squares = (np.where(there, values - mean, 0) ** 2).sum(0)
        return cls(count, mean, squares)

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both sets of rows.

        Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance", equation 2.1.
        """
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        mean = self.mean + apart * share
        return Moments(count, mean, self.squares + other.squares + apart**2 * self.count * share)

    @property
    def deviation(self) -> Numbers:
        """Standard deviation over the photos, of a sample; NaN for fewer than two."""
        return np.sqrt(np.divide(self.squares, self.count - 1, out=_nan(self.mean), where=self.count > 1))

    @property
    def half(self) -> Numbers:
        """Half the 95% interval of the mean: 1.96 standard errors; NaN for fewer than two."""
        half: Numbers = NORMAL_95 * self.deviation / np.sqrt(np.maximum(self.count, 1))
        return half

    @property
    def known(self) -> Numbers:
        """The mean; NaN where nothing is counted."""
        return np.where(self.count > 0, self.mean, np.nan)


def _nan(like: Numbers) -> Numbers:
    return np.full(like.shape, np.nan)
