"""The reader's choices, and the link that reproduces them.

The choices live in session state under plain keys, so they survive page changes; the URL is a copy of them.
Reading the URL is done here and not by Streamlit's own binding, because a binding drops what does not fit
without a word, and because a link must work on pages that do not show the widget.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from vitviz.ui.choices import CHOICES
from vitviz.ui.choices.choice import Choice, Setting, Value
from vitviz.ui.text import _, gap
from vitviz.ui.words.errors import reason

_STATE = "vitviz_choices"
_ASIDE: ContextVar[dict[str, Any] | None] = ContextVar("vitviz_choices_aside", default=None)
_WRITTEN = "vitviz_links_written"
_PAGE = "vitviz_page"
_STALE_SECONDS = 1.5
_STALE_UNTOUCHED = 0.3
"""The same for a run in which nothing was chosen: the back button needs no click on the page."""
_TOUCHED = "vitviz_choices_touched"
_SHOWN = "vitviz_widgets_shown"
_ECHO_SECONDS = 1.0
_NOTICES = "vitviz_notices"
_ADDED = ("utm_", "fbclid", "gclid")
"""What newsletters and search engines add to every link: it is no choice of the reader's."""
_MOST_TOLD = 3


def enter(name: str) -> None:
    """Say which page this run shows, by its file's name: its own choices are then part of the link."""
    st.session_state[_PAGE] = name


def page() -> str:
    """Return the name of the page that this run shows; empty before the first."""
    name: str = st.session_state.get(_PAGE, "")
    return name


def _here() -> list[Choice[Any]]:
    """Return the choices that the link of this page has."""
    name = page()
    return [choice for choice in CHOICES.values() if not choice.pages or name in choice.pages]


def get(choice: Choice[Value]) -> Value:
    """Return the value of a choice."""
    value: Value = _choices().get(choice.name, choice.default)
    return value


def _choices() -> dict[str, Any]:
    """Return the choices that count now: the reader's own, or those that this run looks at aside."""
    choices: dict[str, Any] | None = _ASIDE.get()
    return st.session_state.setdefault(_STATE, {}) if choices is None else choices


def put(*settings: Setting) -> None:
    """Set choices: ``link.put(LAYER.at(3), HEAD.at("mean"))``."""
    st.session_state[_TOUCHED] = True
    for setting in settings:
        _choices()[setting.name] = setting.value


@contextmanager
def aside(settings: Iterable[Setting]) -> Iterator[None]:
    """Look at other choices for a while, beside those that are not named; the reader's own stay as they are.

    Other runs of the same reader never see them, nor does what is left of this one when Streamlit stops it meanwhile:
    a stopped run can put nothing back into session state.
    """
    looked_at = {**_choices(), **{setting.name: setting.value for setting in settings}}
    before = _ASIDE.set(looked_at)
    try:
        yield
    finally:
        _ASIDE.reset(before)


def notice(text: str) -> None:
    """Keep a message for the top of the page, shown once."""
    notices: list[str] = st.session_state.setdefault(_NOTICES, [])
    if text not in notices:
        notices.append(text)


def take_notices() -> list[str]:
    """Return the kept messages and forget them."""
    taken: list[str] = st.session_state.pop(_NOTICES, [])
    return taken


def receive() -> None:
    """Take over what the link says, if it is another than the one written last; what does not fit is told.

    An empty link beside existing choices is a page change, which drops the parameters, and changes nothing. A link
    written a moment ago comes back from the browser when the reader clicks faster than the address bar follows; it
    is not a wish to go back; without a click it is one much sooner. A whole link, as ``publish`` writes it, leaves out
    what stands at its default; a link with a few choices, as pages have for each other, leaves the others as they are.
    """
    link = st.query_params.to_dict()
    known = {name: text for name, text in link.items() if name in CHOICES}
    _tell_unknown({name: text for name, text in link.items() if name not in CHOICES})
    written: list[tuple[float, dict[str, str]]] = st.session_state.get(_WRITTEN, [])
    stale = _STALE_SECONDS if st.session_state.get(_TOUCHED) else _STALE_UNTOUCHED
    recent = [past for moment, past in written if time.monotonic() - moment < stale]
    if not known or (written and link == written[-1][1]) or link in recent:
        return
    if all(choice.name in known for choice in CHOICES.values() if choice.always):
        put(*(choice.at(choice.default) for choice in _here() if choice.name not in known))
    for name, text in known.items():
        try:
            put(CHOICES[name].at(CHOICES[name].read(text)))
        except ValueError as error:
            notice(
                _("The link says {name}={text}, which cannot be used ({reason}); it is left out.").format(
                    name=name, text=repr(text[:60]), reason=reason(error)
                )
            )


