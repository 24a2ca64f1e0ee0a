"""Scaling, measured: how the error of a small Vision Transformer falls with its data, its width and its depth.

``python -m vitviz.labs.digits.scaling_runs`` trains everything again and writes assets/labs/digit_scaling.json.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError, check_choice
from vitviz.labs.digits.data import training_set
from vitviz.labs.digits.data_hunger import tell
from vitviz.labs.digits.intervals import mean_interval
from vitviz.labs.digits.networks import digit_vit, weights_of
from vitviz.labs.digits.training import train
from vitviz.record import Record, Result

GROWING = ("data", "width", "depth")
VALUES = {"data": (50, 100, 200, 400, 800), "width": (8, 16, 32, 64), "depth": (1, 2, 4)}
"""What each size is set to while the two others stay at BASE."""
BASE = {"data": 400, "width": 32, "depth": 2}
SEEDS, STEPS, LEARNING_RATE = 5, 400, 3e-3


@dataclass(frozen=True)
class PowerLaw(Record):
    """error = factor · size^(−exponent), fitted by least squares on logarithms, once for each seed."""

    factor: float
    """Geometric mean of the seeds' factors: the error that the law gives for a size of 1."""
    exponent: float
    """Mean of the seeds' exponents; positive where the error falls."""
    interval: tuple[float, float]
    """95% interval of the exponent over the seeds, by Student's t."""
    explained: float
    """R² of the law on the logarithms of the seeds' mean errors: 1 where they lie on a straight line."""

    def at(self, sizes: ArrayLike) -> NDArray[np.float64]:
        """Return the error that the law gives for sizes."""
        return self.factor * np.asarray(sizes, np.float64) ** -self.exponent

    @property
    def doubled(self) -> float:
        """What the error is multiplied by when the size is doubled."""
        return float(2**-self.exponent)

    @property
    def falls(self) -> bool:
        """Whether the interval of the exponent holds falling errors only."""
        return self.interval[0] > 0


@dataclass(frozen=True)
class ScaledRun(Record):
    """One network of one size, trained once."""

    data: int
    """Digits in its training set."""
    width: int
    """Channels of a token."""
    depth: int
    """Blocks."""
    seed: int
    weights: int
    """Trained numbers of the network."""
    accuracy: float
    """Share of the held-out digits that are recognised."""
    seconds: float
    """Processor time of its training."""

    @property
    def sizes(self) -> dict[str, int]:
        """The three sizes by their names in GROWING."""
        return {"data": self.data, "width": self.width, "depth": self.depth}


@dataclass(frozen=True, eq=False)
class DigitScaling(Result):
    """Vision Transformers of several sizes, each trained several times on digits."""

    seeds: int
    steps: int
    """Updates a run, the same for every size."""
    learning_rate: float
    shifts: bool
    """Whether pictures are moved by up to one pixel while training."""
    base: dict[str, int]
    """What the other sizes stay at while one grows."""
    runs: tuple[ScaledRun, ...]

    def values(self, growing: str) -> tuple[int, ...]:
        """Return what a size was set to, ascending; raises OptionError for one that is none of GROWING."""
        check_choice("Growing size", growing, GROWING)
        return tuple(sorted({run.sizes[growing] for run in self._along(growing)}))

    def errors(self, growing: str) -> NDArray[np.float64]:
        """Return the share of held-out digits that are not recognised, (value, seed); NaN for runs not made."""
        values = self.values(growing)
        table = np.full((len(values), self.seeds), np.nan)
        for run in self._along(growing):
            table[values.index(run.sizes[growing]), run.seed] = 1 - run.accuracy
        return table

    def intervals(self, growing: str) -> NDArray[np.float64]:
        """Return the 95% interval of each value's mean error, (value, 2); raises OptionError for a single seed."""
        return np.array([mean_interval(errors) for errors in self.errors(growing)])

    def law(self, growing: str) -> PowerLaw:
        """Return the power law of the error in a size."""
        return fit_power_law(self.values(growing), self.errors(growing))

    def weights(self, growing: str) -> tuple[int, ...]:
        """Return how many weights the network of each value has."""
        by_value = {run.sizes[growing]: run.weights for run in self._along(growing)}
        return tuple(by_value[value] for value in self.values(growing))

    def _along(self, growing: str) -> list[ScaledRun]:
        others = [name for name in GROWING if name != growing]
        return [run for run in self.runs if all(run.sizes[name] == self.base[name] for name in others)]


