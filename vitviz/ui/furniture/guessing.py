"""The way through a section: a guess before the answer, the guess beside it, then do – see – conclude.

A guess is kept for its section in the reader's session. It is no choice of the link: who opens a link guesses anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from vitviz.figures.curve import Curve
from vitviz.figures.theme import QUERY_ORANGE
from vitviz.ui.choices.lesson import CLASS, COURSE, GUESS_FIRST
from vitviz.ui.furniture.guess import CurveGuess, Guess
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain

_KEPT = "vitviz_guesses"
_SECTION = "vitviz_section"
_GUIDANCE = "vitviz_guidance"
_WAITS = "vitviz_answer_waits"
_CLASS = "vitviz_class_link"


@dataclass(frozen=True)
class Kept:
    """A reader's guess of a section."""

    value: Any
    """None where the reader wanted the answer without a guess."""
    about: Hashable
    words: str
    """The guess in words, as it was made."""


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """The way through a section, in the reader's language."""

    guess: Guess
    do: str
    """Which knob to turn how."""
    see: str
    """What changes then."""
    conclude: str
    """What that says."""
    figure: Callable[[], str] | None = None
    """Draws the section's own picture for the sheet of a class, without its answer; without, the photo stands there.

    It is called outside the reader's session, see ``sheet_figures``."""


def enter(page: str, section: str) -> None:
    """Say which section of which page this run draws: guesses belong to it."""
    st.session_state[_SECTION] = f"{page}_{section}"
    st.session_state.pop(_GUIDANCE, None)
    st.session_state[_WAITS] = False


def _section() -> str:
    return str(st.session_state.get(_SECTION, ""))


def _all() -> dict[str, Kept]:
    kept: dict[str, Kept] = st.session_state.setdefault(_KEPT, {})
    return kept


def first() -> bool:
    """Return whether guesses come before answers."""
    return bool(link.get(GUESS_FIRST) or link.get(CLASS))


def switch() -> None:
    """Draw the toggle of the guesses; in a class they always come first."""
    tied = link.widget(GUESS_FIRST)

    def changed() -> None:
        tied["on_change"]()
        for section in [section for section, kept in _all().items() if kept.value is None]:
            del _all()[section]

    if link.get(CLASS):
        st.session_state[tied["key"]] = True
        settings = tuple(setting for setting in link.settings() if setting.name != COURSE.name)
        first = st.session_state.setdefault(f"{_CLASS}_{_section()}", settings)
        if settings != first:
            st.button(
                _("Back to the settings of the class"),
                icon=":material/school:",
                key="class_back",
                on_click=lambda: link.put(*first),
            )
    st.toggle(
        _("Guess first"),
        key=tied["key"],
        on_change=changed,
        disabled=link.get(CLASS),
        help=_("The answer of a section is hidden until you have guessed it. Your guess stays beside the answer."),
        width="content",
    )


def guided(guidance: Guidance, *, figure: Callable[[], str] | None = None) -> bool:
    """Draw the guess of a section and return whether its answer may be shown now.

    Where it may, the guess stands beside the answer, and the three steps follow. A section calls it below its question
    and its knobs, and returns None where it must wait. ``figure`` is that of the guidance.
    """
    shown = asked(replace(guidance, figure=figure))
    if shown:
        steps(guidance)
    return shown


def current() -> Guidance | None:
    """Return the guess and the steps of the section that this run has drawn; None for a section without."""
    guidance: Guidance | None = st.session_state.get(_GUIDANCE)
    return guidance


def waits() -> bool:
    """Return whether the answer of the section that this run has drawn waits for a guess."""
    return bool(st.session_state.get(_WAITS))


def asked(guidance: Guidance) -> bool:
    """Draw the question of a guess, or the guess beside the answer; return whether the answer may be shown now."""
    st.session_state[_GUIDANCE] = guidance
    section, guess = _section(), guidance.guess
    kept = _all().get(section)
    if kept is not None and kept.value is not None and not guess.fits(kept.value):
        kept = None
    st.session_state[_WAITS] = kept is None and first()
    if kept is None and first():
        _ask(section, guess)
        return False
    if kept is not None and kept.value is not None:
        _beside(section, guess, kept)
    return True


def forget(section: str) -> None:
    """Forget the guess of a section."""
    _all().pop(section, None)


def steps(guidance: Guidance) -> None:
    """Draw the three steps through a section."""
    parts = ((_("Do"), guidance.do), (_("See"), guidance.see), (_("Conclude"), guidance.conclude))
    with st.container(key="steps"):
        columns = st.columns(3, gap="medium")
        for number, (column, (title, words)) in enumerate(zip(columns, parts, strict=True), start=1):
            column.markdown(f"**{number} · {title}**  \n{words}")


def drawn(guess: CurveGuess) -> list[Curve]:
    """Return the curve that the reader drew in this section, to stand in the figure of the answer; empty without."""
    kept = _all().get(_section())
    if kept is None or kept.value is None or not guess.fits(kept.value) or kept.about != guess.about:
        return []
    return [Curve(_("your guess"), guess.axes.places, kept.value, QUERY_ORANGE, "dot")]


def _bold(words: str) -> str:
    return f"**{words}**"


def _ask(section: str, guess: Guess) -> None:
    def keep(value: Any) -> None:
        _all()[section] = Kept(value, guess.about, "" if value is None else guess.words(value))

    with st.container(border=True, key="guess"):
        st.markdown(":material/lightbulb: " + _bold(_("Guess first")))
        st.markdown(guess.question)
        guess.ask(f"guess_{section}", keep)
        if not link.get(CLASS):
            st.button(
                _("Show the answer without a guess"),
                type="tertiary",
                key=f"guess_{section}_skip",
                on_click=lambda: keep(None),
            )


def _beside(section: str, guess: Guess, kept: Kept) -> None:
    """Draw the guess beside the answer, with a tick where it is earned."""
    with st.container(border=True, key="guess"):
        st.markdown(guess.question)
        mine, answer = st.columns(2, gap="medium")
        mine.markdown(_bold(_("Your guess")) + f"  \n{plain(kept.words)}")
        if kept.about != guess.about:
            verdict = ":material/history: " + _bold(_("The answer has changed since"))
        elif guess.is_right(kept.value):
            verdict = ":material/check_circle: " + _bold(_("Right"))
        else:
            verdict = ":material/arrow_forward: " + _bold(_("The answer"))
        answer.markdown(f"{verdict}  \n{plain(guess.answer)}")
        st.button(_("Guess again"), type="tertiary", key=f"guess_{section}_again", on_click=forget, args=(section,))
