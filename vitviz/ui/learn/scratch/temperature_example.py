"""The temperature of attention on a small example: tokens to edit, attention, entropy and its two limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.figures.curve import Curve, Level
from vitviz.figures.theme import QUERY_ORANGE
from vitviz.labs import temperature as lab
from vitviz.labs.temperature import TemperedAttention
from vitviz.numbers import scientific
from vitviz.pictures.lessons import entropy, tempered, tokens
from vitviz.ui.choices.attention_from_scratch import (
    CHANNELS,
    LARGEST_NUMBER,
    STANDARD,
    TAU,
    TEMPERATURES,
    TOKEN_ROWS,
    TOKENS,
    Rows,
    rows_of,
    temperature_of,
    text_of,
)
from vitviz.ui.furniture import sheet_figures, tables
from vitviz.ui.reader import link
from vitviz.ui.text import _

_EDITED = "scratch_tokens_edited"
_VERSION = "scratch_tokens_version"
_BASE = "scratch_tokens_base"
_COLUMNS = ("q1", "q2", "k1", "k2")


@dataclass(frozen=True, eq=False)
class Example:
    """The reader's tokens and what the temperature makes of them."""

    rows: Rows
    """(token, 4): query and key of each token."""
    tempered: TemperedAttention


def example() -> Example:
    """Return the attention of the reader's tokens at the reader's temperature."""
    rows = rows_of(link.get(TOKEN_ROWS))
    table = np.array(rows)  # (token, 4)
    queries, keys = table[:, :CHANNELS], table[:, CHANNELS:]
    return Example(rows, lab.run(queries, keys, temperature_of(link.get(TAU))))


def names() -> list[str]:
    """Return what the tokens are called."""
    return tokens(TOKENS, _)


def scores(shown: Example) -> Callable[[], str]:
    """Return what draws the scores of the reader's tokens as a table, for the sheet of a class."""
    numbers = [str(number) for number in range(1, TOKENS + 1)]
    return partial(sheet_figures.tables, {"QKᵀ": (numbers, numbers, shown.tempered.scores)})


def in_words(text: str) -> str:
    """Return a temperature of the slider as it is shown."""
    if text == STANDARD:
        return f"√d = {math.sqrt(CHANNELS):.2f}"
    return {"inf": "∞"}.get(text, text)


def slider() -> None:
    """Draw the slider of the temperature; both of its ends are limits."""
    st.select_slider(_("Temperature τ"), TEMPERATURES, format_func=in_words, **link.widget(TAU))


def editor() -> None:
    """Draw the table of queries and keys; what is typed goes into the link, and a link's table into the editor."""
    text, state = link.get(TOKEN_ROWS), st.session_state
    if state.get(_EDITED) != text:  # it came with the link or from the button: the editor begins anew
        state[_BASE] = state[_EDITED] = text
        state[_VERSION] = state.get(_VERSION, 0) + 1
    base = np.array(rows_of(state[_BASE]))
    columns: dict[str, Any] = {_("token"): names()}
    columns |= {name: base[:, place] for place, name in enumerate(_COLUMNS)}
    cell = st.column_config.NumberColumn(
        min_value=-LARGEST_NUMBER, max_value=LARGEST_NUMBER, required=True, format="%g"
    )
    key = f"scratch_tokens_{state[_VERSION]}"
    st.data_editor(
        columns,
        key=key,
        disabled=[_("token")],
        hide_index=True,
        column_config=dict.fromkeys(_COLUMNS, cell),
        width="stretch",
        on_change=_take,
        args=(key,),
    )


def _take(key: str) -> None:
    """Put what was typed into the link."""
    text = edited(st.session_state[_BASE], st.session_state[key]["edited_rows"])
    st.session_state[_EDITED] = text
    link.put(TOKEN_ROWS.at(text))


def edited(base: str, changes: Mapping[int, Mapping[str, float | None]]) -> str:
    """Return the text of the example after changes (row → column → number); an emptied cell is 0."""
    rows = rows_of(base)
    for row, cells in changes.items():
        for name, value in cells.items():
            rows[int(row)][_COLUMNS.index(name)] = float(value or 0)
    return text_of(rows)


def attention_figure(shown: Example) -> go.Figure:
    """Return the attention of every token to every token, on the fixed scale from 0 to 1."""
    return tempered(shown.tempered, say=_).figure()


def entropy_figure(shown: Example, guess: Sequence[Curve] = ()) -> go.Figure:
    """Return the entropy of each query against the temperature, both limits, and the reader's temperature and guess."""
    curve = lab.curve(shown.tempered.scores, np.geomspace(0.02, 100, 90))
    now = shown.tempered.temperature
    own = [Level(_("your τ"), now, upright=True, colour=QUERY_ORANGE)] if 0 < now < math.inf else []
    return entropy(curve, extra=[*guess, *own], say=_).figure()


def table(shown: Example) -> None:
    """Draw the numbers of each query: entropy, effective tokens, and the slope by formula and by difference."""
    tempered = shown.tempered
    measured = lab.numerical_slope(tempered.scores, tempered.temperature)
    tables.draw(
        {
            _("Query"): names(),
            _("Entropy H"): [f"{value:.4f}" for value in tempered.entropy],
            _("exp(H)"): [f"{value:.3f}" for value in tempered.effective],
            _("−β·Var"): [f"{value:.6f}" for value in tempered.slope],
            _("dH/dβ"): [f"{value + 0.0:.6f}" for value in measured],
        },
        alt=_("One row a query"),
    )
    words = _("exp(H) is the effective number of tokens that a query attends to, 1 to {tokens}. ")
    st.caption(words.format(tokens=TOKENS) + _slope_words(tempered, measured))


def _slope_words(tempered: TemperedAttention, measured: NDArray[np.float64]) -> str:
    if tempered.temperature == 0:
        return _("At τ = 0 the slope is its limit, 0: there is no colder temperature to take a difference with.")
    gap = float(np.abs(tempered.slope - measured).max())
    return _("The slope by its formula, −β·Var, and by the difference of two entropies, dH/dβ, agree to {gap}.").format(
        gap=scientific(max(gap, 1e-16), 1)
    )


def limit_words(shown: Example) -> None:
    """Say what the ends of the slider are, where it stands at one."""
    tempered = shown.tempered
    if tempered.temperature == 0:
        ties = ", ".join(f"{round(value)}" for value in tempered.effective)
        st.info(
            _(
                "τ = 0 is the limit: all attention is on the largest score, and equal largest scores share it. "
                "Numbers of maxima, query by query: {ties}; the entropy is the logarithm of that."
            ).format(ties=ties),
            icon=":material/ac_unit:",
        )
    elif tempered.temperature == math.inf:
        st.info(
            _(
                "τ = ∞ is the limit: every score divided by it is 0, attention is uniform, and the entropy is "
                "log {tokens} = {entropy:.4f} for every query."
            ).format(tokens=TOKENS, entropy=math.log(TOKENS)),
            icon=":material/local_fire_department:",
        )
