"""The example photos that come with vitviz, in the order in which they are shown."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from vitviz.assets import EXAMPLES
from vitviz.errors import OptionError, suggest
from vitviz.record import Record

Verdict = Literal["right", "both", "wrong", "unknown"]
"""How a model answers a photo: right; both, where the two first answers are in it; wrong; or the photo shows none of
its classes, so that no answer is right."""


@dataclass(frozen=True)
class Example(Record):
    """One example photo; its source and licence are in assets/examples/CREDITS.md."""

    id: str
    """The name in links; it never changes."""
    file: str
    """The file in assets/examples."""
    title: str
    """A short name, in English."""
    alt: str
    """What the photo shows, for those who do not see it, in English."""
    classes: tuple[str, ...]
    """The classes of the shipped model that the photo shows; none for a photo of something that it does not know."""
    answer: Verdict
    """How the shipped model answers."""
    made_of: tuple[str, ...] = ()
    """The ids of the photos that were put together to this one; empty for a photo of its own."""

    @property
    def path(self) -> Path:
        """Where the photo lies."""
        return EXAMPLES / self.file


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """Return the example photos; the first one is what a visitor sees first."""
    listed = tomllib.loads((EXAMPLES / "examples.toml").read_text(encoding="utf-8"))["example"]
    return tuple(
        Example(**entry | {"classes": tuple(entry["classes"]), "made_of": tuple(entry.get("made_of", ()))})
        for entry in listed
    )


def photographs() -> tuple[Example, ...]:
    """Return the example photos that were taken and not put together from others."""
    return tuple(photo for photo in examples() if not photo.made_of)


def verdict(classes: Sequence[str], answers: Sequence[str]) -> Verdict:
    """Return how a model answers a photo that shows some of its ``classes``; ``answers`` are its own, best first.

    >>> from vitviz.examples import verdict
    >>> verdict(["tabby", "German shepherd"], ["German shepherd", "tabby", "Egyptian cat"])
    'both'
    >>> verdict(["tabby"], ["Persian cat", "tabby"])
    'wrong'
    """
    if not classes:
        return "unknown"
    if answers[0] not in classes:
        return "wrong"
    return "both" if set(answers[:2]) <= set(classes) and len(answers) > 1 else "right"


def example(id: str) -> Example:
    """Return the example photo with an id such as "red-panda".

    Raises OptionError, with the nearest ids, if there is none.
    """
    known = {photo.id: photo for photo in examples()}
    if id not in known:
        raise OptionError(
            "There is no example photo {id!r}; wanted one of {listed}.{hint}",
            id=id,
            listed=", ".join(known),
            hint=suggest(id, known),
        )
    return known[id]
