"""The choices of the Long range page: the task, its picture, what is looked at, the closed form's β."""

from __future__ import annotations

import re

from vitviz.errors import OptionError
from vitviz.labs.long_range.counting import COUPLES, LONGEST, MOST_DISTRACTORS
from vitviz.labs.long_range.moves import board_of
from vitviz.labs.long_range.tasks import TASKS
from vitviz.ui.choices.choice import Choice, flag, integer, number, one_of
from vitviz.ui.text import _

PAGE = "long_range"
BEST = "best"
"""The head that links best on held-out pictures."""
MOST_BETA = 12.0
"""From here on e^−β is below 1e-5, and a picture of the curve is flat."""


def _board(text: str) -> str:
    if text:
        board_of(text)
    return text


def _head(text: str) -> str:
    if text != BEST and not re.fullmatch(r"[0-9]\.[0-9]", text):
        raise OptionError(_("wanted best, or a layer and a head such as 0.3"))
    return text


TASK = Choice("range_task", "occluder", one_of(*TASKS), pages=(PAGE,))
DISTANCE = Choice("range_distance", 5, integer(1, LONGEST), pages=(PAGE,))
PAIRS = Choice("range_pairs", 2, integer(0, COUPLES), pages=(PAGE,))
MATCH = Choice("range_match", True, flag, pages=(PAGE,))
EXTRA = Choice("range_extra", 1, integer(0, MOST_DISTRACTORS), pages=(PAGE,))
SEED = Choice("range_seed", 0, integer(0, 999_999), pages=(PAGE,))
BOARD = Choice("range_board", "", _board, pages=(PAGE,))  # empty: drawn from the choices above
CELL = Choice("range_cell", -1, integer(-1, 31), pages=(PAGE,))  # -1: the first half that has its partner
QUERY = Choice("range_query", "object", one_of("object", "class"), pages=(PAGE,))
HEAD = Choice("range_head", BEST, _head, pages=(PAGE,))
TRAINING = Choice("range_training", 1, integer(0, 99), pages=(PAGE,))
WINDOW = Choice("range_window", "2", one_of("1", "2", "4", "8"), pages=(PAGE,))
BETA = Choice("range_beta", 3.0, number(0, MOST_BETA), pages=(PAGE,))
