"""What the lessons by hand share: the reader's matrices, their names, and what becomes of an edit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.labs.attention_by_hand import HeadWeights
from vitviz.ui.choices.attention_from_scratch import HAND, HAND_EXAMPLE, HEAD_CHANNELS, matrices_of, tables_text
from vitviz.ui.choices.choice import Choice
from vitviz.ui.furniture import sheet_figures
from vitviz.ui.reader import link
from vitviz.ui.text import _

Matrices = dict[str, NDArray[np.float64]]


def matrices() -> Matrices:
    """Return the reader's matrices by their symbols."""
    return matrices_of(link.get(HAND))


def head_weights(given: Matrices) -> list[HeadWeights]:
    """Return the weights of each head: the columns of W_Q, W_K and W_V that are its own."""
    columns = [slice(start, start + HEAD_CHANNELS) for start in range(0, given["W_Q"].shape[1], HEAD_CHANNELS)]
    return [HeadWeights(*(given[name][:, own] for name in ("W_Q", "W_K", "W_V"))) for own in columns]


def table(*symbols: str) -> Callable[[], str]:
    """Return what draws some of the reader's matrices as tables, for the sheet of a class."""
    given, columns = matrices(), {"X": channels(), "W_O": channels()}
    named = {
        symbol: (
            tokens() if symbol == "X" else numbered("o", len(given[symbol])) if symbol == "W_O" else channels(),
            columns.get(symbol) or numbered(symbol[-1].lower(), given[symbol].shape[1]),
            given[symbol],
        )
        for symbol in symbols
    }
    return partial(sheet_figures.tables, named)


def set_number(symbol: str, row: int, column: int, value: float) -> None:
    """Put a number that was typed into one of the matrices into the link."""
    given = matrices()
    given[symbol][row, column] = value
    link.put(HAND.at(tables_text(given.values())))


def set_stage(choice: Choice[int], stage: int) -> None:
    """Put the stage that was opened into the link."""
    link.put(choice.at(stage))


def back_button() -> None:
    """Draw the button that brings the first numbers back, where there are others."""
    if link.get(HAND) != HAND_EXAMPLE:
        st.button(
            _("Back to the first numbers"),
            key="hand_back",
            icon=":material/undo:",
            on_click=lambda: link.put(HAND.at(HAND_EXAMPLE)),
        )


def tokens() -> list[str]:
    """Return the tokens' names, short enough for the head of a table."""
    return [str(number) for number in range(1, 6)]


def channels() -> list[str]:
    """Return what the four channels of a token hold."""
    return [_("red"), _("blue"), "cos", "sin"]


def numbered(name: str, count: int) -> list[str]:
    """Return the names of channels: a letter and a number from 1."""
    return [f"{name}{number}" for number in range(1, count + 1)]