def _tell_unknown(parameters: Mapping[str, str]) -> None:
    """Tell what a link says that is no choice; the link that is written next has it no more."""
    meant = {name: text for name, text in parameters.items() if not name.startswith(_ADDED)}
    for name, text in list(meant.items())[:_MOST_TOLD]:
        told = _("The link says {name}={text}, which is not a choice here; it is left out.").format(
            name=repr(name[:60]), text=repr(text[:60])
        )
        near = get_close_matches(name, CHOICES, n=1, cutoff=0.75)
        notice(told + (gap() + _("Perhaps {other} was meant.").format(other=near[0]) if near else ""))


def _parameters(settings: Iterable[Setting] = ()) -> dict[str, str]:
    """Return the parameters of this page's link, with some choices set otherwise."""
    changed = {setting.name: setting.value for setting in settings}
    link: dict[str, str] = {}
    for choice in _here():
        value = changed.get(choice.name, get(choice))
        if choice.always or value != choice.default:
            link[choice.name] = str(int(value)) if isinstance(value, bool) else str(value)
    return link


def settings() -> tuple[Setting, ...]:
    """Return every choice of this page's link as it is set now."""
    return tuple(choice.at(get(choice)) for choice in _here())


def address(*settings: Setting) -> str:
    """Return the whole address of this view, with some choices set otherwise: ``link.address(LAYER.at(3))``."""
    base = (st.context.url or "").partition("?")[0]
    return f"{base}?{urlencode(_parameters(settings))}"


def publish() -> None:
    """Write the choices into the URL, so that the address bar always holds a link to this view."""
    link = _parameters()
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)
    written: list[tuple[float, dict[str, str]]] = st.session_state.setdefault(_WRITTEN, [])
    if not written or written[-1][1] != link:
        if written:
            written[-1] = (time.monotonic(), written[-1][1])  # when it was replaced
        written.append((time.monotonic(), link))
        del written[:-20]
    st.session_state[_TOUCHED] = False


def widget(choice: Choice[Any]) -> dict[str, Any]:
    """Return ``key`` and ``on_change`` that tie a Streamlit widget to a choice.

    The widget is set from the choice before it is drawn, so the two never disagree.
    """
    key = f"choice_{choice.name}"
    return {"key": key, "on_change": tie(key, get(choice), lambda value: put(choice.at(value)))}


def tie(key: str, value: Any, keep: Callable[[Any], None]) -> Callable[[], None]:
    """Set a widget to a value before it is drawn, and return its ``on_change``, which keeps what the reader chose.

    A browser says the values of all widgets with each choice. One that had not heard yet what another choice made of
    this widget says its old value, which looks like a choice of it; it is none.
    """
    shown: list[tuple[float, Any]] = st.session_state.setdefault(_SHOWN, {}).setdefault(key, [])
    now = time.monotonic()
    if not shown or shown[-1][1] != value:
        shown[-1:] = [(now, past) for _moment, past in shown[-1:]]  # when it was replaced
        shown.append((now, value))
        del shown[:-5]
    st.session_state[key] = value

    def changed() -> None:
        chosen = st.session_state[key]
        if any(past == chosen and time.monotonic() - moment < _ECHO_SECONDS for moment, past in shown[:-1]):
            return
        shown[:] = [(time.monotonic(), chosen)]
        keep(chosen)

    return changed
