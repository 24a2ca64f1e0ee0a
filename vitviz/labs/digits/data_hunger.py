"""Hunger for data: accuracy against the size of the training set, a Vision Transformer beside a CNN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError, StoppedError
from vitviz.labs.digits.data import training_set
from vitviz.labs.digits.networks import digit_convnet, digit_vit
from vitviz.labs.digits.training import Run, train
from vitviz.record import Result

SIZES = (20, 60, 200, 600, 1200)
SEEDS, STEPS, LEARNING_RATE = 3, 400, 3e-3
NETWORKS = {"vit": digit_vit, "convnet": digit_convnet}
Table = NDArray[np.float64]
Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class DataHunger(Result):
    """Both networks trained on ever more digits, several times each."""

    sizes: tuple[int, ...]
    """Sizes of the training sets, ascending."""
    seeds: int
    """Runs a network and size: other initial weights, another draw of the training set."""
    steps: int
    """Updates a run, the same for every size: a small set is seen more often."""
    learning_rate: float
    shifts: bool
    """Whether pictures are moved by up to one pixel while training."""
    runs: tuple[Run, ...]
    """In the order in which they were trained; the last one may be unfinished."""

    @property
    def complete(self) -> bool:
        """Whether every run was finished; a run that was stopped keeps what it has."""
        wanted = len(NETWORKS) * len(self.sizes) * self.seeds
        return len(self.runs) == wanted and all(run.finished for run in self.runs)

    @property
    def seconds(self) -> float:
        """Training time of all runs."""
        return sum(run.seconds for run in self.runs)

    def accuracies(self, network: str) -> Table:
        """Return held-out accuracies (size, seed) in [0, 1]; NaN for runs that are not finished."""
        table = np.full((len(self.sizes), self.seeds), np.nan)
        for run in self.runs:
            if run.finished and run.name == network:
                table[self.sizes.index(run.size), run.seed] = run.accuracy
        return table


def data_hunger(
    *,
    sizes: Sequence[int] = SIZES,
    seeds: int = SEEDS,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    shifts: bool = False,
    progress: Callable[[int, int, DataHunger], bool | None] | None = None,
) -> DataHunger:
    """Train both networks on training sets of several sizes, each several times, and test on the same held-out digits.

    ``progress`` is called with (updates made, updates in all, the result so far); returning False stops the work.
    Raises OptionError for sizes, seeds, steps or a rate outside their range, StoppedError if ``progress`` says so,
    TrainingError if a loss stops being finite.
    """
    if not sizes or not 1 <= seeds <= 10:
        raise OptionError(f"Got sizes {tuple(sizes)} and {seeds} seeds; wanted a size and 1 to 10 seeds.")
    ordered = tuple(sorted(set(sizes)))
    sets = {size: [training_set(size, seed=seed) for seed in range(seeds)] for size in ordered}
    plan = [(seed, size, name) for seed in range(seeds) for size in ordered for name in NETWORKS]
    runs: list[Run] = []

    def result(*more: Run) -> DataHunger:
        return DataHunger(ordered, seeds, steps, learning_rate, shifts, (*runs, *more))

    for seed, size, name in plan:
        for run in train(
            NETWORKS[name](seed=seed),
            sets[size][seed],
            name=name,
            seed=seed,
            steps=steps,
            learning_rate=learning_rate,
            shifts=shifts,
            readings=max(1, min(5, steps // 20)),
        ):
            tell(progress, len(runs) * steps + run.updates, len(plan) * steps, result(run))
        runs.append(run)
    return result()


def tell(progress: Callable[[int, int, Outcome], bool | None] | None, done: int, total: int, result: Outcome) -> None:
    """Tell how far a training is; raises StoppedError if the answer is False."""
    if progress is not None and progress(done, total, result) is False:
        raise StoppedError(
            f"Stopped after {done} of {total} updates, as asked. "
            "What was trained until then was handed on; start again for the rest."
        )
