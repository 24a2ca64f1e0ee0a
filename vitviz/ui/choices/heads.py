"""The choice of the Heads page: the statistic that colours the heads."""

from __future__ import annotations

from vitviz.attention.statistics import STATISTICS
from vitviz.ui.choices.choice import Choice, one_of

STATISTIC = Choice("statistic", "distance", one_of(*STATISTICS), pages=("heads",))
