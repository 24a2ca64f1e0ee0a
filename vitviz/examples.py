"""The example photos that come with vitviz, in the order in which they are shown."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vitviz.assets import EXAMPLES
from vitviz.errors import OptionError, suggest
from vitviz.record import Record


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

    @property
    def path(self) -> Path:
        """Where the photo lies."""
        return EXAMPLES / self.file


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """Return the example photos; the first one is what a visitor sees first."""
    listed = tomllib.loads((EXAMPLES / "examples.toml").read_text(encoding="utf-8"))["example"]
    return tuple(Example(**entry) for entry in listed)


def example(id: str) -> Example:
    """Return the example photo with an id such as "red-panda".

    Raises OptionError, with the nearest ids, if there is none.
    """
    known = {photo.id: photo for photo in examples()}
    if id not in known:
        raise OptionError(f"There is no example photo {id!r}; wanted one of {', '.join(known)}.{suggest(id, known)}")
    return known[id]
