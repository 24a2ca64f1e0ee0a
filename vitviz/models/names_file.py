"""Files of class names: a text with a name a line, CSV or TSV, JSON, in whatever Unicode they were saved."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vitviz.errors import OptionError
from vitviz.models.class_names import ClassNames
from vitviz.text_file import read_lines, read_text

_NAMES = ("name", "label", "class", "class_name", "classname", "title", "description")
_INDICES = ("index", "id", "idx", "class_id", "label_id", "number", "class_index")


def read_names(path: Path) -> ClassNames:
    """Return the class names in a file: in order, or by index where it has them.

    JSON is a list, a dictionary from index to name or from name to index, or Hugging Face's config.json. In a table
    the column called name, label or class counts, and one called index or id; without headings, a column of whole
    numbers is the index and the last of the others the name.
    Raises OptionError for a file that cannot be read so.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _of_json(path)
    if suffix in (".csv", ".tsv"):
        return _of_table(path, "\t" if suffix == ".tsv" else None)
    return tuple(read_lines(path))


def _of_json(path: Path) -> ClassNames:
    try:
        given = json.loads(read_text(path))
    except ValueError as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(
            "{name} is no JSON ({error}). Mend it, or give a text with one name a line.",
            name=path.name,
            error=error,
        ) from error
    for name in ("id2label", "label2id", "label_names", "class_names", "classes"):
        if isinstance(given, dict) and isinstance(given.get(name), dict | list):
            given = given[name]
    if not isinstance(given, dict | list):
        raise OptionError(
            "{name} holds a {kind}; wanted a list of names, or a dictionary from index to name.",
            name=path.name,
            kind=type(given).__name__,
        )
    if isinstance(given, dict) and given and all(isinstance(pair, list) and len(pair) == 2 for pair in given.values()):
        return {index: pair[1] for index, pair in given.items()}  # Keras's file of ImageNet: index to id and name
    result: ClassNames = given
    return result


def _of_table(path: Path, delimiter: str | None) -> ClassNames:
    lines = [line for line in read_text(path).split("\n") if line.strip()]
    if delimiter is None:
        delimiter = max(",;\t", key=lambda sign: sum(line.count(sign) for line in lines))
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    if not rows or len({len(row) for row in rows}) != 1:
        raise OptionError(
            "{name} has rows of different lengths, or none; wanted a table with one class a row.",
            name=path.name,
        )
    heading = [cell.lower() for cell in rows[0]]
    name, index = _column(heading, _NAMES), _column(heading, _INDICES)
    if name is not None or index is not None:
        rows = rows[1:]
    index = index if index is not None and _numbers(rows, index) else None
    if index is None and len(heading) > 1:
        index = next((column for column in range(len(heading)) if column != name and _numbers(rows, column)), None)
    name = name if name is not None else max((column for column in range(len(heading)) if column != index), default=0)
    if index is None:
        return tuple(row[name] for row in rows)
    table: dict[Any, str] = {}
    for row in rows:
        if row[index] in table:
            raise OptionError(
                "{name} names class {row} twice; wanted each once. Mend the table.",
                name=path.name,
                row=row[index],
            )
        table[row[index]] = row[name]
    return table


def _column(heading: Sequence[str], names: Sequence[str]) -> int | None:
    return next((heading.index(name) for name in names if name in heading), None)


def _numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    return bool(rows) and all(row[column].isascii() and row[column].isdecimal() for row in rows)
