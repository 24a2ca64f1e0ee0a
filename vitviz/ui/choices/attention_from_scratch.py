"""The choices of the page Attention from scratch."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice, flag, integer, name_or_none, number, one_of, share, whole
from vitviz.ui.text import _

PAGE = "attention_from_scratch"
STANDARD = "sqrt"
"""The temperature √d."""
TEMPERATURES = (
    "0", "0.05", "0.1", "0.2", "0.35", "0.5", "0.7", "1", STANDARD, "2", "3", "4", "6", "8", "16", "32", "64", "inf",
)  # fmt: skip
FACTORS = ("0.125", "0.25", "0.5", "0.71", "1", "1.41", "2", "4", "8")
TOKENS, CHANNELS = 5, 2
"""Of the example; each token has a query and a key."""
EXAMPLE = "1_0_2_0.5~0_1_0.5_2~2_1_1_1~-1_0.5_-1_1~1_1_2_0.5"
"""One token between two signs ~: query and then key. The first and the last key are alike, so that they tie."""
LARGEST_NUMBER = 9.0

Rows = list[list[float]]


def rows_of(text: str) -> Rows:
    """Return the rows of the example, a token each: (query, query, key, key).

    Raises OptionError for another number of tokens or numbers, or one beyond ±9.
    """
    read = number(-LARGEST_NUMBER, LARGEST_NUMBER)
    rows = [[read(part) for part in row.split("_")] for row in text.split("~")]
    if len(rows) != TOKENS or any(len(row) != 2 * CHANNELS for row in rows):
        raise OptionError(_("wanted {tokens} tokens of {count} numbers").format(tokens=TOKENS, count=2 * CHANNELS))
    return rows


def text_of(rows: Rows) -> str:
    """Return the text of the link for rows of numbers."""
    return "~".join("_".join(f"{value:g}" for value in row) for row in rows)


BY_HAND = {"X": (5, 4), "W_Q": (4, 4), "W_K": (4, 4), "W_V": (4, 4), "W_O": (4, 4)}
"""The matrices of the heads by hand: five tokens of D = 4 channels, the weights of both heads side by side."""
HEAD_CHANNELS = 2
"""Channels of a head by hand, d."""
HAND_EXAMPLE = (
    "1_0_1_0_0_1_0.31_0.95_1_0_-0.81_0.59_1_0_-0.81_-0.59_0_1_0.31_-0.95~"
    "3_0_0_0_0_3_0_0_0_0_1.24_-3.8_0_0_3.8_1.24~1_0_0_0_0_1_0_0_0_0_1_0_0_0_0_1~"
    "1_0_1_0_0_1_0_1_0_0_0_0_0_0_0_0~1_0_0_0_0_1_0_0_0.5_-0.5_0_0_-0.5_0.5_0_0"
)
"""Three red and two blue tokens on a ring. Head 1 asks for the own colour, head 2 for the place one step before."""
LAYERS_EXAMPLE = "0.7_0.3_0_0_0.3_0.7_0_0_0_0_0.6_0.4_0_0_0.4_0.6~0.5_0_0.5_0_0_0.5_0_0.5_0.5_0_0.5_0_0_0.5_0_0.5"
"""Two layers over four tokens: neighbours look at each other below, every other token above."""
ROLLED = 4
"""Tokens of the rollout by hand."""


def matrices_of(text: str) -> dict[str, NDArray[np.float64]]:
    """Return the matrices of the heads by hand by their symbols.

    Raises OptionError for another number of numbers, or one beyond ±9.
    """
    return dict(zip(BY_HAND, _tables(text, list(BY_HAND.values()), -LARGEST_NUMBER), strict=True))


def layers_of(text: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two layers of attention of the rollout by hand, rows made to sum to 1.

    Raises OptionError for another number of numbers, a negative number or a row of zeros.
    """
    first, second = (table / _sums(table) for table in _tables(text, [(ROLLED, ROLLED)] * 2, 0))
    return first, second


