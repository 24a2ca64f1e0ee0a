"""What a reader guesses before the answer is shown: an option with its reason, a number, or a curve.

Each kind says its question, draws what the reader answers with, and knows when a guess earns its tick: for an option
that is right together with its reason, and for numbers and curves inside a tolerance that is told beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import streamlit as st

from vitviz.numbers import percent
from vitviz.ui.components.curve_sketch import SketchAxes, curve_sketch
from vitviz.ui.text import _

Keep = Callable[[Any], None]
"""Takes over the reader's guess."""


class Guess(Protocol):
    """A question and what it takes to answer it."""

    @property
    def question(self) -> str:
        """In the reader's language."""

    @property
    def about(self) -> Hashable:
        """The settings that the answer depends on: a guess made at other ones gets no tick."""

    def ask(self, key: str, keep: Keep) -> None:
        """Draw what the reader answers with; ``keep`` gets the guess before the script runs again."""

    def fits(self, value: Any) -> bool:
        """Return whether a kept value is a guess at this question."""

    def is_right(self, value: Any) -> bool:
        """Return whether a guess earns its tick."""

    def words(self, value: Any) -> str:
        """Return a guess in words."""

    @property
    def answer(self) -> str:
        """The answer in words."""


@dataclass(frozen=True, kw_only=True)
class OptionGuess:
    """One of some answers, each with its reason, so that a tick is not luck."""

    question: str
    options: Sequence[str]
    """In the reader's language: what happens, and why."""
    right: int
    """Place of the right option."""
    about: Hashable = None

    def ask(self, key: str, keep: Keep) -> None:
        """Draw the options."""
        with st.form(key, border=False, enter_to_submit=False):
            st.radio(
                self.question,
                range(len(self.options)),
                index=None,
                format_func=lambda place: self.options[place],
                key=f"{key}_option",
                label_visibility="collapsed",
            )
            _submit(key, lambda: st.session_state.get(f"{key}_option"), keep)

    def fits(self, value: Any) -> bool:
        """Return whether a kept value is the place of an option."""
        return isinstance(value, int) and 0 <= value < len(self.options)

    def is_right(self, value: Any) -> bool:
        """Return whether the option is the right one."""
        return bool(value == self.right)

    def words(self, value: Any) -> str:
        """Return the option."""
        return self.options[int(value)]

    @property
    def answer(self) -> str:
        """The right option."""
        return self.options[self.right]


@dataclass(frozen=True, kw_only=True)
class NumberGuess:
    """A number, right inside a share of the truth."""

    question: str
    truth: float
    within: float
    """Largest difference that earns a tick, as a share of the truth."""
    unit: str = ""
    about: Hashable = None

    def ask(self, key: str, keep: Keep) -> None:
        """Draw the field for the number."""
        with st.form(key, border=False):
            st.number_input(
                self.unit or self.question,
                value=None,
                format="%g",
                key=f"{key}_number",
                label_visibility="visible" if self.unit else "collapsed",
                width=260,
            )
            st.caption(
                _("A tick for a guess within {share} of the answer.").format(share=percent(self.within))
                if self.within
                else _("A tick for the exact number.")
            )
            _submit(key, lambda: st.session_state.get(f"{key}_number"), keep)

    def fits(self, value: Any) -> bool:
        """Return whether a kept value is a number."""
        return isinstance(value, int | float)

    def is_right(self, value: Any) -> bool:
        """Return whether the number lies inside the tolerance."""
        return bool(abs(value - self.truth) <= self.within * abs(self.truth))

    def words(self, value: Any) -> str:
        """Return the number with its unit."""
        return f"{value:,.4g} {self.unit}".strip()

    @property
    def answer(self) -> str:
        """The truth with its unit."""
        return self.words(self.truth)


@dataclass(frozen=True, kw_only=True)
class CurveGuess:
    """A curve, drawn at some places, right inside a share of the axis' height."""

    question: str
    axes: SketchAxes
    truth: Sequence[float]
    """Height at each place of the axes."""
    within: float = 0.15
    """Largest distance that earns a tick, at any place, as a share of the axis."""
    about: Hashable = None

    def ask(self, key: str, keep: Keep) -> None:
        """Draw the empty plot."""
        curve_sketch(self.axes, key=f"{key}_sketch", on_drawn=keep)
        st.caption(
            _("A tick for a curve that is nowhere further away than {share} of the axis.").format(
                share=percent(self.within)
            )
        )

    def fits(self, value: Any) -> bool:
        """Return whether a kept value has a height for each place."""
        return isinstance(value, tuple) and len(value) == len(self.axes.places)

    def distance(self, value: Sequence[float]) -> float:
        """Return the largest distance to the truth, as a share of the axis."""
        pairs = zip(value, self.truth, strict=True)
        return max(abs(self.axes.share(drawn) - self.axes.share(true)) for drawn, true in pairs)

    def is_right(self, value: Any) -> bool:
        """Return whether the curve stays inside the tolerance."""
        return self.distance(value) <= self.within + 1e-9

    def words(self, value: Any) -> str:
        """Return the height at each place."""
        pairs = zip(self.axes.places, value, strict=True)
        return _("; ").join(f"{place:g}: {self.axes.words(height)}" for place, height in pairs)

    @property
    def answer(self) -> str:
        """The true heights."""
        return self.words(self.truth)


def _submit(key: str, read: Callable[[], Any], keep: Keep) -> None:
    """Draw the button of a form; an empty form is told and kept waiting."""

    def submitted() -> None:
        value = read()
        if value is None:
            st.session_state[f"{key}_empty"] = True
        else:
            st.session_state.pop(f"{key}_empty", None)
            keep(value)

    st.form_submit_button(_("This is my guess"), type="primary", on_click=submitted, key=f"{key}_submit")
    if st.session_state.get(f"{key}_empty"):
        st.caption(_("Choose or type something first."))
