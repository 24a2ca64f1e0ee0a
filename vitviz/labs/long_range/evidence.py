"""Added-up evidence: why a sum over windows says nothing about a couple that no window sees as a whole.

A network with linear read-out answers by logits F(x) = b + Σ_w f(window w). Suppose that what lies in each single
window is distributed alike whatever the answer y. Then for the cross-entropy L (convex in the logits) at the
constant answer, the directional derivative along any such F is E[Σ_k (p_k − 1[y = k]) F_k] = 0: each term
factorises. A convex function without slope in any direction is at its minimum, so **the best that training can do is
the constant answer**, with cross-entropy log(number of answers). Its *accuracy* is not bound so tightly: a threshold
on a sum can do better than chance while its probabilities do not. ``best_threshold`` computes by how much, for two
features that match or differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class AddedEvidence(Record):
    """Two features of which each is uniform over some values, and which match in half of all cases."""

    values: int
    """How many values a feature has."""
    gradient: NDArray[np.float64]
    """(2, value): slope of the expected cross-entropy at "50%" along each local evidence; zero everywhere."""
    threshold_accuracy: float
    """Largest accuracy of any rule "they differ if f(left) + g(right) > t" with f and g of 0 or 1."""


def added_evidence(values: int) -> AddedEvidence:
    """Return what sums of local evidence can do for "do two features match?".

    Both features are uniform over ``values`` values; they are equal with probability ½, else any other with equal
    probability. Raises OptionError for fewer than two values, or more than ten (all rules are tried).
    """
    if not 2 <= values <= 10:
        raise OptionError(
            f"A feature with {values} values; wanted 2 to 10. One value always matches, and more take too long to try."
        )
    joint = _joint(values)  # (match or differ, left, right)
    surplus = joint[0] - joint[1]  # (left, right)
    gradient = 0.5 * np.stack([surplus.sum(1), surplus.sum(0)])
    return AddedEvidence(values, gradient, _best(joint, values))


def _joint(values: int) -> NDArray[np.float64]:
    same = np.eye(values) / values / 2
    differ = (1 - np.eye(values)) / (values * (values - 1)) / 2
    return np.stack([same, differ])


def _best(joint: NDArray[np.float64], values: int) -> float:
    """Try f = first ``left`` values; by symmetry only how many values g marks inside and outside of them counts."""
    best = 0.5
    for marked, inside, outside in product(range(values + 1), repeat=3):
        if inside > marked or outside > values - marked:
            continue
        f = np.arange(values) < marked
        g = (np.arange(values) < inside) | ((np.arange(values) >= marked) & (np.arange(values) < marked + outside))
        total = f[:, None].astype(int) + g[None, :]
        for threshold in (0.5, 1.5):
            says = total > threshold
            share = float(joint[1][says].sum() + joint[0][~says].sum())
            best = max(best, share, 1 - share)
    return best
