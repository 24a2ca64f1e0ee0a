"""What a benchmark has measured so far, in files, so that it can be stopped at any time and go on later."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from vitviz.attribution.benchmark import Measurement
from vitviz.errors import OptionError, OutputError
from vitviz.files import check_outputs, write_files, write_text

_NUMBERS = [column.name for column in fields(Measurement) if column.name != "method"]
_COLUMNS = ["photo", "right", "method", *_NUMBERS]
_UNKNOWN = "not recorded"  # by an older version: nothing says that it was the same
_PHOTO_COLUMNS = ["photo", "digest"]


SETTINGS = "settings.json"
FILES = (SETTINGS, "measurements.csv", "photos.csv", "manifest.csv", "peak_memory.json", "table.csv", "table.html")
"""What a benchmark writes into its folder."""


def check_folder(folder: Path, sources: Iterable[Path], *, overwrite: bool) -> None:
    """Raise OptionError for a folder whose files of these names are read, or are there and belong to no benchmark."""
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"{folder} is a file; wanted a folder. Choose another name with --out.")
    if folder.is_dir():
        goes_on = _begun(folder / SETTINGS) is not None
        check_outputs([folder / name for name in FILES], sources, overwrite=overwrite or goes_on)


def _begun(path: Path) -> dict[str, Any] | None:
    """Return the settings of the benchmark that was begun in a folder; None if there is none."""
    try:
        settings = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return settings if isinstance(settings, dict) and "methods" in settings else None


class BenchmarkStore:
    """A folder with the settings of a benchmark, one line a photo and method, and which file each photo was.

    A photo is there whole or not.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, anew: bool = False) -> None:
        """Open a benchmark, or begin one, also in place of another if ``anew``.

        Raises OptionError if the folder holds one with other settings.
        """
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
            self._check(folder / SETTINGS, json.loads(json.dumps(dict(settings))), anew)
            self._read(anew)
        except OSError as error:
            raise OutputError(
                f"{folder} cannot be written to ({error.strerror}). Choose another place with --out."
            ) from error

    def _check(self, path: Path, settings: dict[str, Any], anew: bool) -> None:
        begun = None if anew else _begun(path)
        if begun is None:
            write_text(path, json.dumps(settings, indent=2, ensure_ascii=False) + "\n")
            return
        known = {name: begun.get(name, _UNKNOWN) for name in settings}
        other = [name for name in settings if known[name] != settings[name]]
        if other:
            told = "; ".join(f"{name}: {known[name]}, now {settings[name]}" for name in other)
            raise OptionError(
                f"{path.parent} holds a benchmark with other settings ({told}). Give the same ones to go on with it, "
                "add --overwrite to begin anew, or name another folder with --out."
            )

    def _read(self, anew: bool) -> None:
        """Take over the photos that are there with all their methods; half a photo is measured again.

        So is one of which no hash is known: it could be any of that name.
        """
        if anew:
            self._peaks.unlink(missing_ok=True)
        rows: dict[str, list[dict[str, str]]] = {}
        if not anew:
            self.peaks = _peaks(self._peaks)
            self.digests = {row["photo"]: row["digest"] for row in _rows(self._photos) if row.get("digest")}
            for row in _rows(self._lines):
                rows.setdefault(row["photo"], []).append(row)
        for photo, rows_of_photo in rows.items():
            whole = [row for row in rows_of_photo if row.get("seconds")]
            if [row["method"] for row in whole] == self._methods and photo in self.digests:
                self.measured[photo] = [_measurement(row) for row in whole]
                self.right[photo] = whole[0]["right"] == "1"
        self.digests = {photo: self.digests[photo] for photo in self.measured}
        # both at once: stopped here, what was measured is still there
        photos, lines = [_PHOTO_COLUMNS, *self.digests.items()], [_COLUMNS]
        for photo, measured in self.measured.items():
            lines += self._written_lines(photo, measured)
        write_files({self._photos: _csv(photos), self._lines: _csv(lines)})

    def _written_lines(self, photo: str, measured: Sequence[Measurement]) -> list[list[Any]]:
        return [[photo, int(self.right[photo]), measurement.method, *_written(measurement)] for measurement in measured]

    def add(self, photo: str, measurements: Sequence[Measurement], right: bool, *, digest: str) -> None:
        """Keep a photo's measurements, in memory and in the files; ``digest`` is the hash of its file."""
        self.measured[photo], self.right[photo] = list(measurements), right
        self.digests[photo] = digest
        # the hash goes first: without its measurements it is nothing, while they are nothing without it
        _append(self._photos, [[photo, digest]])
        _append(self._lines, self._written_lines(photo, measurements))

    def add_peaks(self, peaks: Mapping[str, float]) -> None:
        """Keep the memory of each method."""
        self.peaks = dict(peaks)
        write_text(self._peaks, json.dumps(self.peaks, indent=2) + "\n")


def _peaks(path: Path) -> dict[str, float]:
    """Return the memory that was measured; nothing where the file is missing or damaged, so that it is measured."""
    try:
        peaks = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return peaks if isinstance(peaks, dict) else {}


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode("utf-8")


def _append(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    """Add lines at the end; half a line, where the disk is full, is left out by the next reader."""
    try:
        with path.open("ab") as lines:
            lines.write(_csv(rows))
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error.strerror or error}). Choose another place.") from error


def _written(measurement: Measurement) -> list[str]:
    numbers = [getattr(measurement, name) for name in _NUMBERS]
    return ["" if value is None else f"{value:.6g}" for value in numbers]


def _measurement(row: dict[str, str]) -> Measurement:
    numbers: dict[str, Any] = {name: None if row[name] == "" else float(row[name]) for name in _NUMBERS}
    return Measurement(row["method"], **numbers)
