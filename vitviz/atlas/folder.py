"""The folder of a result: which files it holds, who may write to it, and whether what lies there belongs to this work.

atlas.json   settings, format, where the photos lie
photos.csv   the list of photos
states/      one file a shard, while the work goes on
atlas.npz    the merge of all, when it is done; the states go then
.lock        held by the run that writes; a killed run's lock is free at once, for the system holds it
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from vitviz.atlas.photo_list import Shards
from vitviz.atlas.state import State
from vitviz.atlas.state_file import FORMAT, format_of, read_state, state_bytes
from vitviz.errors import OptionError, OutputError
from vitviz.export.json_text import json_text
from vitviz.files import check_outputs, write_bytes, write_text

SETTINGS, PHOTOS, ATLAS, STATES, LOCK = "atlas.json", "photos.csv", "atlas.npz", "states", ".lock"


def named_folder(name: str | os.PathLike[str]) -> Path:
    """Return the path of a result folder; raises OptionError for an empty name, which would be the current folder."""
    if not os.fspath(name).strip():
        raise OptionError('The folder of an atlas has no name; wanted one, or "." for the current folder. Name it.')
    return Path(name).expanduser()


class AtlasFolder:
    """A result folder that work begins in or goes on in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.photos = path / PHOTOS
        self.atlas = path / ATLAS

    @contextmanager
    def held(self, *, inputs: Iterable[Path], overwrite: bool) -> Iterator[None]:
        """Hold the folder, made if it is missing, against a second run, and take away what a killed one left half made.

        Raises OptionError if another run holds it or files of these names belong to something else, OutputError if it
        cannot be written to.
        """
        if self.path.exists() and not self.path.is_dir():
            raise OptionError(
                "{path} is a file; wanted a folder. Choose another name.",
                path=self.path,
            )
        names = [self.path / name for name in (SETTINGS, PHOTOS, ATLAS)]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / LOCK, timeout=0):
                check_outputs(names, inputs, overwrite=overwrite or self.begun() is not None)
                self._clear_parts()
                yield
        except Timeout as error:
            raise OptionError(
                "Another run is writing into {path}; wanted a folder that nobody writes to. Wait for it, or name "
                "another folder.",
                path=self.path,
            ) from error
        except OSError as error:
            raise OutputError(
                "{path} cannot be written to ({reason}). What is measured stays there: mend the "
                "reason and start again, or name another folder.",
                path=self.path,
                reason=error.strerror or str(error),
            ) from error

    def begun(self) -> dict[str, Any] | None:
        """Return what the folder says of its atlas; None if it holds none. Raises OptionError for another version's."""
        try:
            told = json.loads((self.path / SETTINGS).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OptionError(
                "{file} cannot be read as JSON ({error}); wanted the file of an atlas. Remove it, "
                "or name another folder.",
                file=self.path / SETTINGS,
                error=str(error),
            ) from error
        if not isinstance(told, dict) or format_of(told) != FORMAT:
            raise OptionError(
                "{path} holds an atlas of the format {format!r}; wanted {wanted}, that of this version "
                "of vitviz. Read it with the version that wrote it, or name another folder.",
                path=self.path,
                format=format_of(told),
                wanted=FORMAT,
            )
        return told

    def begin(self, settings: Mapping[str, Any], source: Mapping[str, Any], *, anew: bool) -> None:
        """Write the settings, or compare them with those that the folder has; raises OptionError for other ones."""
        begun = None if anew else self.begun()
        if begun is not None and not isinstance(begun.get("settings"), dict):
            raise OptionError(
                "{file} is damaged: it has no settings; wanted the file of an atlas. Remove it, or "
                "name another folder.",
                file=self.path / SETTINGS,
            )
        plain = json.loads(json_text(dict(settings)))
        if begun is not None:
            other = sorted(name for name in {**plain, **begun["settings"]} if plain.get(name) != _setting(begun, name))
            if other:
                told = "; ".join(_compared(name, _setting(begun, name), plain.get(name)) for name in other)
                raise OptionError(
                    "{path} holds an atlas with other settings ({told}). Give the same ones to go on with it, "
                    "overwrite=True begins anew, or name another folder.",
                    path=self.path,
                    told=told,
                )
            return
        self.atlas.unlink(missing_ok=True)
        self.photos.unlink(missing_ok=True)
        for file in self._state_files():
            file.unlink()
        write_text(self.path / SETTINGS, json_text({"vitviz_atlas": FORMAT, "settings": plain, "source": dict(source)}))

    def state(self, shard: int, shards: Shards) -> State | None:
        """Return a shard's state; None if there is none, or none that fits."""
        try:
            state = read_state(self._state_file(shard))
        except (OptionError, OSError):
            return None
        return state if (state.start, state.stop) == shards.bounds(shard) else None

    def has_state(self, shard: int) -> bool:
        """Return whether there is a file of a shard's state; files are whole or not there."""
        return self._state_file(shard).is_file()

    def write_state(self, shard: int, data: bytes) -> None:
        """Write a shard's state, whole or not at all."""
        (self.path / STATES).mkdir(exist_ok=True)
        write_bytes(self._state_file(shard), data)

    def finish(self, state: State) -> None:
        """Write the merged state, and let those of the shards go."""
        write_bytes(self.atlas, state_bytes(state))
        self.clear_states()

    def clear_states(self) -> None:
        """Remove the states of the shards, which the merged one holds."""
        for file in self._state_files():
            file.unlink()
        if (self.path / STATES).is_dir():
            (self.path / STATES).rmdir()

    def digests(self, shards: Shards) -> NDArray[np.uint64]:
        """Return the hash of every photo's bytes as it was measured, (line,); 0 where it is not measured yet."""
        if self.atlas.is_file():
            return read_state(self.atlas).digests
        digests = np.zeros(shards.photos, np.uint64)
        for shard in range(shards.count):
            state = self.state(shard, shards) if self.has_state(shard) else None
            if state is not None:
                digests[state.start : state.stop] = state.digests
        return digests

    def _state_file(self, shard: int) -> Path:
        return self.path / STATES / f"{shard:06d}.npz"

    def _state_files(self) -> list[Path]:
        return sorted((self.path / STATES).glob("*.npz"))

    def _clear_parts(self) -> None:
        for place in (self.path, self.path / STATES):
            for part in place.glob(".vitviz-*.part"):
                part.unlink(missing_ok=True)


def _setting(begun: Mapping[str, Any], name: str) -> Any:
    return begun["settings"].get(name)


def _compared(name: str, before: Any, now: Any) -> str:
    """Return a changed setting in words, of nested ones what differs."""
    if isinstance(before, dict) and isinstance(now, dict):
        inner = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return "; ".join(_compared(f"{name}, {key}", before.get(key), now.get(key)) for key in inner)
    return f"{name}: {before}, now {now}"
