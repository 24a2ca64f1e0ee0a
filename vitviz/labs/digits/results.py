"""The shipped training runs on digits: default settings, trained by this script, shown at once.

``python -m vitviz.labs.digits.results`` trains them again and writes assets/labs/data_hunger.json and
assets/labs/distillation.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vitviz.assets import ASSETS
from vitviz.files import write_text
from vitviz.labs.digits.data_hunger import DataHunger, data_hunger
from vitviz.labs.digits.distillation_runs import Distillation, TokenAttention, distil
from vitviz.labs.digits.training import Point, Run

HUNGER, DISTILLATION = (ASSETS / "labs" / f"{name}.json" for name in ("data_hunger", "distillation"))
_DIGITS = 4


@lru_cache(maxsize=1)
def shipped_hunger() -> DataHunger:
    """Return the data-hunger runs at the default settings; numbers to four digits."""
    stored = json.loads(HUNGER.read_text(encoding="utf-8"))
    runs = tuple(map(_run, stored.pop("runs")))
    return DataHunger(sizes=tuple(stored.pop("sizes")), runs=runs, **stored)


@lru_cache(maxsize=1)
def shipped_distillation() -> Distillation:
    """Return the distillation runs at the default settings; numbers to four digits."""
    stored = json.loads(DISTILLATION.read_text(encoding="utf-8"))
    runs, seen = tuple(map(_run, stored.pop("runs"))), stored.pop("attention")
    attention = TokenAttention(
        np.array(seen["maps"], np.float32),
        np.array(seen["pictures"], np.float32),
        np.array(seen["answers"], np.int64),
        seen["likeness"],
    )
    return Distillation(runs=runs, attention=attention, **stored)


def as_text(result: DataHunger | Distillation) -> str:
    """Return a result as the text of its file."""
    return json.dumps(_plain(asdict(result)), separators=(",", ":")) + "\n"


def _run(stored: dict[str, Any]) -> Run:
    points = tuple(
        Point(step, float("nan") if loss is None else loss, accuracy) for step, loss, accuracy in stored.pop("points")
    )
    return Run(points=points, **({"updates": points[-1].step} | stored))


def _plain(value: Any) -> Any:
    """Return a value as JSON has words for: readings as [step, loss, accuracy], NaN as null."""
    if isinstance(value, dict):
        if set(value) == {"step", "loss", "accuracy"}:
            return [_plain(entry) for entry in value.values()]
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.{_DIGITS}g}")
    return value


def write(path: Path, result: DataHunger | Distillation) -> None:
    """Write a result to its file."""
    write_text(path, as_text(result))


def _told(done: int, total: int, result: DataHunger | Distillation) -> None:
    last = result.runs[-1]
    print(f"{done} / {total}: {last.name}, {last.size} digits, {last.accuracy:.3f}", file=sys.stderr)


if __name__ == "__main__":
    write(HUNGER, data_hunger(progress=_told))
    write(DISTILLATION, distil(progress=_told))