def fit_power_law(sizes: ArrayLike, errors: ArrayLike) -> PowerLaw:
    """Fit error = factor · size^(−exponent) to errors (size, seed), a straight line on logarithms for each seed.

    Raises OptionError for fewer than two sizes or seeds, or an error that is not positive: it has no logarithm.

    >>> from vitviz.labs.digits.scaling import fit_power_law
    >>> law = fit_power_law([10, 100], [[0.5, 0.4], [0.05, 0.04]])
    >>> round(law.exponent, 6), round(law.doubled, 6)
    (1.0, 0.5)
    """
    places, table = np.asarray(sizes, np.float64), np.asarray(errors, np.float64)
    if table.ndim != 2 or len(places) != len(table) or min(table.shape) < 2:
        raise OptionError(
            f"Got {len(places)} sizes and errors of shape {table.shape}; wanted at least two sizes and two seeds, "
            "(size, seed)."
        )
    if not (places > 0).all() or not (table > 0).all():
        raise OptionError("A size or error is not positive; wanted positive ones, for their logarithms. Test on more.")
    logs, across = np.log(table), np.log(places)
    slopes, starts = np.polyfit(across, logs, 1)  # (seed,) each
    mean = np.log(table.mean(1))
    rest = mean - np.polyval(np.polyfit(across, mean, 1), across)
    spread = float(((mean - mean.mean()) ** 2).sum())
    explained = 1 - float((rest**2).sum()) / spread if spread else 1.0
    return PowerLaw(float(np.exp(starts.mean())), -float(slopes.mean()), mean_interval(-slopes), explained)


def digit_scaling(
    *,
    growing: Sequence[str] = GROWING,
    seeds: int = SEEDS,
    steps: int = STEPS,
    learning_rate: float = LEARNING_RATE,
    shifts: bool = True,
    progress: Callable[[int, int, DigitScaling], bool | None] | None = None,
) -> DigitScaling:
    """Train Vision Transformers in which data, width or depth grows, several times each, on the same held-out digits.

    ``progress`` is called after every run with (updates made, updates in all, the result so far); returning False stops
    the work. Raises OptionError for options outside their range, StoppedError if ``progress`` says so.
    """
    for name in growing:
        check_choice("Growing size", name, GROWING)
    if not 1 <= seeds <= 10:
        raise OptionError(f"Got {seeds} seeds; wanted 1 to 10.")
    shapes = list(dict.fromkeys(tuple((BASE | {name: value}).items()) for name in growing for value in VALUES[name]))
    plan = [(seed, dict(shape)) for seed in range(seeds) for shape in shapes]
    runs: list[ScaledRun] = []
    for number, (seed, sizes) in enumerate(plan, start=1):
        runs.append(train_one(sizes, seed, steps=steps, learning_rate=learning_rate, shifts=shifts))
        so_far = DigitScaling(seeds, steps, learning_rate, shifts, BASE, tuple(runs))
        tell(progress, number * steps, len(plan) * steps, so_far)
    return so_far


def train_one(sizes: dict[str, int], seed: int, *, steps: int, learning_rate: float, shifts: bool) -> ScaledRun:
    """Train the network of some sizes (by the names in GROWING) from a seed; raises as ``train`` does."""
    network = digit_vit(seed=seed, width=sizes["width"], depth=sizes["depth"])
    digits = training_set(sizes["data"], seed=seed)
    options: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate, "shifts": shifts, "readings": 1}
    *_earlier, last = train(network, digits, name="vit", seed=seed, **options)
    return ScaledRun(**sizes, seed=seed, weights=weights_of(network), accuracy=last.accuracy, seconds=last.seconds)
