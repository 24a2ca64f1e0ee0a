"""The door to gettext: every visible word of the dashboard passes through ``_``.

English is the source text. A language is one entry of ``LANGUAGES``, a catalogue in vitviz/ui/locale and a folder in
assets/text: no other code changes. Each reader has a language of their own, so it is kept by session and never in a
module; what is made outside the session, such as a file at a click, takes it along with ``kept``.
"""

from __future__ import annotations

import gettext
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "vitviz"
SOURCE = "en"
CLASS = "class"
"""Context of the names of classes: an orange is no colour there."""
LANGUAGES = {SOURCE: "English", "zh": "简体中文"}
_STATE = "vitviz_language"
_spoken: ContextVar[str] = ContextVar("spoken", default="")
_Made = TypeVar("_Made")


@cache
def translation(language: str) -> gettext.NullTranslations:
    """Return the catalogue of a language such as "zh", or the English source texts where there is none."""
    return gettext.translation(DOMAIN, localedir=LOCALE, languages=[language], fallback=True)


def speak(language: str) -> None:
    """Use a language for the rest of this run and for the later runs of this session's fragments."""
    _session()[_STATE] = language
    _spoken.set(language)


def language() -> str:
    """Return the language of this run; English in a thread that belongs to no reader, such as a shared job."""
    if not _spoken.get():
        _spoken.set(_session().get(_STATE, ""))
    return _spoken.get() or SOURCE


def _session() -> Any:
    """Return the session of this run, or an empty one; without Streamlit, whose words the command line shares."""
    if "streamlit" not in sys.modules:
        return {}
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    return {} if get_script_run_ctx(suppress_warning=True) is None else st.session_state


def of_locale(locale: str | None) -> str:
    """Return the language for a browser's locale, such as "zh-CN"; English where there is no catalogue for it."""
    short = (locale or SOURCE).replace("_", "-").partition("-")[0].lower()
    return short if short in LANGUAGES else SOURCE


def kept(make: Callable[..., _Made]) -> Callable[..., _Made]:
    """Return a function that runs ``make`` in the language of this moment, whatever thread calls it."""
    then = language()

    def run(*given: Any) -> _Made:
        token = _spoken.set(then)
        try:
            return make(*given)
        finally:
            _spoken.reset(token)

    return run


def gap() -> str:
    """Return what stands between two sentences of a paragraph: a space, or nothing in Chinese."""
    return "" if language() == "zh" else " "


def first_clause(text: str) -> str:
    """Return what stands before the first colon or comma, of any language."""
    return re.split("[:,：，]", text, maxsplit=1)[0]


def _(text: str) -> str:
    """Return the text in the language of the reader."""
    return translation(language()).gettext(text)


def ngettext(singular: str, plural: str, count: int) -> str:
    """Return the text for a count in the language of the reader: "1 block", but "2 blocks"."""
    return translation(language()).ngettext(singular, plural, count)


def pgettext(context: str, text: str) -> str:
    """Return the text in the language of the reader, for a word that means something else in another context."""
    return translation(language()).pgettext(context, text)


class _Later(str):
    """A source text that is translated whenever it is made into text, for what is written down before anyone reads."""

    __slots__ = ()

    def __str__(self) -> str:
        return _(super().__str__())


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark a constant, such as a spinner's words, to be translated for each reader who sees it."""
    return _Later(text)


def plain(text: str) -> str:
    """Return a text with Markdown's signs escaped, for messages that quote what a stranger typed."""
    return "".join("\\" + letter if letter in "\\`*_{}[]()<>#|~$:" else letter for letter in text)
