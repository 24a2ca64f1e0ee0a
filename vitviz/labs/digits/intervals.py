"""The interval of a mean of a few runs, by Student's t: with five runs it is 2.78 standard errors wide and not 1.96."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from vitviz.errors import OptionError

QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5% quantiles of Student's t for 1 to 9 degrees of freedom."""


def mean_interval(values: ArrayLike) -> tuple[float, float]:
    """Return the 95% interval of the mean of 2 to 10 independent, about normal values (Student 1908).

    Raises OptionError for another number of values.

    >>> from vitviz.labs.digits.intervals import mean_interval
    >>> low, high = mean_interval([0.8, 0.9])
    >>> round(low, 2), round(high, 2)
    (0.21, 1.49)
    """
    numbers = np.asarray(values, np.float64)
    if not 2 <= len(numbers) <= len(QUANTILES) + 1:
        raise OptionError(
            f"Got {len(numbers)} values; wanted 2 to {len(QUANTILES) + 1} runs for the interval of their mean. "
            "One run alone shows no spread."
        )
    half = QUANTILES[len(numbers) - 2] * float(numbers.std(ddof=1)) / len(numbers) ** 0.5
    middle = float(numbers.mean())
    return middle - half, middle + half
