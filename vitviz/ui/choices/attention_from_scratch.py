"""The choices of the page Attention from scratch."""

from __future__ import annotations

import math

from vitviz.errors import OptionError
from vitviz.ui.choices.choice import Choice, flag, integer, number, one_of, whole
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


def temperature_of(text: str) -> float:
    """Return τ for one of TEMPERATURES: a number, √d or infinity."""
    return math.sqrt(CHANNELS) if text == STANDARD else float(text)


def factor_of(text: str) -> float:
    """Return the number that one of FACTORS stands for: a power of √2."""
    return float(2 ** (round(2 * math.log2(float(text))) / 2))


def _tokens(text: str) -> str:
    rows_of(text)
    return text


def _layer(text: str) -> str:
    return text if text == "all" else str(whole(text))


EXPERIMENT = Choice("scratch", "temperature", one_of("temperature", "places", "order", "encodings"), pages=(PAGE,))
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
