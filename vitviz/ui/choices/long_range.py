"""The choices of the Long range page: the task, its picture, what is looked at, the closed form's β."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from vitviz.errors import OptionError
from vitviz.labs.long_range.counting import COUPLES, LONGEST, MOST_DISTRACTORS
from vitviz.labs.long_range.moves import board_of
from vitviz.labs.long_range.tasks import TASKS
from vitviz.ui.choices.choice import Choice, flag, integer, number, one_of
from vitviz.ui.text import _

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


def _choice(name: str, default: Any, read: Callable[[str], Any]) -> Choice:
    return Choice(f"range_{name}", default, read, page="long_range")


CHOICES = (
    _choice("task", "counting", one_of(*TASKS)),
    _choice("distance", 5, integer(1, LONGEST)),
    _choice("pairs", 2, integer(0, COUPLES)),
    _choice("match", True, flag),
    _choice("extra", 1, integer(0, MOST_DISTRACTORS)),
    _choice("seed", 0, integer(0, 999_999)),
    _choice("board", "", _board),  # empty: drawn from the choices above
    _choice("cell", -1, integer(-1, 31)),  # -1: the first half that has its partner
    _choice("query", "object", one_of("object", "class")),
    _choice("head", BEST, _head),
    _choice("training", 0, integer(0, 99)),
    _choice("beta", 3.0, number(0, MOST_BETA)),
)
