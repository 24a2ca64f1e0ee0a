"""Digits: 1,797 written digits of 8 × 8 pixels, small enough to train on while somebody watches.

Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, CC BY 4.0: the
test part, as scikit-learn ships it. The file is read from assets/labs, because a package of 30 MB for 45 kB of data
would make every installation slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.assets import ASSETS
from vitviz.errors import OptionError
from vitviz.record import Record

FILE = ASSETS / "labs" / "digits.npz"
SIDE = 8
CLASSES = 10
HELD_OUT = 597
"""The last digits of the file, which no run is trained on."""
POOL = 1797 - HELD_OUT
"""The digits that a training set is drawn from."""
_BRIGHTEST = 16


@dataclass(frozen=True, eq=False)
class Digits(Record):
    """Pictures of digits and what they show."""

    pictures: Tensor
    """(picture, 3, 8, 8) in [0, 1]; the three colours are alike."""
    labels: Tensor
    """(picture,) the digit, int64."""

    def __len__(self) -> int:
        return len(self.labels)


@lru_cache(maxsize=1)
def all_digits() -> Digits:
    """Return all digits, in the order of the file."""
    with np.load(FILE, allow_pickle=False) as stored:
        grey = torch.from_numpy(stored["images"]).float() / _BRIGHTEST
        labels = torch.from_numpy(stored["labels"]).long()
    return Digits(grey[:, None].expand(-1, 3, -1, -1).contiguous(), labels)


def held_out() -> Digits:
    """Return the digits that accuracies are measured on."""
    digits = all_digits()
    return Digits(digits.pictures[POOL:], digits.labels[POOL:])


def training_set(size: int, *, seed: int) -> Digits:
    """Return a training set with as many of each digit as possible; a smaller set is part of every larger one.

    Raises OptionError for a size that the pool does not have, or one that leaves a digit out.
    """
    if not CLASSES <= size <= POOL:
        raise OptionError(f"A training set of {size} digits cannot be drawn; wanted {CLASSES} (one of each) to {POOL}.")
    digits = all_digits()
    chosen = torch.from_numpy(_order(seed)[:size])
    return Digits(digits.pictures[chosen], digits.labels[chosen])


def validation_set(size: int, *, seed: int) -> Digits:
    """Return the digits of the pool that ``training_set`` of this size and seed leaves out.

    Settings are chosen by these, so that no choice has seen the held-out digits. Raises OptionError as
    ``training_set``, and for a size that leaves none.
    """
    training_set(size, seed=seed)
    if size == POOL:
        raise OptionError(f"A training set of all {POOL} digits leaves none to choose settings by. Make it smaller.")
    digits = all_digits()
    chosen = torch.from_numpy(_order(seed)[size:])
    return Digits(digits.pictures[chosen], digits.labels[chosen])


def _order(seed: int) -> NDArray[np.int64]:
    """Return the pool in a random order in which the digits take turns."""
    shuffled = np.random.default_rng([seed, 1]).permutation(POOL)
    labels = all_digits().labels.numpy()[shuffled]
    turn = np.empty(POOL, np.int64)
    for digit in range(CLASSES):
        of_digit = labels == digit
        turn[of_digit] = np.arange(of_digit.sum())
    return shuffled[np.lexsort((labels, turn))]
