"""One digit of each kind in a row: what the networks of the Training page learn to read, for the sheets of a class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitviz.labs.digits.data import CLASSES, all_digits
from vitviz.ui.furniture import sheet_figures
from vitviz.ui.text import _

_GAP = 2


def figure() -> str:
    """Return the row as HTML."""
    return sheet_figures.picture(row(), _("One written digit of each kind, 8 × 8 pixels"))


def row() -> NDArray[np.uint8]:
    """Return the first digit of each kind, dark on white: (height, width, 3)."""
    digits = all_digits()
    firsts = [int((digits.labels == digit).nonzero()[0]) for digit in range(CLASSES)]
    pictures = [1 - digits.pictures[first].permute(1, 2, 0).numpy() for first in firsts]  # (8, 8, 3) each
    framed = [np.pad(picture, ((1, 1), (1, _GAP), (0, 0)), constant_values=1.0) for picture in pictures]
    return (np.concatenate(framed, axis=1) * 255).round().astype(np.uint8)
