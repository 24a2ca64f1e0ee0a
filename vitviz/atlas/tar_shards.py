"""WebDataset's tar shards: where each photo lies in its archive, so that any one can be read alone."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from vitviz.atlas.entry import TAR, Entry, changed_at

LABEL_SUFFIXES = ("cls", "cls.txt")
"""What a sample's class is called in an archive, beside ``json`` with ``label``, ``class`` or ``cls``."""


def entries(base: Path, archives: Sequence[Path], suffixes: Collection[str]) -> Iterator[Entry]:
    """Yield the photos of archives in order; members that share a name up to its first dot are one sample."""
    for archive in archives:
        yield from _of_archive(base, archive, suffixes)


def _of_archive(base: Path, archive: Path, suffixes: Collection[str]) -> Iterator[Entry]:
    container = archive.relative_to(base).as_posix()
    state = archive.stat()
    seen: set[str] = set()
    held: list[Entry] = []
    label, key = "", None
    for member in _members(archive):
        if isinstance(member, str):  # the archive ends before its end
            yield from _labelled(held, label)
            place = f"{container}/(the rest)"
            yield Entry(place, TAR, container, 0, 0, changed_at(state), problem=member)
            return
        info, data = member
        own, _, kind = _split(info.name)
        is_photo = f".{kind.rpartition('.')[2].lower()}" in suffixes
        if not info.isfile() and not is_photo:  # folders, and links to what is no photo
            continue
        if own != key:
            yield from _labelled(held, label)
            held, label, key = [], "", own
        if is_photo:
            name = f"{container}/{info.name}"
            problem = ""
            if not info.isfile():
                problem = f"It is a link to {info.linkname!r}; wanted a photo. Pack the photos, not links to them."
            elif info.offset_data + info.size > state.st_size:
                problem = f"The archive {container} is cut off inside of this photo."
            elif name in seen:
                name, problem = f"{name} (again)", "The archive has a photo of that name before."
            seen.add(name)
            held.append(Entry(name, TAR, container, info.offset_data, info.size, changed_at(state), problem=problem))
        elif data is not None:
            label = _label(kind, data) or label
    yield from _labelled(held, label)


def _labelled(held: Sequence[Entry], label: str) -> Iterator[Entry]:
    for entry in held:
        yield Entry(entry.name, TAR, entry.container, entry.place, entry.size, entry.time, label, problem=entry.problem)


def _members(archive: Path) -> Iterator[tuple[tarfile.TarInfo, bytes | None] | str]:
    """Yield the members of an archive, with the content of those that may tell a class; at a damage, why it ends."""
    size = archive.stat().st_size
    try:
        with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            count = 0
            while (info := tar.next()) is not None:
                count += 1
                cast(Any, tar).members = []  # of a large archive, the list of all would stay in memory
                kind = _split(info.name)[2].lower()
                inside = info.isfile() and info.offset_data + info.size <= size
                small = inside and kind in (*LABEL_SUFFIXES, "json")
                reader = tar.extractfile(info) if small else None
                yield info, None if reader is None else reader.read()
                if info.isfile() and not inside:
                    yield f"The archive {archive.name} is cut off after {count} members."
                    return
            if (reason := _unread(file, cast(Any, tar).offset, size)) is not None:
                yield f"The archive {archive.name} {reason.format(count=count)}"
    except (tarfile.TarError, OSError, EOFError) as error:
        yield f"The archive {archive.name} is damaged ({error}); what follows in it cannot be reached."


def _unread(file: BinaryIO, end: int, size: int) -> str | None:
    """Return why a reading that came to its end at a byte has not read all; None for an archive that ends there.

    An archive ends with two blocks of zeros. ``tarfile`` also stops, without a word, after one of them, where the file
    ends or is no archive.
    """
    file.seek(end)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE or not any(block) and size < end + 2 * tarfile.BLOCKSIZE:
        return "is cut off after {count} members."
    if any(block):
        return "is damaged after {count} members; what follows in it cannot be reached."
    while block := file.read(1 << 20):
        if any(block):
            return "goes on behind its end, like several archives in one file; wanted one. Give each a file of its own."
    return None


def _split(name: str) -> tuple[str, str, str]:
    """Return (key, dot, kind): a sample's key goes up to the first dot of the last part of the path."""
    folder, slash, last = name.rpartition("/")
    key, dot, kind = last.partition(".")
    return folder + slash + key, dot, kind


def _label(kind: str, data: bytes) -> str:
    text = data.decode("utf-8", "replace").strip()
    if kind.lower() in LABEL_SUFFIXES:
        return text
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    return next((str(told[name]) for name in ("label", "class", "cls") if told.get(name) is not None), "")
