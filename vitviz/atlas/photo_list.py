"""The list of photos in a result folder: written once, compared with the source when the work goes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vitviz.atlas.entry import Entry, read_entries, write_entries
from vitviz.errors import OptionError
from vitviz.files import writing
from vitviz.record import Record

SHARD = 256
"""Photos of a shard, if their number does not make more than MOST_SHARDS."""
MOST_SHARDS = 1000
MOST_CLASSES = 2000
"""More classes than these are not told apart: each keeps numbers of its own."""


@dataclass(frozen=True)
class Shards(Record):
    """How a list is cut into shards: at batches, which are the same however many shards there are."""

    photos: int
    batch: int
    count: int

    @classmethod
    def of(cls, photos: int, batch: int, wanted: int | None = None) -> Shards:
        """Return the shards of a list; raises OptionError for a number below 1. Never more than there are batches."""
        if wanted is not None and wanted < 1:
            raise OptionError(f"shards is {wanted}; wanted at least 1. Leave it out for one in {SHARD} photos.")
        count = min(MOST_SHARDS, -(-photos // SHARD)) if wanted is None else wanted
        return cls(photos, batch, max(1, min(count, -(-photos // batch))))

    def bounds(self, shard: int) -> tuple[int, int]:
        """Return the first line of a shard and the one after its last."""
        batches = -(-self.photos // self.batch)
        first, last = (batches * number // self.count * self.batch for number in (shard, shard + 1))
        return first, min(last, self.photos)


def write_list(path: Path, entries: Iterable[Entry]) -> None:
    """Write a list, whole or not at all."""
    with writing(path) as beside, beside.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        write_entries(file, entries)


def read_list(path: Path) -> Iterator[Entry]:
    """Yield the photos of a list."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        yield from read_entries(file)


def touched(path: Path, entries: Iterable[Entry]) -> list[tuple[int, Entry]]:
    """Return the photos whose files have another time than in a list, by line; each may be a copy of the same.

    Raises OptionError, naming them, if photos are new, gone, or of another size, class or box.
    """
    other: list[str] = []
    retimed: list[tuple[int, Entry]] = []
    for line, (old, new) in enumerate(itertools.zip_longest(read_list(path), entries)):
        if old is None or new is None or old.content != new.content:
            other.append(_difference(old, new))
            if len(other) > 3:
                break
        elif old.time != new.time:
            retimed.append((line, new))
    if other:
        raise OptionError(changed(path.parent, other))
    return retimed


def changed(folder: Path, told: list[str]) -> str:
    """Return the message for photos that are not those that an atlas began with."""
    more = "; and more" if len(told) > 3 else ""
    return (
        f"The photos are not those that the atlas in {folder} began with ({'; '.join(told[:3])}{more}). Give the same "
        "photos to go on with it, overwrite=True begins anew, or name another folder."
    )


def _difference(old: Entry | None, new: Entry | None) -> str:
    if old is None or new is None:
        entry = new or old
        assert entry is not None
        return f"{entry.name} is {'gone' if new is None else 'new'}"
    if old.name != new.name:
        return f"{old.name} was expected, {new.name} is there"
    names = ("size", "label", "boxes", "problem", "place", "kind")
    part = next(name for name in names if getattr(old, name) != getattr(new, name))
    return f"{new.name} has another {part}"
