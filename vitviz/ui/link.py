"""The reader's choices, and the link that reproduces them.

The choices live in session state under plain keys, so they survive page changes; the URL is a copy of them.
Reading the URL is done here and not by Streamlit's own binding, because a binding drops what does not fit
without a word, and because a link must work on pages that do not show the widget.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vitviz.attention.statistics import STATISTICS
from vitviz.attribution.attribute import find_method
from vitviz.errors import OptionError, check_choice
from vitviz.ui.text import _

_STATE = "vitviz_choices"
_WRITTEN = "vitviz_links_written"
_STALE_SECONDS = 1.5
LARGEST_SIDE = 640
"""Largest input size that a reader can ask for, in pixels: attention costs the fourth power of the side."""
_NOTICES = "vitviz_notices"
METHOD_SEPARATOR = "-"
NO_METHOD = "none"


@dataclass(frozen=True)
class Choice:
    """One choice: its name in the link, its default and how its text is read."""

    name: str
    default: Any
    read: Callable[[str], Any]
    """From the link's text to the value; raises ValueError, with the reason, for a text that is none."""
    always: bool = False
    """Whether it stands in the link even at its default, so that going back restores it."""


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise OptionError(_("wanted a whole number from 0"))
    return int(text)


def _side(text: str) -> int:
    pixels = _whole(text)
    if pixels > LARGEST_SIDE:
        raise OptionError(_("wanted at most {most} pixels").format(most=LARGEST_SIDE))
    return pixels


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise OptionError(_("wanted a number from 0 to 1"))
    return value


def _name(text: str) -> str:
    if (
        not text
        or len(text) > 120
        or not all(letter.isalnum() or letter in " :._-" for letter in text)
    ):
        raise OptionError(_("wanted letters, digits and : . _ -"))
    return text


def _head(text: str) -> str:
    if text not in ("mean", "max"):
        _whole(text)
    return text


def _flag(text: str) -> bool:
    return check_choice("Value", text, ("0", "1")) == "1"


def _class(text: str) -> str:
    return text and str(_whole(text))


def _methods(text: str) -> str:
    if text != NO_METHOD:
        for name in text.split(METHOD_SEPARATOR) if text else ():
            find_method(name)
    return text


def _one_of(*options: str) -> Callable[[str], str]:
    return lambda text: check_choice("Value", text, options)


CHOICES: dict[str, Choice] = {
    choice.name: choice
    for choice in (
        Choice("example", "", _name, always=True),
        Choice("model", "default", _name, always=True),
        Choice("layer", -1, _whole, always=True),  # -1: the last layer
        Choice("head", "mean", _head, always=True),
        Choice("patch", "", _name, always=True),
        Choice("weights", "pretrained", _one_of("pretrained", "random")),
        Choice("size", 0, _side),
        Choice("direction", "attends_to", _one_of("attends_to", "attended_by")),
        Choice("scale", "map", _one_of("map", "layer", "model", "absolute")),
        Choice("special", True, _flag),
        Choice("opacity", 0.6, _share),
        Choice("palette", "viridis", _one_of("viridis", "cividis", "spotlight")),
        Choice("smooth", False, _flag),
        Choice("statistic", "distance", _one_of(*STATISTICS)),
        Choice("fusion", "mean", _one_of("mean", "max", "min")),
        Choice("discard", 0.0, _share),
        Choice("residual", 0.5, _share),
        Choice("start", 0, _whole),
        Choice("end", -1, lambda text: -1 if text == "-1" else _whole(text)),
        Choice("pictures", "one", _one_of("one", "examples")),
        Choice("field_scale", "log", _one_of("log", "linear")),
        Choice("depths", False, _flag),
        Choice("shuffle", False, _flag),
        Choice("methods", "", _methods),  # empty: those that a model is shown with first
        Choice("target", "", _class),  # empty: the top answer
        Choice("versus", "", _class),
        Choice("knobs", "", lambda text: text and _knobs(text)),
        Choice("ablate", "", lambda text: "" if not text else _pairs(text)),
    )
}


