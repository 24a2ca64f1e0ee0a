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


class BenchmarkStore:
    """A folder with the settings of a benchmark and one line a photo and method; a photo is there whole or not."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Open or begin a benchmark; raises OptionError if the folder holds one with other settings."""
        self.measured: dict[str, list[Measurement]] = {}
        """Measurements by photo."""
        self.right: dict[str, bool] = {}
        """Whether the model's answer to a photo was the class that was explained."""
        self.peaks: dict[str, float] = {}
        """Megabytes by method; filled once, by the first photo."""
        self._lines, self._peaks = folder / "measurements.csv", folder / "peak_memory.json"
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
        other = [name for name in settings if begun.get(name) != settings[name]]
        if other:
            told = "; ".join(f"{name}: {begun.get(name)}, now {settings[name]}" for name in other)
            raise OptionError(
                f"{path.parent} holds a benchmark with other settings ({told}). Give the same ones to go on with it, "
                "or another folder with --out."
            )

    def _read(self) -> None:
        """Take over the photos that are there with all their methods; half a photo is measured again."""
        if self._peaks.is_file():
            self.peaks = json.loads(self._peaks.read_text("utf-8"))
        rows: dict[str, list[dict[str, str]]] = {}
        if self._lines.is_file():
            with self._lines.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    rows.setdefault(row["photo"], []).append(row)
        with self._lines.open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerow(_COLUMNS)
        for photo, found in rows.items():
            whole = [row for row in found if row.get("seconds")]
            if [row["method"] for row in whole] == self._methods:
                self.add(photo, [_measurement(row) for row in whole], whole[0]["right"] == "1")

    def add(self, photo: str, found: Sequence[Measurement], right: bool) -> None:
        """Keep a photo's measurements, in memory and in the file."""
        self.measured[photo], self.right[photo] = list(found), right
        with self._lines.open("a", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines)
            for each in found:
                numbers = [getattr(each, name) for name in _NUMBERS]
                written = ["" if value is None else f"{value:.6g}" for value in numbers]
                writer.writerow([photo, int(right), each.method, *written])

    def add_peaks(self, peaks: Mapping[str, float]) -> None:
        """Keep the memory of each method."""
        self.peaks = dict(peaks)
        self._peaks.write_text(json.dumps(self.peaks, indent=2) + "\n", "utf-8")


def _measurement(row: dict[str, str]) -> Measurement:
    numbers: dict[str, Any] = {
        name: None if row[name] == "" else float(row[name]) for name in _NUMBERS
    }
    return Measurement(row["method"], **numbers)
