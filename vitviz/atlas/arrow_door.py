"""The door to pyarrow: photos in the rows of Parquet and Arrow tables, as bytes or as paths, and tables to write."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vitviz.atlas.entry import TABLE, Entry, changed_at
from vitviz.errors import ImageError, OptionError

PICTURES = ("image", "img", "picture", "photo", "bytes", "jpg", "jpeg", "png", "path", "file", "filename")
"""Names of columns that are looked for in this order."""
LABELS = ("label", "class", "cls", "labels", "fine_label")


def entries(base: Path, files: Sequence[Path], column: str | None) -> Iterator[Entry]:
    """Yield the photos of tables in order, one a row; of a row with a path, size and time are those of its photo.

    Raises OptionError for tables that cannot be read, and for a path that stands in them twice.
    """
    rows: dict[str, str] = {}
    for file in files:
        table = _Table(file, column)
        container = file.relative_to(base).as_posix()
        state = file.stat()
        for row, (label, path) in enumerate(zip(table.labels(), table.paths(), strict=True)):
            name = f"{container}#{row}"
            photo = None if path is None else _place(file, path)
            if photo is not None and (before := rows.setdefault(os.path.normpath(photo), name)) != name:
                raise OptionError(
                    f"{path!r} stands in {before} and in {name}; wanted each photo once. Take the other rows out."
                )
            size, time = (state.st_size, changed_at(state)) if photo is None else _size_and_time(photo)
            yield Entry(name, TABLE, container, row, size, time, label)


def _place(table: Path, path: str) -> Path:
    """Return where a path of a table leads: it starts from the table's folder."""
    return table.parent.joinpath(path).expanduser()


def _size_and_time(photo: Path) -> tuple[int, int]:
    try:
        state = photo.stat()
    except OSError:  # reading it says why
        return 0, 0
    return state.st_size, changed_at(state)


class TableReader:
    """Reads the photos of tables; the part of a table that was read last stays in memory."""

    def __init__(self, base: Path, column: str | None) -> None:
        self._base, self._column = base, column
        self._tables: dict[str, _Table] = {}

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of a photo; raises ImageError for a row that holds none."""
        if entry.container not in self._tables:
            self._tables = {entry.container: _Table(self._base / entry.container, self._column)}  # one at a time
        value = self._tables[entry.container].value(entry.place)
        if isinstance(value, dict):  # datasets of Hugging Face
            value = value.get("bytes") or value.get("path")
        if isinstance(value, str):
            try:
                return _place(self._base / entry.container, value).read_bytes()
            except OSError as error:
                raise ImageError(
                    f"There is no picture at {value} ({error.strerror or error}). Check the path in the table."
                ) from error
        if not isinstance(value, bytes):
            raise ImageError("The row holds no picture; wanted its bytes or its path. Mend the row.")
        return value


def parquet_bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Return columns of one length as a Parquet file; raises OptionError without pyarrow."""
    arrow = _arrow("A Parquet file")
    sink = arrow.BufferOutputStream()
    importlib.import_module("pyarrow.parquet").write_table(arrow.table(dict(columns)), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


class _Table:
    """One file, read in parts: row groups of Parquet, record batches of Arrow."""

    def __init__(self, file: Path, column: str | None) -> None:
        self._file, self._arrow = file, _arrow(file.name)
        try:
            self._open()
        except (self._arrow.ArrowException, OSError) as error:
            raise OptionError(
                f"{file.name} cannot be read as a table ({error}); wanted Parquet or Arrow. Write it again."
            ) from error
        names = list(self._schema.names)
        wanted = (column,) if column else PICTURES
        lower = {name.lower(): name for name in reversed(names)}
        self._column = next((lower[name.lower()] for name in wanted if name.lower() in lower), None)
        if self._column is None:
            raise OptionError(
                f"{file.name} has the columns {', '.join(names)}; wanted {column or 'image, bytes or path'}. Name the "
                "column that holds the pictures."
            )
        self._label = next((lower[name] for name in LABELS if name in lower and lower[name] != self._column), None)
        self._part, self._values = -1, None

    def _open(self) -> None:
        self._parquet: Any = None
        self._batches: Any = None
        if self._file.suffix.lower() == ".parquet":
            self._parquet = importlib.import_module("pyarrow.parquet").ParquetFile(self._file, memory_map=True)
            self._schema = self._parquet.schema_arrow
            groups = range(self._parquet.metadata.num_row_groups)
            counts = [self._parquet.metadata.row_group(group).num_rows for group in groups]
        else:
            ipc = importlib.import_module("pyarrow.ipc")
            memory = self._arrow.memory_map(str(self._file))
            try:
                reader = ipc.open_file(memory)
                self._batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            except self._arrow.ArrowInvalid:  # the stream format, in which datasets of Hugging Face are kept
                memory.seek(0)
                reader = ipc.open_stream(memory)
                self._batches = list(reader)
            self._schema = reader.schema
            counts = [batch.num_rows for batch in self._batches]
        self._ends = [sum(counts[: number + 1]) for number in range(len(counts))]

    def labels(self) -> Iterator[str]:
        """Yield the class of every row; empty where the table has none."""
        if self._label is None:
            yield from ("" for _ in range(self._ends[-1] if self._ends else 0))
            return
        names = _class_names(self._schema, self._label)
        for part in range(len(self._ends)):
            for value in self._read(part, self._label):
                known = isinstance(value, int) and 0 <= value < len(names)
                yield "" if value is None else names[value] if known else str(value)

    def paths(self) -> Iterator[str | None]:
        """Yield the path of every row's photo; None for rows that hold its bytes."""
        if not self._arrow.types.is_string(kind := self._schema.field(self._column).type) and not (
            self._arrow.types.is_large_string(kind)
        ):
            yield from (None for _ in range(self._ends[-1] if self._ends else 0))
            return
        for part in range(len(self._ends)):
            yield from self._read(part, str(self._column))

    def value(self, row: int) -> Any:
        """Return what a row holds as its picture; raises ImageError for a row that is not there."""
        part = next((number for number, end in enumerate(self._ends) if row < end), None)
        if part is None:
            raise ImageError(f"{self._file.name} has no row {row}. It was changed: begin anew.")
        if part != self._part:
            self._part, self._values = part, self._column_of(part, str(self._column))
        start = self._ends[part - 1] if part else 0
        return self._values[row - start].as_py()  # type: ignore[index]

    def _column_of(self, part: int, column: str) -> Any:
        try:
            if self._parquet is not None:
                return self._parquet.read_row_group(part, columns=[column])[column]
            return self._batches[part].column(column)
        except (self._arrow.ArrowException, OSError) as error:
            raise ImageError(f"{self._file.name} is damaged in part {part} ({error}). Write it again.") from error

    def _read(self, part: int, column: str) -> list[Any]:
        values: list[Any] = self._column_of(part, column).to_pylist()
        return values


def _arrow(wanting: str) -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise OptionError(
            f"{wanting} needs pyarrow, which is not installed; wanted it for Parquet and Arrow tables. Install it: "
            "pip install pyarrow."
        ) from error


def _class_names(schema: Any, label: str) -> list[str]:
    """Return the names of classes that datasets of Hugging Face write into a table's schema."""
    try:
        told = json.loads(schema.metadata[b"huggingface"])
        return [str(name) for name in told["info"]["features"][label]["names"]]
    except (KeyError, TypeError, ValueError):
        return []
