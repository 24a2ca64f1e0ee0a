"""Answer: what a command hands back, as a text for people and as values for programs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np

from vitviz.cli.exit_codes import DONE
from vitviz.errors import VitvizError
from vitviz.examples import example
from vitviz.export.json_text import json_text

EXAMPLE = "example:"


@dataclass(frozen=True)
class Answer:
    """What a command found."""

    text: str
    """For people."""
    values: Mapping[str, Any]
    """For programs: what --json prints; NaN is written as null."""
    code: int = DONE
    """The exit code."""

    def shown(self, as_json: bool) -> str:
        """Return what goes to the output."""
        return json_text(plain(self.values)).rstrip() if as_json else self.text


def of_model(answer: Answer, notes: Iterable[str]) -> Answer:
    """Return an answer that tells what is known and assumed of the model too."""
    text = "\n".join([answer.text, *model_lines(notes)])
    return replace(answer, text=text, values={**answer.values, "model_notes": list(notes)})


def model_lines(notes: Iterable[str]) -> list[str]:
    """Return what is known and assumed of a model, a line each."""
    return [f"Of the model: {note}." for note in notes]


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints values instead of sentences."""
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add the option that lets files be replaced."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there already; never one that is read"
    )


def files_read(arguments: argparse.Namespace) -> list[Path]:
    """Return every file that the arguments name, but for --out: whatever option a command has, none is forgotten."""
    values = (value for name, value in vars(arguments).items() if name != "out")
    flat = (item for value in values for item in (value if isinstance(value, list | tuple) else [value]))
    return [path for item in flat if isinstance(item, str | Path) for path in _file(str(item))]


def _file(text: str) -> Iterable[Path]:
    from vitviz.models.hugging_face.loading import HF  # only here: doctor works where torch is missing
    from vitviz.models.model_folder import read_beside

    try:
        if text.startswith(EXAMPLE):
            return [example(text.removeprefix(EXAMPLE)).path]
        if text.startswith("file:"):
            text = url2pathname(urlparse(text).path)
        path = Path(text.removeprefix(HF)).expanduser()
        if (path / "config.json").is_file():  # a model of transformers: whatever lies in its folder may be read
            return [file for file in path.iterdir() if file.is_file()]
        return [path, *read_beside(path)] if path.is_file() else []
    except (VitvizError, OSError, ValueError, RuntimeError):  # no example, or no text that could be a path
        return []


def plain(value: Any) -> Any:
    """Return a value as JSON has it: arrays become lists, NaN and infinity null."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