def _sums(table: NDArray[np.float64]) -> NDArray[np.float64]:
    sums: NDArray[np.float64] = table.sum(-1, keepdims=True)
    if not sums.all():
        raise OptionError(_("wanted rows with a number above 0"))
    return sums


def _tables(text: str, shapes: list[tuple[int, int]], low: float) -> list[NDArray[np.float64]]:
    read, parts = number(low, LARGEST_NUMBER), [part.split("_") for part in text.split("~")]
    if [len(part) for part in parts] != [rows * columns for rows, columns in shapes]:
        raise OptionError(_("wanted {count} tables of numbers").format(count=len(shapes)))
    numbers = [[read(entry) for entry in part] for part in parts]
    return [np.array(part).reshape(shape) for part, shape in zip(numbers, shapes, strict=True)]


def tables_text(tables: Iterable[NDArray[np.float64]]) -> str:
    """Return the text of the link for tables of numbers."""
    return "~".join("_".join(f"{value:.4g}" for value in table.ravel()) for table in tables)


def temperature_of(text: str) -> float:
    """Return τ for one of TEMPERATURES: a number, √d or infinity."""
    return math.sqrt(CHANNELS) if text == STANDARD else float(text)


def factor_of(text: str) -> float:
    """Return the number that one of FACTORS stands for: a power of √2."""
    return float(2 ** (round(2 * math.log2(float(text))) / 2))


def _tokens(text: str) -> str:
    rows_of(text)
    return text


def _hand(text: str) -> str:
    matrices_of(text)
    return text


def _layers(text: str) -> str:
    layers_of(text)
    return text


def _layer(text: str) -> str:
    return text if text == "all" else str(whole(text))


EXPERIMENT = Choice(
    "scratch",
    "head",
    one_of("head", "several", "temperature", "places", "order", "encodings", "rollout"),
    pages=(PAGE,),
)
TAU = Choice("tau", STANDARD, one_of(*TEMPERATURES), pages=(PAGE,))
TOKEN_ROWS = Choice("tokens", EXAMPLE, _tokens, pages=(PAGE,))
FACTOR = Choice("factor", "2", one_of(*FACTORS), pages=(PAGE,))
HEATED = Choice("heated", "all", _layer, pages=(PAGE,))
HEAT_SWEEP = Choice("heat_sweep", False, flag, pages=(PAGE,))
LIKING = Choice("liking", 2.0, number(-8, 8), pages=(PAGE,))
PERMUTED = Choice("permuted", 16, integer(2, 64), pages=(PAGE,))
PERMUTED_SEED = Choice("permuted_seed", 0, integer(0, 99), pages=(PAGE,))
PERMUTED_MODEL = Choice("permuted_model", False, flag, pages=(PAGE,))
ENCODING_WIDTH = Choice("encoding_width", "384", one_of("16", "64", "384"), pages=(PAGE,))
HAND = Choice("hand", HAND_EXAMPLE, _hand, pages=(PAGE,))
HEAD_STAGE = Choice("head_stage", 0, integer(0, 9), pages=(PAGE,))
SEVERAL_STAGE = Choice("several_stage", 0, integer(0, 9), pages=(PAGE,))
REAL_STAGE = Choice("real_stage", 0, integer(0, 9), pages=(PAGE,))
REAL_HEAD = Choice("real_head", 0, integer(0, 99), pages=(PAGE,))
ROLLED_LAYERS = Choice("rolled", LAYERS_EXAMPLE, _layers, pages=(PAGE,))
ROLLED_RESIDUAL = Choice("rolled_residual", 0.0, share, pages=(PAGE,))
ROLLED_STAGE = Choice("rolled_stage", 2, integer(0, 9), pages=(PAGE,))
ROLLED_PHOTO = Choice("rolled_photo", "", name_or_none, pages=(PAGE,))  # empty: the next example
