"""The smallest picture in which places matter: four patches, two of content A and two of content B.

Contents are A = +1 and B = −1. The keys are the places themselves, one-hot, and a class query puts its weight c on
the diagonal, places 0 and 3. The attention is then e^c : 1 for diagonal against off-diagonal places, and the output,
the mean of the contents under it, is **tanh(c / 2)** where A lies on the diagonal, −tanh(c / 2) where B does, and 0
for the four other arrangements. Without places all keys are alike, attention is uniform, and all six give 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.errors import OptionError
from vitviz.labs.temperature import attend
from vitviz.record import Result

PLACES = 4
"""Top left, top right, bottom left, bottom right."""
DIAGONAL = (0, 3)
ARRANGEMENTS: tuple[str, ...] = tuple(
    "".join("A" if place in chosen else "B" for place in range(PLACES))
    for chosen in sorted(combinations(range(PLACES), 2), key=lambda pair: pair not in (DIAGONAL, (1, 2)))
)
"""All six, as the contents of the four places in reading order: the two diagonals first."""

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SmallestPosition(Result):
    """What the class query reads from each of the six arrangements."""

    weight: float
    """c: how much more the query likes the diagonal places."""
    positions: bool
    """Whether the keys carry the places."""
    attention: Values
    """(place,) the same for all arrangements: it does not depend on the contents."""
    outputs: Values
    """(arrangement,) the attention-weighted mean of the contents, in the order of ARRANGEMENTS."""
    formula: Values
    """(arrangement,) the closed form."""

    @property
    def largest_difference(self) -> float:
        """The largest difference of the computed outputs and the closed form."""
        return float(np.abs(self.outputs - self.formula).max())


@checked
def run(weight: float, *, positions: bool = True) -> SmallestPosition:
    """Return the outputs of all six arrangements for a query of weight c, computed by attention.

    ``weight`` may be infinite: attention is then on the diagonal, or off it, alone. Raises OptionError for NaN.
    """
    query = np.zeros(PLACES)
    query[list(DIAGONAL)] = 1.0
    keys = np.eye(PLACES) if positions else np.ones((PLACES, PLACES)) / PLACES  # (place, channel)
    scores = keys @ query  # (key,), times c: softmax(c · score) = softmax(±score / τ) with τ = 1 / |c|
    sign = math.copysign(1.0, weight)
    attention = attend(sign * scores, 1 / abs(weight) if weight else math.inf)
    outputs = np.array([contents(arrangement) @ attention for arrangement in ARRANGEMENTS])
    formula = np.array([_closed_form(arrangement, weight) if positions else 0.0 for arrangement in ARRANGEMENTS])
    return SmallestPosition(weight, positions, attention, outputs, formula)


@checked
def contents(arrangement: str) -> Values:
    """Return the contents of the four places, +1 for A and −1 for B: (place,).

    Raises OptionError for anything but two A and two B.
    """
    if sorted(arrangement) != ["A", "A", "B", "B"]:
        raise OptionError(f"{arrangement!r} is no arrangement; wanted two A and two B, such as 'ABBA', place by place.")
    return np.array([1.0 if content == "A" else -1.0 for content in arrangement])


def _closed_form(arrangement: str, weight: float) -> float:
    return {"ABBA": 1.0, "BAAB": -1.0}.get(arrangement, 0.0) * math.tanh(weight / 2)