def _pairs(text: str) -> str:
    pairs_of(text)
    return text


def pairs_of(text: str) -> list[tuple[int, int]]:
    """Return the (layer, head) pairs of a text such as "3.1-11.5"; raises OptionError for another text."""
    pairs = [part.split(".") for part in text.split("-") if part]
    if not all(len(pair) == 2 and pair[0].isdecimal() and pair[1].isdecimal() for pair in pairs):
        raise OptionError(_("wanted heads such as 3.1-11.5"))
    return [(int(layer), int(head)) for layer, head in pairs]


def _knobs(text: str) -> str:
    knobs_of(text)
    return text


def knobs_of(text: str) -> dict[str, dict[str, Any]]:
    """Return the knobs of methods from a text such as "occlusion:window:3~rise:keep:0.4".

    Raises OptionError for another text, an unknown method or knob, or a value out of range.
    """
    found: dict[str, dict[str, Any]] = {}
    for part in text.split("~") if text else ():
        method, _first, rest = part.partition(":")
        name, _second, value = rest.partition(":")
        found.setdefault(method, {})[name] = _knob(method, name, value)
    return found


def _knob(method: str, name: str, text: str) -> Any:
    knobs = {knob.name: knob for knob in find_method(method).knobs}
    if name not in knobs:
        raise OptionError(_("{method} has no knob {name}").format(method=method, name=repr(name)))
    if knobs[name].kind in ("layer", "integer"):
        return knobs[name].check(_whole(text), 1_000_000)
    return knobs[name].check(text, 0)


def get(name: str) -> Any:
    """Return the value of a choice."""
    return st.session_state.setdefault(_STATE, {}).get(name, CHOICES[name].default)


def put(**values: Any) -> None:
    """Set choices by name."""
    for name, value in values.items():
        st.session_state.setdefault(_STATE, {})[CHOICES[name].name] = value


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
    is not a wish to go back. A whole link, as ``publish`` writes it, leaves out what stands at its default; a link with
    a few choices, as pages have for each other, leaves the others as they are.
    """
    link = st.query_params.to_dict()
    known = {name: text for name, text in link.items() if name in CHOICES}
    written: list[tuple[float, dict[str, str]]] = st.session_state.get(_WRITTEN, [])
    recent = [past for moment, past in written if time.monotonic() - moment < _STALE_SECONDS]
    if not known or (written and link == written[-1][1]) or link in recent:
        return
    if all(choice.name in known for choice in CHOICES.values() if choice.always):
        put(**{name: choice.default for name, choice in CHOICES.items() if name not in known})
    for name, text in known.items():
        try:
            put(**{name: CHOICES[name].read(text)})
        except ValueError as error:
            notice(
                _(
                    "The link says {name}={text}, which cannot be used ({reason}); it is left out."
                ).format(name=name, text=repr(text[:60]), reason=error)
            )


def publish() -> None:
    """Write the choices into the URL, so that the address bar always holds a link to this view."""
    link: dict[str, str] = {}
    for choice in CHOICES.values():
        value = get(choice.name)
        if choice.always or value != choice.default:
            link[choice.name] = str(int(value)) if isinstance(value, bool) else str(value)
    if st.query_params.to_dict() != link:
        st.query_params.from_dict(link)
    written: list[tuple[float, dict[str, str]]] = st.session_state.setdefault(_WRITTEN, [])
    if not written or written[-1][1] != link:
        if written:
            written[-1] = (time.monotonic(), written[-1][1])  # when it was replaced
        written.append((time.monotonic(), link))
        del written[:-20]


def widget(name: str) -> dict[str, Any]:
    """Return ``key`` and ``on_change`` that tie a Streamlit widget to a choice.

    The widget is set from the choice before it is drawn, so the two never disagree.
    """
    key = f"choice_{name}"
    st.session_state[key] = get(name)
    return {"key": key, "on_change": lambda: put(**{name: st.session_state[key]})}
