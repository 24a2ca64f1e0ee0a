"""Tables of results: text of the page, which wraps, grows with it, prints and is read aloud."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from numbers import Integral, Real

import streamlit as st

from vitviz.numbers import minus, number
from vitviz.ui.text import plain

_NEGATIVE = re.compile(r"(?<![^\s(±])-(?=[\d.])")
"""The sign of a number in a cell of words: not a hyphen inside of one."""


def draw(columns: Mapping[str, Sequence[object]], *, alt: str, height: int | None = None) -> None:
    """Draw columns of words and numbers under their titles.

    Whole numbers get their thousands apart, others three figures. ``alt`` says in words what a row is. With a
    ``height`` in pixels the rows scroll below their titles. Lists to sort and to search are Streamlit's own: their
    type is smaller than a page's and is cut where a column ends.
    """
    st.table(
        {plain(title): [cell(value) for value in values] for title, values in columns.items()},
        hide_index=True,
        height=height or "content",
        alt=alt,
    )


def cell(value: object) -> str:
    """Return a value as it stands in a table."""
    if isinstance(value, Integral):
        return minus(f"{value:,}")
    return number(float(value)) if isinstance(value, Real) else plain(_NEGATIVE.sub("−", str(value)))
