"""A folder of photos and, beside it, a table that says what each shows and where."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitviz.analysis.faithfulness_checks import Box
from vitviz.errors import OptionError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
LABELS = ("wnid", "class", "label")
CORNERS = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Entry:
    """One photo."""

    path: Path
    label: str | None = None
    """Its class as the table has it; None if it says nothing."""
    box: Box | None = None
    """(left, top, right, bottom) of the object in pixels of the photo, right and bottom exclusive."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def read_folder(
    folder: Path, table: Path | None = None, *, count: int | None = None, seed: int = 0
) -> list[Entry]:
    """Return the photos of a folder, or those of a table, in order of their names; ``count`` of them drawn by seed.

    The table has tabs or commas and a header: ``file``; ``wnid``, ``class`` or ``label`` if the class is known; ``x0``,
    ``y0``, ``x1``, ``y1`` if the object's box is, in pixels of the photo, the last ones included (as Tiny-ImageNet's).

    Raises OptionError for a folder or table that is not there, a table without the columns, a number that is none, and
    a folder without photos.
    """
    if not folder.is_dir():
        raise OptionError(f"There is no folder {folder}. Name a folder of JPEG, PNG or WebP files.")
    found = (
        [Entry(path) for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
        if table is None
        else read_table(folder, table)
    )
    if not found:
        raise OptionError(
            f"There is no photo in {table or folder}; wanted files ending in {', '.join(SUFFIXES)}. Name another one."
        )
    found = sorted(found, key=lambda entry: entry.name)
    if count is None or count >= len(found):
        return found
    if count < 1:
        raise OptionError(f"--photos is {count}; wanted at least 1. Leave it out for all of them.")
    drawn = np.random.default_rng(seed).permutation(len(found))[:count]
    return [found[place] for place in drawn]


def read_table(folder: Path, table: Path) -> list[Entry]:
    """Return the photos that a table lists, whether their files are there or not."""
    if not table.is_file():
        raise OptionError(f"There is no table {table}. Leave it out for a folder without boxes.")
    text = table.read_text(encoding="utf-8-sig")
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    reader = csv.DictReader(text.splitlines(), delimiter=separator)
    columns = reader.fieldnames or []
    some = [name for name in CORNERS if name in columns]
    if "file" not in columns or len(some) not in (0, 4):
        raise OptionError(
            f"{table.name} has the columns {', '.join(columns) or 'none'}; wanted file, and if boxes are known all of "
            f"{', '.join(CORNERS)}. Name the columns in its first line."
        )
    label = next((name for name in LABELS if name in columns), None)
    return [
        Entry(
            folder / row["file"], row[label] if label else None, _box(table, row) if some else None
        )
        for row in reader
    ]


def _box(table: Path, row: dict[str, str]) -> Box:
    try:
        left, top, right, bottom = (int(row[name]) for name in CORNERS)
    except (TypeError, ValueError):
        raise OptionError(
            f"The box of {row['file']} in {table.name} is {[row[name] for name in CORNERS]}; wanted four whole "
            "numbers. Mend the line, or leave the four columns out."
        ) from None
    return left, top, right + 1, bottom + 1
