"""BenchmarkTable: measurements of many photos as one row a method, mean and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from vitviz.analysis.faithfulness import NORMAL_95
from vitviz.attribution.benchmark import METRICS, RANDOM, Measurement
from vitviz.errors import OptionError
from vitviz.record import Record


@dataclass(frozen=True)
class Cell(Record):
    """One metric of one method over all photos."""

    mean: float
    half: float
    """Half the 95% interval of the mean: 1.96 standard errors over photos; NaN for one photo."""
    photos: int
    """Photos that have this number."""
    gain: float
    """Mean of the differences to random maps of the same photos; NaN where there is none."""
    gain_half: float
    """Half the 95% interval of ``gain``."""


@dataclass(frozen=True)
class Row(Record):
    """One method."""

    method: str
    """Name in METHODS, or "random"."""
    cells: Mapping[str, Cell]
    """By name of the metric; those without numbers are missing."""
    peak_megabytes: float | None
    """See ``peak_memory``; None where it was not measured."""


def benchmark_table(
    measured: Mapping[str, Iterable[Measurement]], peaks: Mapping[str, float] | None = None
) -> list[Row]:
    """Return the rows of a benchmark, largest insertion − deletion first.

    ``measured`` holds the measurements by photo. Raises OptionError if there are none.
    """
    photos = {
        photo: {measurement.method: measurement for measurement in measurements}
        for photo, measurements in measured.items()
    }
    methods = list(dict.fromkeys(name for by_method in photos.values() for name in by_method))
    if not methods:
        raise OptionError(
            "Nothing was measured, so there is no table; wanted at least one photo. "
            "Look at the reasons why photos were skipped."
        )
    rows = [Row(name, _cells(photos, name), (peaks or {}).get(name)) for name in methods]
    return sorted(rows, key=lambda row: -row.cells["difference"].mean)


def _cells(photos: Mapping[str, Mapping[str, Measurement]], method: str) -> dict[str, Cell]:
    cells = {}
    for metric in METRICS:
        pairs = [
            (_value(by_method.get(method), metric.name), _value(by_method.get(RANDOM), metric.name))
            for by_method in photos.values()
        ]
        own = np.array([value for value, _random in pairs if value is not None])
        if metric.name == "seconds" and method == RANDOM or not len(own):
            continue
        gains = [value - random for value, random in pairs if value is not None and random is not None]
        cells[metric.name] = Cell(*_interval(own), len(own), *_interval(np.array(gains)))
    return cells


def _value(measured: Measurement | None, metric: str) -> float | None:
    value: float | None = None if measured is None else getattr(measured, metric)
    return value


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of values and half its 95% interval."""
    if not len(values):
        return float("nan"), float("nan")
    half = NORMAL_95 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(half)
