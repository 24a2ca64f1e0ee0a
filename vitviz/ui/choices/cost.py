"""The choices of the Cost page: which experiment, and the sizes of the model whose cost is shown."""

from __future__ import annotations

from vitviz.labs.cost.vit_shape import PRESETS
from vitviz.ui.choices.choice import Choice, flag, integer, one_of

PAGE = "cost"
LOADED = "loaded"
"""The model of the sidebar, as it is."""
RANGES: dict[str, tuple[int, int]] = {
    "cost_size": (8, 4096),
    "cost_patch": (2, 128),
    "cost_width": (16, 8192),
    "cost_depth": (1, 128),
    "cost_heads": (1, 128),
}
"""Smallest and largest value of each size; 0 in the link stands for the model's own."""


def _size(name: str) -> Choice:
    low, high = RANGES[name]
    read = integer(low, high)
    return Choice(name, 0, lambda text: 0 if text == "0" else read(text), page=PAGE)


CHOICES = (
    Choice("cost_experiment", "compute", one_of("compute", "memory"), page=PAGE),
    Choice("cost_model", LOADED, one_of(LOADED, *PRESETS), page=PAGE),
    *(_size(name) for name in RANGES),
    Choice("cost_seconds", False, flag, page=PAGE),  # time a block on this machine
    Choice("cost_block", False, flag, page=PAGE),  # measure the memory of a block of these sizes
    Choice("cost_passes", False, flag, page=PAGE),  # measure the memory of the loaded model
)
