"""Maps of shares as colours by the even share 1/N, on which flat and sharp maps can be compared."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.figures.palettes import levels

DECADES = (-1, 2)
"""Powers of ten of the even share at the first and the last colour: a tenth of it, and a hundred times it."""


def even_levels(shares: ArrayLike, tokens: int) -> NDArray[np.uint8]:
    """Return the colour of every share, 0 to 255: 85 is the even share of that many tokens."""
    low, high = DECADES
    multiples = np.maximum(np.asarray(shares, dtype=np.float64) * tokens, 10.0 ** (low - 1))
    return levels(np.log10(multiples), low, high)


def lit_levels(shares: ArrayLike, tokens: int) -> NDArray[np.uint8]:
    """Return the colour of every share, 0 to 255, at its full from the even share on.

    A map that lies on a few patches lights those; an even one lights all of them.
    """
    return levels(np.asarray(shares, dtype=np.float64) * tokens, 0, 1)
