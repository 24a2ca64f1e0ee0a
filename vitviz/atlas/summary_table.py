"""The numbers of an atlas as one long table: a line a number, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vitviz.atlas import arrow_door
from vitviz.atlas.layout import METHOD, METRIC, METRICS
from vitviz.atlas.result import Atlas, Summary

COLUMNS = ("statistic", "class", "place", "second_place", "mean", "low", "high", "deviation", "photos")
"""Places are layers and heads, or what else a statistic's axes count; "class" is empty for all photos."""
Row = tuple[Any, ...]


def summary_rows(atlas: Atlas, *, by_class: Sequence[str] = ()) -> list[Row]:
    """Return a row for each number of each statistic over all photos, as COLUMNS names them.

    The statistics of ``by_class`` have a row for each class besides. ``low`` and ``high`` are the ends of the 95%
    interval of the mean. Numbers that no photo has are left out. Raises OptionError for a statistic that there is not.
    """
    rows = [row for name in atlas.statistics for row in _rows(atlas, name, "", atlas.summary(name))]
    for name in by_class:
        for label, summary in atlas.by_class(name).items():
            rows += _rows(atlas, name, label, summary)
    return rows


def csv_text(atlas: Atlas, *, by_class: Sequence[str] = ()) -> str:
    """Return the table as CSV with a header; an interval that is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in summary_rows(atlas, by_class=by_class):
        writer.writerow("" if isinstance(value, float) and np.isnan(value) else value for value in row)
    return text.getvalue()


def parquet_bytes(atlas: Atlas, *, by_class: Sequence[str] = ()) -> bytes:
    """Return the table as a Parquet file; raises OptionError without pyarrow."""
    rows = summary_rows(atlas, by_class=by_class)
    return arrow_door.parquet_bytes({name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)})


def _rows(atlas: Atlas, name: str, label: str, summary: Summary) -> Iterator[Row]:
    axes = summary.statistic.axes
    for index in np.ndindex(summary.mean.shape):
        if not summary.count[index]:
            continue
        places = [_place(atlas, axis, at) for axis, at in zip(axes, index, strict=True)]
        first, second = [*places, "", ""][:2]
        numbers = (summary.mean, summary.low, summary.high, summary.deviation)
        yield (name, label, first, second, *(float(table[index]) for table in numbers), int(summary.count[index]))


def _place(atlas: Atlas, axis: str, at: int) -> str:
    """Return where a number stands: of methods and metrics their names, else the number as a text."""
    if axis == METHOD:
        return atlas.layout.methods[at]
    return METRICS[at] if axis == METRIC else str(at)
