"""Sources: a folder, a list, tar shards or tables, each as a stream of entries in an order that is always the same."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vitviz.atlas import arrow_door, tar_shards
from vitviz.atlas.entry import FILE, Entry, changed_at
from vitviz.atlas.photo_table import Facts, is_table, read_table
from vitviz.errors import OptionError
from vitviz.folder_walk import UNREADABLE, stroll
from vitviz.images import SUFFIXES
from vitviz.record import Record
from vitviz.text_file import read_lines

TAR_SUFFIXES = (".tar",)
TABLE_SUFFIXES = (".parquet", ".arrow", ".feather")
Given = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Source(Record):
    """Where photos come from."""

    base: Path
    """The folder that the paths of entries start from."""
    files: tuple[Path, ...]
    """The folder, the list, or the archives or tables in order."""
    kind: str
    """"folder", "list", "tar" or "table"."""
    facts: Mapping[str, Facts]
    """What a table beside the photos says of them, by name."""
    column: str | None = None
    """The column of a table that holds the pictures; None for the first that looks like it."""

    def entries(self) -> Iterator[Entry]:
        """Yield the photos in order; raises OptionError for a name that is there twice where names are free."""
        unused = set(self.facts)
        for entry in self._plain():
            unused.discard(entry.name)
            known = self.facts.get(entry.name)
            yield entry if known is None else replace(entry, label=known.label or entry.label, boxes=known.boxes)
        if unused:
            raise OptionError(
                f"The table of photos names {min(unused)!r}{' and others' * (len(unused) > 1)}, which the source has "
                f"not; wanted names of photos as the source has them. Mend the names or take the lines out."
            )

    def _plain(self) -> Iterator[Entry]:
        if self.kind == "folder":
            return _walk(self.base)
        if self.kind == "list":
            return _listed(self.base, self.files)
        if self.kind == "tar":
            return tar_shards.entries(self.base, self.files, frozenset(SUFFIXES))
        return arrow_door.entries(self.base, self.files, self.column)


def source_of(given: Given, *, table: str | os.PathLike[str] | None = None, column: str | None = None) -> Source:
    """Return the source that is meant: a folder, a text file of paths, tar shards, or Parquet and Arrow tables.

    ``given`` is a path, a pattern such as "train-{000..009}.tar", or several paths. ``table`` says more about the
    photos: CSV, TSV or JSON with ``file``, ``class`` and boxes. Raises OptionError for what is not there or mixed.
    """
    facts = {} if table is None else read_table(Path(table).expanduser())
    if isinstance(given, str | os.PathLike):
        paths = _matching(os.fspath(given))
    else:
        paths = [Path(path).expanduser() for path in given]
        if paths and all(_suffix(path) in SUFFIXES for path in paths):
            return Source(Path.cwd(), tuple(paths), "list", facts, column)
    if not paths:
        raise OptionError(f"There is nothing at {given}. Name a folder, a list, tar shards or a table of photos.")
    for path in paths:
        if not path.exists():
            raise OptionError(f"There is nothing at {path}. Name a folder, a list, tar shards or a table of photos.")
    if len(paths) == 1:
        return _of_one(paths[0], facts, column)
    kind = _kind_of(paths)
    base = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    return Source(base, tuple(sorted(path.resolve() for path in paths)), kind, facts, column)


def _of_one(path: Path, facts: Mapping[str, Facts], column: str | None) -> Source:
    path = path.resolve()
    if not path.is_dir():
        if is_table(path):
            own = read_table(path)
            return Source(path.parent, (path,), "list", {**own, **facts}, column)
        kind = _kind_of([path])
        return Source(path.parent, (path,), kind, facts, column)
    inside = sorted(file for file in path.iterdir() if _suffix(file) in (*TAR_SUFFIXES, *TABLE_SUFFIXES))
    if inside:
        return Source(path, tuple(inside), _kind_of(inside), facts, column)
    return Source(path, (path,), "folder", facts, column)


def _kind_of(paths: Iterable[Path]) -> str:
    kinds = {_kind(path) for path in paths}
    if len(kinds) > 1:
        raise OptionError(
            f"The source holds {' and '.join(sorted(kinds))} files; wanted one kind. Name those of one kind, or begin "
            "an atlas for each."
        )
    return kinds.pop()


def _kind(path: Path) -> str:
    suffix = _suffix(path)
    if suffix in TAR_SUFFIXES:
        return "tar"
    if suffix in TABLE_SUFFIXES:
        return "table"
    if suffix in (".txt", ".lst", ".list"):
        return "list"
    packed = path.name.lower().endswith((".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"))
    advice = "Unpack it to a plain .tar, in which any photo can be reached." if packed else "Name another source."
    raise OptionError(
        f"{path.name} is no source of photos; wanted a folder, a .txt list of paths, a .csv or .tsv table, .tar "
        f"shards, or .parquet, .arrow or .feather tables. {advice}"
    )


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _matching(text: str) -> list[Path]:
    """Return the paths that a text means: itself, or a pattern of "*", "?" and "{000..009}", in order."""
    path = Path(text).expanduser()
    if path.exists():
        return [path]
    names = _braces(str(path))
    if len(names) > 1:
        return [Path(name) for name in names]
    if any(sign in path.name for sign in "*?["):
        return sorted(path.parent.glob(path.name))
    return [path]


def _braces(text: str) -> list[str]:
    """Return the texts that "a-{00..02}.tar" stands for, as WebDataset's users write them."""
    match = re.search(r"\{(\d+)\.\.(\d+)\}", text)
    if match is None:
        return [text]
    first, last = match.groups()
    numbers = (str(number).zfill(len(first)) for number in range(int(first), int(last) + 1))
    return [whole for number in numbers for whole in _braces(text[: match.start()] + number + text[match.end() :])]


def _walk(folder: Path) -> Iterator[Entry]:
    """Yield the photos of a folder and all folders in it; those of the first level are classes.

    A folder or a file that cannot be read is a photo that cannot be measured: it is counted and named.
    """
    for path, reason in stroll(folder):
        name = path.relative_to(folder).as_posix()
        if reason == UNREADABLE:
            yield Entry(name, FILE, name, problem="It cannot be read. Check its permissions.")
        elif not reason:
            parts = name.split("/")
            yield _file_entry(folder, name, label=parts[0] if len(parts) > 1 else "")


def _file_entry(base: Path, path: str, *, label: str = "") -> Entry:
    try:
        state = (base / path).stat()
    except OSError as error:
        problem = f"There is no picture at {path} ({error.strerror or error})."
        return Entry(path, FILE, path, label=label, problem=problem)
    return Entry(path, FILE, path, 0, state.st_size, changed_at(state), label)


def _listed(base: Path, files: Sequence[Path]) -> Iterator[Entry]:
    """Yield the photos that are listed, in the order of their names; raises OptionError for one listed twice."""
    if len(files) == 1 and is_table(files[0]):
        names = list(read_table(files[0]))
    elif len(files) == 1 and _suffix(files[0]) not in SUFFIXES:
        names = read_lines(files[0])
    else:
        names = [str(path) for path in files]
    names.sort()
    spelled = sorted(os.path.normpath(name) for name in names)  # a/b and a/./b are one photo
    twice = [name for name, following in zip(spelled, spelled[1:], strict=False) if name == following]
    if twice:
        raise OptionError(
            f"{twice[0]!r} {'and others are' if len(set(twice)) > 1 else 'is'} listed more than once; wanted each "
            "photo once. Take the other lines out."
        )
    return (_file_entry(base, name) for name in names)
