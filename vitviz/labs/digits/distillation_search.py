"""How the settings of distillation were chosen: on seeds and digits that the shipped result does not use.

``python -m vitviz.labs.digits.distillation_search`` tries them again (about three minutes of one core) and writes
assets/labs/distillation_search.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from torch import nn

from vitviz.assets import ASSETS
from vitviz.files import write_text
from vitviz.labs.digits.data import training_set, validation_set
from vitviz.labs.digits.distillation_runs import LEARNING_RATE, SIZE, STEPS, loss_of, student
from vitviz.labs.digits.networks import digit_convnet
from vitviz.labs.digits.training import accuracy_of, train
from vitviz.record import Record

ALPHAS, TEMPERATURES = (0.5, 0.8, 1.0), (1.5, 3.0, 6.0)
SEEDS = (100, 101, 102)
"""Far from those of the result, which start at 0."""
FILE = ASSETS / "labs" / "distillation_search.json"


@dataclass(frozen=True)
class Trial(Record):
    """One setting of Hinton's loss, tried on every seed of the search."""

    alpha: float
    temperature: float
    gains: tuple[float, ...]
    """(seed,) accuracy over that of the student with the labels alone, on digits of the pool that no run was trained
    on."""

    @property
    def gain(self) -> float:
        """The mean gain."""
        return float(np.mean(self.gains))


def search(
    *, size: int = SIZE, steps: int = STEPS, seeds: Sequence[int] = SEEDS, alphas: Sequence[float] = ALPHAS,
    temperatures: Sequence[float] = TEMPERATURES,
) -> tuple[Trial, ...]:  # fmt: skip
    """Try every weight of the teacher with every temperature; raises as ``train`` and ``training_set`` do."""
    settings = list(product(alphas, temperatures))
    table = np.array([list(_gains(seed, settings, size, steps)) for seed in seeds])  # (seed, setting)
    return tuple(
        Trial(alpha, temperature, tuple(gains))
        for (alpha, temperature), gains in zip(settings, table.T.tolist(), strict=True)
    )


def best(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the largest mean gain, the first of equal ones."""
    return max(trials, key=lambda trial: trial.gain)


@lru_cache(maxsize=1)
def shipped_search() -> tuple[Trial, ...]:
    """Return the trials that decided the settings of the shipped runs.

    >>> from vitviz.labs.digits.distillation_search import shipped_search
    >>> len(shipped_search())
    9
    """
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Trial(row["alpha"], row["temperature"], tuple(row["gains"])) for row in rows)


def as_text(trials: Sequence[Trial]) -> str:
    """Return trials as the text of their file, one a line."""
    rows = [asdict(trial) | {"gains": [round(gain, 4) for gain in trial.gains]} for trial in trials]
    return "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "]\n"


def _gains(seed: int, settings: Sequence[tuple[float, float]], size: int, steps: int) -> Iterator[float]:
    """Train the teacher, the student without it, and one student a setting; yield what each setting gains."""
    teacher = digit_convnet(seed=seed)
    _accuracy("teacher", teacher, teacher, seed, size, steps)
    alone = _accuracy("alone", student("alone", seed=seed), teacher, seed, size, steps)
    for alpha, temperature in settings:
        taught = student("soft", seed=seed)
        yield _accuracy("soft", taught, teacher, seed, size, steps, alpha, temperature) - alone


def _accuracy(
    name: str, network: nn.Module, teacher: nn.Module, seed: int, size: int, steps: int, alpha: float = 0.5,
    temperature: float = 1.0,
) -> float:  # fmt: skip
    loss = loss_of(name, teacher, alpha=alpha, temperature=temperature)
    digits = training_set(size, seed=seed)
    options: dict[str, Any] = {"steps": steps, "learning_rate": LEARNING_RATE, "shifts": True, "readings": 1}
    for _run in train(network, digits, name=name, seed=seed, loss=loss, **options):
        pass
    right = accuracy_of(network, validation_set(size, seed=seed))
    print(seed, name, alpha, temperature, f"{right:.3f}", file=sys.stderr)
    return right


if __name__ == "__main__":
    trials = search()
    write_text(FILE, as_text(trials))
    print(best(trials))
