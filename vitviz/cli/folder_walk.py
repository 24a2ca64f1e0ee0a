"""The photos below a folder, with what was passed over and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from vitviz.images import SUFFIXES, looks_like_picture

_HEAD = 256  # bytes that tell what a file is
NO_PICTURE, HIDDEN, RESULTS = "no picture by its name or its first bytes", "hidden", "the folder of the results"
CYCLE, UNREADABLE = "a link to a folder that was walked already", "cannot be read"


def walk(folder: Path, *, leave_out: Path | None = None) -> tuple[list[Path], dict[str, str]]:
    """Return the photos below a folder in order of their paths, and the reason by path of what was passed over.

    Links to folders are followed, each folder once, so that a link back to where one came from does no harm. A file is
    a photo by its suffix, or by its first bytes. ``leave_out`` is a folder that is not entered.
    """
    photos: list[Path] = []
    passed: dict[str, str] = {}
    for path in _files(folder, passed, leave_out):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith("."):
            passed[name] = HIDDEN
        elif path.suffix.lower() in SUFFIXES:
            photos.append(path)
        else:
            reason = _refusal(path)
            if reason:
                passed[name] = reason
            else:
                photos.append(path)
    return sorted(photos, key=lambda path: path.relative_to(folder).as_posix()), passed


def _files(folder: Path, passed: dict[str, str], leave_out: Path | None) -> Iterator[Path]:
    """Yield every file below a folder; a folder that cannot be entered, or was already, is told."""
    walked: set[tuple[int, int]] = set()

    def unreadable(error: OSError) -> None:
        passed[_name(folder, str(error.filename))] = UNREADABLE

    for place, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        here = Path(place)
        reason = _not_entered(here, walked, leave_out)
        if reason:
            passed[_name(folder, place)] = reason
            folders.clear()
            continue
        for hidden in [name for name in folders if name.startswith(".") or name == "__MACOSX"]:
            passed[_name(folder, str(here / hidden))] = HIDDEN
            folders.remove(hidden)
        folders.sort()
        yield from (here / name for name in sorted(files))


def _not_entered(folder: Path, walked: set[tuple[int, int]], leave_out: Path | None) -> str:
    """Return why a folder is not entered, or an empty text; it counts as walked from then on."""
    there = folder.stat()
    mark = (there.st_dev, there.st_ino)
    if mark in walked:
        return CYCLE
    walked.add(mark)
    return RESULTS if leave_out is not None and leave_out.exists() and folder.samefile(leave_out) else ""


def _name(folder: Path, path: str) -> str:
    return Path(path).relative_to(folder).as_posix()


def _refusal(path: Path) -> str:
    """Return why a file of another suffix is no photo, or an empty text."""
    try:
        if not path.is_file():
            return UNREADABLE  # a link to nowhere, a socket
        with path.open("rb") as file:
            return "" if looks_like_picture(file.read(_HEAD)) else NO_PICTURE
    except OSError:
        return UNREADABLE


def in_words(passed: Mapping[str, str]) -> str:
    """Return how much was passed over and why, the most frequent reason first; empty for nothing."""
    counts = Counter(passed.values()).most_common()
    return "; ".join(f"{count} passed over: {reason}" for reason, count in counts)
