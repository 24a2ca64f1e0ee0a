"""The choices of the Heads page: the statistic that colours the heads, the wall's scale, the heads side by side."""

from __future__ import annotations

from typing import Literal

from vitviz.attention.statistics import STATISTICS
from vitviz.ui.choices.choice import Choice, one_of
from vitviz.ui.choices.shared import head_pairs

STATISTIC = Choice("statistic", "distance", one_of(*STATISTICS), pages=("heads",))
WALL_SCALE: Choice[Literal["ten", "layer", "map"]] = Choice(
    "wall_scale", "ten", one_of("ten", "layer", "map"), pages=("heads",)
)
BESIDE = Choice("beside", "", head_pairs, pages=("heads",))
MOST_BESIDE = 4
