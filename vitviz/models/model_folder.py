"""A folder of models that a server shows to its readers: nothing outside of it can be read through it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from vitviz.errors import CheckpointError, OptionError, WeightsUnavailableError
from vitviz.record import Record

VARIABLE = "VITVIZ_MODELS"
"""The environment variable that names the folder to the dashboard."""
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".tar", ".npz")
NAMES = (".txt", ".csv", ".tsv", ".json")
"""Suffixes of files of class names."""
MOST = 200
"""Most models that are listed; others can be opened by their path."""
_BESIDE = ("config.json", "adapter_config.json")
"""What is read with a weights file of the same folder, as ``checkpoints.file`` does."""
_SETTINGS = ("config.json", "adapter_config.json", "preprocessor_config.json", "model.safetensors.index.json")
_MOST_VISITED = 20_000
_LARGEST_TABLE = 20_000_000
"""Bytes of a config.json; that of 21,843 classes with their names has 2 million."""


@dataclass(frozen=True)
class ModelFolder(Record):
    """Weights files and models of transformers below one folder, by their paths relative to it.

    Raises OptionError if there is no such folder.
    """

    root: Path

    def __post_init__(self) -> None:
        given = Path(self.root).expanduser()
        if not given.is_dir():
            raise OptionError(
                "There is no folder of models at {folder}; wanted the path of one. Make it, or give another.",
                folder=given,
            )
        object.__setattr__(self, "root", given.resolve())

    @classmethod
    def of_environment(cls) -> ModelFolder | None:
        """Return the folder that the environment names, or None if it names none."""
        given = os.environ.get(VARIABLE, "").strip()
        return cls(Path(given)) if given else None

    def path(self, name: str) -> Path:
        """Return the real path of a weights file, or of a folder with a model of transformers.

        Raises OptionError for a path that leads out of the folder, by itself or through a link, WeightsUnavailableError
        where there is nothing, CheckpointError for what is no model.
        """
        real = self._inside(name)
        if real.is_dir():
            self._check_transformers(name, real)
            return real
        if not real.is_file() or real.suffix.lower() not in SUFFIXES:
            raise CheckpointError(
                "{name} is no weights file; wanted one that ends in {suffixes}, or a folder with config.json and "
                "safetensors. Choose another.",
                name=repr(name),
                suffixes=", ".join(SUFFIXES),
            )
        for beside in _BESIDE:
            self._check_link(name, real.parent / beside)
        return real

    def names_path(self, name: str) -> Path:
        """Return the real path of a file of class names; raises as ``path``."""
        real = self._inside(name)
        if not real.is_file() or real.suffix.lower() not in NAMES:
            raise OptionError(
                "{name} is no file of class names; wanted one that ends in {suffixes}. Choose another.",
                name=repr(name),
                suffixes=", ".join(NAMES),
            )
        return real

    def names(self) -> tuple[str, ...]:
        """Return the models below the folder, in order, MOST of them at most; hidden files and links to folders not."""
        return tuple(sorted(self._walk())[:MOST])

    def names_beside(self, name: str) -> tuple[str, ...]:
        """Return the files beside a model that may hold its class names; raises as ``path``."""
        folder = self.path(name).parent if not self.path(name).is_dir() else self.path(name)
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in NAMES and path.is_file())
        told = (path.name for path in files if not path.name.startswith(".") and path.name not in _SETTINGS)
        return tuple((folder.relative_to(self.root) / name).as_posix() for name in told)[:MOST]

    def _inside(self, name: str) -> Path:
        parts = PurePosixPath(name).parts
        windows = PureWindowsPath(name)
        if (
            not parts
            or name.startswith("/")
            or windows.drive
            or windows.root
            or "\\" in name
            or not name.isprintable()
            or any(part.startswith(".") for part in parts)
        ):
            raise OptionError(
                "{name} is no path below the folder of models; wanted one without '..', such as "
                "runs/best.safetensors. Choose one of its files.",
                name=repr(name),
            )
        try:
            real = self.root.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            raise WeightsUnavailableError(
                "There is no {name} in the folder of models. Choose one of its files.", name=repr(name)
            ) from error
        if not real.is_relative_to(self.root):
            raise self._leads_out(name)
        return real

    def _check_link(self, name: str, path: Path) -> None:
        if path.exists() and not path.resolve().is_relative_to(self.root):
            raise self._leads_out(name)

    def _leads_out(self, name: str) -> OptionError:
        return OptionError(
            "{name} leads out of the folder of models through a link; wanted a file that lies in it. Copy it there.",
            name=repr(name),
        )

    def _check_transformers(self, name: str, folder: Path) -> None:
        if not is_transformers(folder):
            raise CheckpointError(
                "The folder {name} holds no model of transformers; wanted config.json with a model_type, and "
                "safetensors beside it. Choose one of its files.",
                name=repr(name),
            )
        for path in folder.iterdir():
            self._check_link(name, path)
        index = folder / "model.safetensors.index.json"
        shards = _table(index).get("weight_map") if index.is_file() else {}
        if not isinstance(shards, dict) or any(Path(str(shard)).name != shard for shard in shards.values()):
            raise self._leads_out(name)

    def _walk(self) -> Iterator[str]:
        visited = count = 0
        for place, folders, files in os.walk(self.root):
            here = Path(place)
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            visited += len(folders) + len(files) + 1
            if visited > _MOST_VISITED or count > 4 * MOST:
                return
            if here != self.root and is_transformers(here):
                count += 1
                yield here.relative_to(self.root).as_posix()
                continue
            for file in files:
                path = here / file
                if file.startswith(".") or path.suffix.lower() not in SUFFIXES:
                    continue
                if path.is_file() and path.resolve().is_relative_to(self.root):
                    count += 1
                    yield path.relative_to(self.root).as_posix()


def is_transformers(folder: Path) -> bool:
    """Return whether a folder holds a model as transformers saves it: its config.json says of which type."""
    return (folder / "config.json").is_file() and "model_type" in _table(folder / "config.json")


def _table(path: Path) -> dict[str, object]:
    try:
        table = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size < _LARGEST_TABLE else {}
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def read_beside(path: Path) -> list[Path]:
    """Return the files that are read with a weights file, of its own folder: settings and the index of several parts.

    A file of another kind has none.
    """
    if path.suffix.lower() not in SUFFIXES and not path.name.endswith(".index.json"):
        return []
    beside = [path.parent / name for name in _BESIDE]
    return [*(file for file in beside if file.is_file()), *path.parent.glob("*.index.json")]
