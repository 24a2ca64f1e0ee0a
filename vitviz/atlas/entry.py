"""Entry: one photo of a source, wherever its bytes lie, as one line of the list of photos."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from vitviz.analysis.faithfulness_checks import Box
from vitviz.errors import OptionError
from vitviz.record import Record

FILE, TAR, TABLE = "file", "tar", "table"
COLUMNS = ("name", "label", "kind", "container", "place", "size", "time", "boxes", "problem")


@dataclass(frozen=True, slots=True)
class Entry(Record):
    """One photo: its name, what is known about it, and where its bytes lie."""

    name: str
    """Tells photos apart: the path from the source with slashes; in an archive, the archive's before it."""
    kind: str
    """"file", "tar" (bytes of an archive) or "table" (a row of a Parquet or Arrow file)."""
    container: str
    """Path of the file that holds it, from the source's folder."""
    place: int = 0
    """Of an archive the byte at which the photo begins, of a table the row."""
    size: int = 0
    """Bytes of the photo; of a table, of the whole file."""
    time: int = 0
    """When the file that holds it was changed, in nanoseconds since 1970."""
    label: str = ""
    """Its class; empty if it is not known."""
    boxes: tuple[Box, ...] = ()
    """(left, top, right, bottom) of the objects in pixels of the photo, right and bottom exclusive."""
    problem: str = ""
    """Why it cannot be measured, where the list knows already."""

    def line(self) -> list[Any]:
        """Return the entry as a line of the list."""
        boxes = json.dumps(self.boxes) if self.boxes else ""
        return [
            self.name, self.label, self.kind, self.container, self.place, self.size, self.time, boxes, self.problem,
        ]  # fmt: skip

    @property
    def content(self) -> tuple[Any, ...]:
        """What makes it another photo if it changes; a new time alone may be a copy of the same."""
        return (self.name, self.label, self.kind, self.place, self.size, self.boxes, self.problem)


def changed_at(state: os.stat_result) -> int:
    """Return when a file was changed last, in nanoseconds since 1970: a content whose own time was set back, too."""
    return max(state.st_mtime_ns, state.st_ctime_ns)


def write_entries(file: TextIO, entries: Iterable[Entry]) -> None:
    """Write a list of photos, one after another."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow(entry.line())


def read_entries(file: TextIO) -> Iterator[Entry]:
    """Yield the photos of a list; raises OptionError for one that is damaged."""
    reader = csv.reader(file)
    if tuple(next(reader, ())) != COLUMNS:
        raise OptionError("The list of photos is damaged; wanted the one that the atlas began with. Begin anew.")
    for row in reader:
        try:
            name, label, kind, container, place, size, time, boxes, problem = row
            drawn = tuple(tuple(box) for box in json.loads(boxes)) if boxes else ()
            yield Entry(name, kind, container, int(place), int(size), int(time), label, drawn, problem)
        except ValueError as error:
            raise OptionError(
                f"The list of photos is damaged in line {reader.line_num} ({error}); wanted the one that the atlas "
                "began with. Begin anew."
            ) from error
