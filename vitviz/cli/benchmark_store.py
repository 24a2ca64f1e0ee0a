"""What a benchmark has measured so far, in files, so that it can be stopped at any time and go on later."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vitviz.attribution.benchmark import Measurement
from vitviz.errors import OptionError, VitvizError

_NUMBERS = [each.name for each in fields(Measurement) if each.name != "method"]
_COLUMNS = ["photo", "right", "method", *_NUMBERS]
_UNKNOWN = "not recorded"  # by an older version: nothing says that it was the same
_PHOTO_COLUMNS = ["photo", "digest"]


class BenchmarkStore:
    """A folder with the settings of a benchmark, one line a photo and method, and which file each photo was.

    A photo is there whole or not.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Open or begin a benchmark; raises OptionError if the folder holds one with other settings."""
        self.measured: dict[str, list[Measurement]] = {}
        """Measurements by photo."""
        self.right: dict[str, bool] = {}
        """Whether the model's answer to a photo was the class that was explained."""
        self.digests: dict[str, str] = {}
        """Hash of each photo's file, as it was when it was measured."""
        self.peaks: dict[str, float] = {}
        """Megabytes by method; filled once, by the first photo."""
        self._lines, self._peaks = folder / "measurements.csv", folder / "peak_memory.json"
        self._photos = folder / "photos.csv"
        self._methods = [*settings["methods"], "random"]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._check(folder / "settings.json", json.loads(json.dumps(dict(settings))))
            self._read()
        except OSError as error:
            raise VitvizError(
                f"{folder} cannot be written to ({error.strerror}). Choose another place with --out."
            ) from error

    def _check(self, path: Path, settings: dict[str, Any]) -> None:
        if not path.is_file():
            path.write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", "utf-8")
            return
        begun = json.loads(path.read_text("utf-8"))
        known = {name: begun.get(name, _UNKNOWN) for name in settings}
        other = [name for name in settings if known[name] != settings[name]]
        if other:
            told = "; ".join(f"{name}: {known[name]}, now {settings[name]}" for name in other)
            raise OptionError(
                f"{path.parent} holds a benchmark with other settings ({told}). Give the same ones to go on with it, "
                "or another folder with --out."
            )

    def _read(self) -> None:
        """Take over the photos that are there with all their methods; half a photo is measured again.

        So is one of which no hash is known: it could be any of that name.
        """
        if self._peaks.is_file():
            self.peaks = json.loads(self._peaks.read_text("utf-8"))
        digests = {row["photo"]: row["digest"] for row in _rows(self._photos) if row.get("digest")}
        rows: dict[str, list[dict[str, str]]] = {}
        for row in _rows(self._lines):
            rows.setdefault(row["photo"], []).append(row)
        for path, columns in ((self._photos, _PHOTO_COLUMNS), (self._lines, _COLUMNS)):
            path.write_text("", "utf-8")
            _append(path, [columns])
        for photo, found in rows.items():
            whole = [row for row in found if row.get("seconds")]
            if [row["method"] for row in whole] == self._methods and photo in digests:
                numbers = [_measurement(row) for row in whole]
                self.add(photo, numbers, whole[0]["right"] == "1", digest=digests[photo])

    def add(self, photo: str, found: Sequence[Measurement], right: bool, *, digest: str) -> None:
        """Keep a photo's measurements, in memory and in the files; ``digest`` is the hash of its file."""
        self.measured[photo], self.right[photo] = list(found), right
        self.digests[photo] = digest
        # the hash goes first: without its measurements it is nothing, while they are nothing without it
        _append(self._photos, [[photo, digest]])
        _append(self._lines, [[photo, int(right), each.method, *_written(each)] for each in found])

    def add_peaks(self, peaks: Mapping[str, float]) -> None:
        """Keep the memory of each method."""
        self.peaks = dict(peaks)
        self._peaks.write_text(json.dumps(self.peaks, indent=2) + "\n", "utf-8")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _append(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with path.open("a", encoding="utf-8", newline="") as lines:
        csv.writer(lines).writerows(rows)


def _written(found: Measurement) -> list[str]:
    numbers = [getattr(found, name) for name in _NUMBERS]
    return ["" if value is None else f"{value:.6g}" for value in numbers]


def _measurement(row: dict[str, str]) -> Measurement:
    numbers: dict[str, Any] = {name: None if row[name] == "" else float(row[name]) for name in _NUMBERS}
    return Measurement(row["method"], **numbers)
