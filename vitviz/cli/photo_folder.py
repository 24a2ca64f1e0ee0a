"""A folder of photos and, beside it, a table that says what each shows and where."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitviz.analysis.faithfulness_checks import Box
from vitviz.atlas.photo_table import CORNERS, columns_of
from vitviz.errors import ImageError, OptionError
from vitviz.folder_walk import in_words, walk
from vitviz.images import SUFFIXES
from vitviz.text_file import read_text


@dataclass(frozen=True)
class Entry:
    """One photo."""

    name: str
    """Its path from the folder, with slashes: it tells photos apart, wherever the folder lies."""
    path: Path
    label: str | None = None
    """Its class as the table has it; None if it says nothing."""
    box: Box | None = None
    """(left, top, right, bottom) of the object in pixels of the photo, right and bottom exclusive."""
    folders: tuple[str, ...] = ()
    """The folders that it lies in, the innermost first: one of them may be called like its class (ImageFolder)."""


@dataclass(frozen=True)
class Listing:
    """What a folder holds."""

    entries: list[Entry]
    """The photos, in order of their names."""
    passed_over: Mapping[str, str]
    """The reason by name of what is no photo."""


def read_folder(
    folder: Path,
    table: Path | None = None,
    *,
    count: int | None = None,
    seed: int = 0,
    leave_out: Path | None = None,
) -> Listing:
    """Return the photos below a folder, or those of a table, in order of their names; ``count`` of them drawn by seed.

    Without a table all its folders are walked but ``leave_out``; see ``folder_walk``. A table has tabs or commas and a
    header: ``file``; ``wnid``, ``class`` or ``label`` if the class is known; ``x0``, ``y0``, ``x1``, ``y1`` if the
    object's box is, in pixels of the photo, the last ones included (as Tiny-ImageNet's). ``file`` is a path from the
    folder.

    Raises OptionError for a folder or table that is not there, a table in another encoding than UTF-8, without the
    columns, with a number that is none or with a file twice, and a folder without photos.
    """
    if not folder.is_dir():
        raise OptionError(f"There is no folder {folder}. Name a folder of photos.")
    passed: dict[str, str] = {}
    if table is None:
        paths, passed = walk(folder, leave_out=leave_out)
        entries = [_entry(folder, path) for path in paths]
    else:
        entries = sorted(read_table(folder, table), key=lambda entry: entry.name)
    if not entries:
        told = f" ({in_words(passed)})" if passed else ""
        raise OptionError(
            f"There is no photo in {table or folder}{told}; wanted files ending in {', '.join(SUFFIXES)}. "
            "Name another one."
        )
    if count is None or count >= len(entries):
        return Listing(entries, passed)
    if count < 1:
        raise OptionError(f"--photos is {count}; wanted at least 1. Leave it out for all of them.")
    drawn = np.random.default_rng(seed).permutation(len(entries))[:count]
    return Listing([entries[place] for place in drawn], passed)


def _entry(folder: Path, path: Path) -> Entry:
    inside = path.relative_to(folder)
    return Entry(inside.as_posix(), path, folders=tuple(reversed(inside.parts[:-1])))


def read_table(folder: Path, table: Path) -> list[Entry]:
    """Return the photos that a table lists, whether their files are there or not."""
    if not table.is_file():
        raise OptionError(f"There is no table {table}. Leave it out for a folder without boxes.")
    reader, corners, label = columns_of(table.name, read_text(table))
    entries = [
        Entry(*_place(folder, table, row["file"]), row[label] if label else None, _box(table, row) if corners else None)
        for row in reader
    ]
    _check_once(table, entries)
    return entries


def file_digest(path: Path) -> str:
    """Return a hash of a file's content; raises ImageError for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        raise ImageError(
            f"The picture at {path} cannot be read ({error.strerror or error}); "
            "wanted a file that this account may open. Check the path and its permissions."
        ) from error


def _place(folder: Path, table: Path, file: str | None) -> tuple[str, Path]:
    """Return the name and the path of what a line of a table calls a file."""
    if not file:
        raise OptionError(
            f"A line of {table.name} has no file; wanted a photo's path from {folder} in each. "
            "Mend the line or take it out."
        )
    path = folder / file
    inside = path.relative_to(folder) if path.is_relative_to(folder) else path
    return inside.as_posix(), path


def _check_once(table: Path, entries: list[Entry]) -> None:
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if twice:
        raise OptionError(
            f"{table.name} lists {twice[0]} {'and others ' * (len(twice) > 1)}more than once; "
            "wanted each photo once, with one class and one box. Take the other lines out."
        )


def _box(table: Path, row: dict[str, str]) -> Box:
    try:
        left, top, right, bottom = (int(row[name]) for name in CORNERS)
    except (TypeError, ValueError):
        raise OptionError(
            f"The box of {row['file']} in {table.name} is {[row[name] for name in CORNERS]}; "
            "wanted four whole numbers. Mend the line, or leave the four columns out."
        ) from None
    return left, top, right + 1, bottom + 1
