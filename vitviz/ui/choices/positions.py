"""The choices of the Positions page: which encoding, which other grid, and what is measured on demand."""

from __future__ import annotations

from vitviz.ui.choices.choice import Choice, flag, name_or_none, whole

PAGE = "positions"

ENCODING = Choice("encoding", "", name_or_none, pages=(PAGE,))  # empty: the model's first
NEW_GRID = Choice("new_grid", 0, whole, pages=(PAGE,))  # 0: half of the model's own
INPUT_SIZES = Choice("input_sizes", False, flag, pages=(PAGE,))
SHUFFLE = Choice("shuffle", False, flag, pages=(PAGE,))
