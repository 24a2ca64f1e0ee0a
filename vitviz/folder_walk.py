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
    """Return the photos below a folder in order of their paths, and the reason by path of what was passed over."""
    photos: list[Path] = []
    passed: dict[str, str] = {}
    for path, reason in stroll(folder, leave_out=leave_out):
        if reason:
            passed[path.relative_to(folder).as_posix()] = reason
        else:
            photos.append(path)
    return sorted(photos, key=lambda path: path.relative_to(folder).as_posix()), passed


def stroll(folder: Path, *, leave_out: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Yield each path below a folder with why it is passed over, empty for a photo; never more than a folder in memory.

    Links to folders are followed, each folder once, so that a link back to where one came from does no harm. A file is
    a photo by its suffix, or by its first bytes. ``leave_out`` is a folder that is not entered. The order is always the
    same: the files of a folder by name, then its folders by name.
    """
    for path, reason in _files(folder, leave_out):
        if reason:
            yield path, reason
        elif path.name.startswith("."):
            yield path, HIDDEN
        else:
            yield path, "" if path.suffix.lower() in SUFFIXES else _refusal(path)


def _files(folder: Path, leave_out: Path | None) -> Iterator[tuple[Path, str]]:
    """Yield every file below a folder, and folders that are not entered, with the reason."""
    walked: set[tuple[int, int]] = set()
    unreadable: list[Path] = []
    for place, folders, files in os.walk(
        folder, onerror=lambda error: unreadable.append(Path(str(error.filename))), followlinks=True
    ):
        yield from ((path, UNREADABLE) for path in unreadable)
        unreadable.clear()
        here = Path(place)
        reason = _not_entered(here, walked, leave_out)
        if reason:
            yield here, reason
            folders.clear()
            continue
        for hidden in sorted(name for name in folders if name.startswith(".") or name == "__MACOSX"):
            yield here / hidden, HIDDEN
            folders.remove(hidden)
        folders.sort()
        yield from ((here / name, "") for name in sorted(files))
    yield from ((path, UNREADABLE) for path in unreadable)


def _not_entered(folder: Path, walked: set[tuple[int, int]], leave_out: Path | None) -> str:
    """Return why a folder is not entered, or an empty text; it counts as walked from then on."""
    there = folder.stat()
    mark = (there.st_dev, there.st_ino)
    if mark in walked:
        return CYCLE
    walked.add(mark)
    return RESULTS if leave_out is not None and leave_out.exists() and folder.samefile(leave_out) else ""


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
