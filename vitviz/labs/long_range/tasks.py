"""Tasks: counting and occluder with the same three functions, so that training and evaluation know neither by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import check_choice
from vitviz.labs.long_range import counting, occluder
from vitviz.labs.long_range.contents import Board, is_bar, is_half
from vitviz.record import Record


@dataclass(frozen=True)
class Task(Record):
    """One long-range task: how its boards are drawn, what the right answers are."""

    name: str
    answers: int
    """Number of answers, all equally frequent."""
    couples: int
    """Couples of halves or bars in a picture."""
    sample: Callable[..., Board]
    """``sample(count, generator=…, distance=…, pairs=…, distractors=…)`` → boards (image, row, column)."""
    label: Callable[[Board], NDArray[np.int64]]
    """The right answers of boards, (image,)."""
    has_partner: Callable[[Board], NDArray[np.bool_]]
    """Which cells hold a half or bar with its partner, (image, row, column)."""
    is_object: Callable[[Board], NDArray[np.bool_]]
    """Which cells hold a half or bar at all, (image, row, column)."""


TASKS: dict[str, Task] = {
    "counting": Task(
        "counting",
        counting.COUPLES + 1,
        counting.COUPLES,
        counting.sample,
        counting.label,
        counting.has_partner,
        is_half,
    ),
    "occluder": Task("occluder", 2, 1, occluder.sample, occluder.label, occluder.has_partner, is_bar),
}
"""The tasks by name."""


def find(name: str) -> Task:
    """Return a task by name; raises OptionError for an unknown one."""
    return TASKS[check_choice("Task", name, TASKS)]
