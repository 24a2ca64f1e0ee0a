"""Weights in several files with an index: "model-00001-of-00002.safetensors", as transformers saves large models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vitviz.errors import CheckpointError

_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.\w+)$")


def parts_of(path: Path) -> list[Path]:
    """Return the files that hold a model: the file itself, or all parts of which it is the index or one.

    Raises CheckpointError for a part without its index, for an index that cannot be read, names files elsewhere, or
    files that are not there.
    """
    shard = _SHARD.match(path.name)
    if shard is None and not path.name.endswith(".index.json"):
        return [path]
    index = path if shard is None else path.with_name(f"{shard[1]}{shard[4]}.index.json")
    if shard is not None and not index.is_file():
        raise CheckpointError(
            "{name} is part {number} of {count} of a model, and its index {index} is not beside it; wanted all parts "
            "and the index in one folder. Put them there, or save the model in one file.",
            name=path.name,
            number=int(shard[2]),
            count=int(shard[3]),
            index=index.name,
        )
    names = sorted(set(_table(index).values()))
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise CheckpointError(
            "{name} names {count} files, and {missing} is not beside it. Download all parts into one folder.",
            name=index.name,
            count=len(names),
            missing=missing[0],
        )
    return [index.parent / name for name in names]


def _table(index: Path) -> dict[str, str]:
    try:
        table: Any = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        files = {str(name): str(file) for name, file in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            "{name} is no index of weights; wanted JSON with a weight_map from tensors to files. Download it again.",
            name=index.name,
        ) from error
    outside = next((file for file in files.values() if Path(file).name != file or file in ("", "..")), None)
    if outside is not None or not files:
        raise CheckpointError(
            "{name} names the file {file}; wanted files in its own folder. Download it again.",
            name=index.name,
            file=repr(outside),
        )
    return files
