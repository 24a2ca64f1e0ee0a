"""What a weights file says of itself, or config.json beside it: class names and architecture, never guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from vitviz.errors import OptionError
from vitviz.models import timm_door
from vitviz.models.checkpoints.file import Contents
from vitviz.models.checkpoints.records import attributes
from vitviz.models.class_names import listed_names

_ARCHITECTURES = ("architecture", "arch", "model", "model_name")
_KEYS = ("id2label", "label2id", "class_names", "class_to_idx", "idx_to_class", "label_names", "classes", "names")


def names_in(contents: Contents, count: int) -> tuple[str, ...] | None:
    """Return the class names in a file or beside it, or None if there are none, or not ``count`` of them."""
    for given in (*_tables(contents.tables.get("config", {}), 3), *_tables(contents.values, 3)):
        try:
            names = listed_names(given)
        except OptionError:
            continue
        if count and len(names) == count and not all(re.fullmatch(r"LABEL_\d+", name) for name in names):
            return names
    return None


def declared_in(contents: Contents) -> str | None:
    """Return timm's architecture that a file or the config.json beside it names, or None."""
    for table in (contents.tables.get("config", {}), contents.values, attributes(contents.values.get("args")) or {}):
        for key in _ARCHITECTURES:
            name = table.get(key)
            plain = name.removeprefix("timm/").partition(".")[0] if isinstance(name, str) else ""
            if plain in timm_door.model_names():
                return plain
    return None


def _tables(value: Any, depth: int) -> Iterator[Any]:
    table = attributes(value)
    if table is None or not depth:
        return
    for key in _KEYS:
        given = _parsed(table.get(key))
        if isinstance(given, Mapping | list | tuple):
            yield given
    for name, inner in table.items():
        if name not in _KEYS:
            yield from _tables(inner, depth - 1)


def _parsed(value: Any) -> Any:
    """Return a table that safetensors' header holds as a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None
