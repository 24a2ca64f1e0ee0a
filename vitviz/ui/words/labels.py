"""Words that the library has in English alone, in the reader's language: figures and maps in words, tokens, photos.

Names in braces are filled in by who uses a text, as those of the library are.
"""

from __future__ import annotations

import re

from vitviz.figures.alt import WORDS
from vitviz.figures.summary import TEMPLATES
from vitviz.images.notes import NOTES
from vitviz.ui.text import _

PHOTO_NOTES = NOTES
"""What ``vitviz.images`` notes on a photo that it changed, with braces where it has numbers."""


def figure_words() -> dict[str, str]:
    """Return the sentences of ``alt_text`` in the reader's language."""
    return {key: _(text) for key, text in WORDS.items()}


def map_words() -> dict[str, str]:
    """Return the sentences of ``describe_map`` in the reader's language."""
    return {key: _(text) for key, text in TEMPLATES.items()}


def token_name(name: str) -> str:
    """Return a prefix token in words, from its name in a grid, such as "register 1"."""
    kind, _space, number = name.partition(" ")
    if kind == "register" and number.isdecimal():
        return _("register {number}").format(number=number)
    return {"class": _("class"), "distillation": _("distillation")}.get(name, name)


def token_title(name: str) -> str:
    """Return a prefix token in words that stand alone, such as "class token"."""
    titles = {"class": _("class token"), "distillation": _("distillation token")}
    return titles.get(name) or token_name(name)


def photo_note(note: str) -> str:
    """Return a note on a photo in the reader's language; one that is not known stays as it is."""
    for text in PHOTO_NOTES:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(text))
        match = re.fullmatch(pattern, note)
        if match:
            return _(text).format(**match.groupdict())
    return note
