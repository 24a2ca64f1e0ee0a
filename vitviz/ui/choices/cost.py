"""The choices of the Cost page: which experiment, and the sizes of the model whose cost is shown."""

from __future__ import annotations

from vitviz.labs.cost.vit_shape import PRESETS
from vitviz.ui.choices.choice import Choice, flag, integer, one_of

PAGE = "cost"
LOADED = "loaded"
"""The model of the sidebar, as it is."""


def _size(name: str, low: int, high: int) -> Choice[int]:
    """Return the choice of one size, 0 for the model's own."""
    read = integer(low, high)
    return Choice(name, 0, lambda text: 0 if text == "0" else read(text), pages=(PAGE,))


RANGES: dict[str, tuple[int, int]] = {
    "cost_size": (8, 4096),
    "cost_patch": (2, 128),
    "cost_width": (16, 8192),
    "cost_depth": (1, 128),
    "cost_heads": (1, 128),
}
"""Smallest and largest value of each size."""
SIZES = tuple(_size(name, *limits) for name, limits in RANGES.items())
COST_SIZE, COST_PATCH, COST_WIDTH, COST_DEPTH, COST_HEADS = SIZES
EXPERIMENT = Choice("cost_experiment", "compute", one_of("compute", "memory"), pages=(PAGE,))
COST_MODEL = Choice("cost_model", LOADED, one_of(LOADED, *PRESETS), pages=(PAGE,))
COST_SECONDS = Choice("cost_seconds", False, flag, pages=(PAGE,))  # time a block on this machine
COST_BLOCK = Choice("cost_block", False, flag, pages=(PAGE,))  # measure the memory of a block of these sizes
COST_PASSES = Choice("cost_passes", False, flag, pages=(PAGE,))  # measure the memory of the loaded model
