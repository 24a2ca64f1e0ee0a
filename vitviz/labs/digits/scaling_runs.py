"""The shipped runs of scaling: default settings, trained by this script, shown at once.

``python -m vitviz.labs.digits.scaling_runs`` trains them again and writes assets/labs/digit_scaling.json.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import lru_cache

from vitviz.assets import ASSETS
from vitviz.files import write_text
from vitviz.labs.digits.scaling import DigitScaling, ScaledRun, digit_scaling

FILE = ASSETS / "labs" / "digit_scaling.json"
_DIGITS = 4


@lru_cache(maxsize=1)
def shipped_scaling() -> DigitScaling:
    """Return the runs of scaling at the default settings; numbers to four digits.

    >>> from vitviz.labs.digits.scaling_runs import shipped_scaling
    >>> shipped_scaling().values("width")
    (8, 16, 32, 64)
    """
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    runs = tuple(ScaledRun(**run) for run in stored.pop("runs"))
    return DigitScaling(runs=runs, **stored)


def as_text(result: DigitScaling) -> str:
    """Return a result as the text of its file, one run a line."""
    told = asdict(result)
    rows = [{name: _short(value) for name, value in run.items()} for run in told.pop("runs")]
    head = json.dumps(told, separators=(",", ":"))[:-1]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return f'{head},"runs":[\n{lines}]}}\n'


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _told(done: int, total: int, result: DigitScaling) -> None:
    last = result.runs[-1]
    print(f"{done} / {total}: {last.sizes}, {last.accuracy:.3f}, {last.seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    write_text(FILE, as_text(digit_scaling(progress=_told)))
