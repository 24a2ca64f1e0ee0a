"""The pins of a reader: maps that were kept, each as the choices that make it again, in the link as one text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vitviz.errors import OptionError
from vitviz.ui.choices import own_model
from vitviz.ui.choices.choice import Choice, Setting, integer
from vitviz.ui.choices.photo import CROP, PHOTO_FRAME, PHOTO_WINDOW
from vitviz.ui.choices.rollout import DISCARD, END, FUSION, RESIDUAL, ROLLOUT_MAP, START
from vitviz.ui.choices.shared import (
    ABLATE,
    DIRECTION,
    EXAMPLE,
    HEAD,
    LAYER,
    MODEL,
    PATCH,
    SIZE,
    SPECIAL,
    WEIGHTS,
)
from vitviz.ui.text import _

ATTENTION, ROLLOUT = "attention", "rollout"
_OWN = tuple(choice for choice in vars(own_model).values() if isinstance(choice, Choice))
_SCENE: tuple[Choice[Any], ...] = (EXAMPLE, MODEL, WEIGHTS, SIZE, *_OWN, CROP, ABLATE, PHOTO_WINDOW, PHOTO_FRAME)
_MAP: tuple[Choice[Any], ...] = (PATCH, DIRECTION, SPECIAL)
CHOICES_OF: dict[str, tuple[Choice[Any], ...]] = {
    ATTENTION: (*_SCENE, *_MAP, LAYER, HEAD),
    ROLLOUT: (*_SCENE, *_MAP, FUSION, DISCARD, RESIDUAL, START, END, ROLLOUT_MAP),
}
"""What makes a map again, by the page that draws it."""
MOST_CHARACTERS = 4000
"""Of all pins in a link: servers and browsers take addresses of 8,000. About 60 pins of example photos."""
_BETWEEN_PINS, _BETWEEN_CHOICES = "~~", "~"  # no name has a tilde, and addresses carry it as it is


@dataclass(frozen=True)
class Pin:
    """A map by the choices that make it."""

    kind: str
    """ATTENTION or ROLLOUT."""
    settings: tuple[Setting, ...]
    """Those that are not at their defaults, in the order of CHOICES_OF."""

    def whole(self) -> list[Setting]:
        """Return all choices of the map, those at their defaults too."""
        given = {setting.name: setting for setting in self.settings}
        # a rollout has no layer of its own, and the reader's may not exist
        choices: tuple[Choice[Any], ...] = (LAYER, HEAD, *CHOICES_OF[self.kind])
        return [given.get(choice.name, choice.at(choice.default)) for choice in choices]

    def text(self) -> str:
        """Return the pin as the link has it: "attention~example.cat~layer.3"."""
        parts = [f"{setting.name}.{_written(setting.value)}" for setting in self.settings]
        return _BETWEEN_CHOICES.join([self.kind, *parts])


def _written(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def pin_of(kind: str, values: dict[str, Any]) -> Pin:
    """Return the pin of a page's choices by their names."""
    return Pin(kind, tuple(choice.at(values[choice.name]) for choice in CHOICES_OF[kind] if _differs(choice, values)))


def _differs(choice: Choice[Any], values: dict[str, Any]) -> bool:
    return choice.name in values and values[choice.name] != choice.default


def text_of(pins: Iterable[Pin]) -> str:
    """Return pins as the link has them."""
    return _BETWEEN_PINS.join(pin.text() for pin in pins)


def pins_of(text: str) -> list[Pin]:
    """Return the pins of a link's text, each once; raises OptionError for another text."""
    if len(text) > 2 * MOST_CHARACTERS:
        raise OptionError(_("wanted at most {most} characters").format(most=MOST_CHARACTERS))
    return list(dict.fromkeys(_read(part) for part in text.split(_BETWEEN_PINS) if part))


def _read(text: str) -> Pin:
    kind, *parts = text.split(_BETWEEN_CHOICES)
    choices = {choice.name: choice for choice in CHOICES_OF.get(kind, ())}
    values: dict[str, Any] = {}
    for part in parts:
        name, _dot, value = part.partition(".")
        if name not in choices:
            raise OptionError(_("wanted pins such as attention~example.cat~layer.3"))
        values[name] = choices[name].read(value)
    if not choices:
        raise OptionError(_("wanted pins such as attention~example.cat~layer.3"))
    return pin_of(kind, values)


PINS = Choice("pins", "", lambda text: text_of(pins_of(text)))
BOARD_COLUMNS = Choice("board", 3, integer(1, 6))
