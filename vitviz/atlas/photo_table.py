"""The table beside photos: what each shows and where, as CSV, TSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitviz.analysis.faithfulness_checks import Box
from vitviz.errors import OptionError
from vitviz.record import Record
from vitviz.text_file import read_text

SUFFIXES = (".csv", ".tsv", ".json")
LABELS = ("wnid", "class", "label")
CORNERS = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class Facts(Record):
    """What a table says of one photo."""

    label: str = ""
    boxes: tuple[Box, ...] = ()
    """(left, top, right, bottom) in pixels of the photo, right and bottom exclusive."""


def is_table(path: Path) -> bool:
    """Return whether a file's name is that of a table."""
    return path.suffix.lower() in SUFFIXES


def read_table(path: Path) -> dict[str, Facts]:
    """Return what a table says, by the photo's name.

    CSV and TSV have a header: ``file``; ``wnid``, ``class`` or ``label``; ``x0``, ``y0``, ``x1``, ``y1`` of a box, the
    last ones included (as Tiny-ImageNet's). A photo with several boxes has several lines. JSON is a list of objects
    with ``file``, ``class`` and ``boxes``, each box four numbers with the same meaning.

    Raises OptionError for a table that is not there or not as told here.
    """
    if not path.is_file():
        raise OptionError(f"There is no table {path}. Name a CSV, TSV or JSON file, or leave it out.")
    rows = _of_json(path) if path.suffix.lower() == ".json" else _of_csv(path)
    facts: dict[str, Facts] = {}
    for name, label, boxes in rows:
        known = facts.get(name)
        if known is not None and (known.label != label or not boxes or not known.boxes):
            raise OptionError(
                f"{path.name} lists {name} more than once; wanted one line a photo, or lines that tell of further "
                "boxes with the same class. Take the other lines out."
            )
        facts[name] = Facts(label, boxes if known is None else (*known.boxes, *boxes))
    return facts


def columns_of(name: str, text: str) -> tuple[csv.DictReader[str], list[str], str | None]:
    """Return the rows of a table with tabs or commas, its columns of a box, and that of the class if there is one.

    Raises OptionError for a table without ``file``, or with some of a box's columns and not all.
    """
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    columns = reader.fieldnames or []
    corners = [column for column in CORNERS if column in columns]
    if "file" not in columns or len(corners) not in (0, 4):
        raise OptionError(
            f"{name} has the columns {', '.join(columns) or 'none'}; wanted file, and if boxes are known all of "
            f"{', '.join(CORNERS)}. Name the columns in its first line."
        )
    return reader, corners, next((column for column in LABELS if column in columns), None)


def _of_csv(path: Path) -> Iterable[tuple[str, str, tuple[Box, ...]]]:
    reader, corners, label = columns_of(path.name, read_text(path))
    for row in reader:
        drawn = [row[name] for name in corners if row[name]]
        yield _name(path, row["file"]), (row[label] or "" if label else ""), _boxes(path, row, [drawn] if drawn else [])


def _of_json(path: Path) -> Iterable[tuple[str, str, tuple[Box, ...]]]:
    try:
        rows = json.loads(read_text(path))
    except ValueError as error:
        raise OptionError(f"{path.name} is no JSON ({error}); wanted a list of objects with file. Mend it.") from error
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise OptionError(f"{path.name} is no list of objects; wanted one a photo, with file. Mend it.")
    for row in rows:
        label = next((str(row[name]) for name in LABELS if row.get(name) is not None), "")
        yield _name(path, row.get("file")), label, _boxes(path, row, row.get("boxes") or [])


def _name(path: Path, name: object) -> str:
    if not isinstance(name, str) or not name:
        raise OptionError(f"A line of {path.name} has no file; wanted a photo's name in each. Mend the line.")
    return name


def _boxes(path: Path, row: Mapping[str, Any], drawn: Iterable[Any]) -> tuple[Box, ...]:
    boxes: list[Box] = []
    for corners in drawn:
        try:
            left, top, right, bottom = (int(corner) for corner in corners)
        except (TypeError, ValueError):
            raise OptionError(
                f"The box of {row['file']} in {path.name} is {corners!r}; wanted four whole numbers. Mend the line, or "
                "leave the box out."
            ) from None
        boxes.append((left, top, right + 1, bottom + 1))
    return tuple(boxes)
