"""One choice of a reader as data, and how the texts of a link are read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from vitviz.errors import OptionError, check_choice
from vitviz.ui.text import _

Value = TypeVar("Value")
Option = TypeVar("Option", bound=str)


@dataclass(frozen=True)
class Choice(Generic[Value]):
    """One choice: its name in the link, its default and how its text is read."""

    name: str
    """Of one choice in the whole dashboard: letters, digits and underscores."""
    default: Value
    read: Callable[[str], Value]
    """From the link's text to the value; raises ValueError, with the reason, for a text that is none."""
    always: bool = False
    """Whether it stands in the link even at its default, so that going back restores it."""
    pages: tuple[str, ...] = ()
    """The pages whose links have it, by their files' names; none for a choice that all pages share."""

    def at(self, value: Value) -> Setting:
        """Return the choice set to a value, for ``link.put``."""
        return Setting(self.name, value)


@dataclass(frozen=True)
class Setting:
    """What a choice, by its name, is set to."""

    name: str
    value: object


def whole(text: str) -> int:
    """Return a whole number from 0 to 999,999."""
    if not text.isdecimal() or len(text) > 6:
        raise OptionError(_("wanted a whole number from 0"))
    return int(text)


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    return number(0, 1)(text)


def name(text: str) -> str:
    """Return a name of letters, digits and the signs : . _ - of names of models and tokens."""
    if not text or len(text) > 120 or not all(letter.isalnum() or letter in " :._-" for letter in text):
        raise OptionError(_("wanted letters, digits and : . _ -"))
    return text


def name_or_none(text: str) -> str:
    """Return a name, or the empty text for none."""
    return text and name(text)


def class_or_none(text: str) -> str:
    """Return the number of a class as a text, or the empty text for none."""
    return text and str(whole(text))


def flag(text: str) -> bool:
    """Return True for "1", False for "0"."""
    return check_choice("Value", text, ("0", "1")) == "1"


def one_of(*options: Option) -> Callable[[str], Option]:
    """Return a reader of one of some texts."""
    return lambda text: options[options.index(check_choice("Value", text, options))]


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of a finite number from ``low`` to ``high``."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:  # NaN is not in any range
            raise OptionError(_("wanted a number from {low:g} to {high:g}").format(low=low, high=high))
        return value

    return read


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of a whole number from ``low`` to ``high``."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isdecimal() and len(digits) <= 9 and low <= int(text) <= high):
            raise OptionError(_("wanted a whole number from {low} to {high}").format(low=low, high=high))
        return int(text)

    return read
