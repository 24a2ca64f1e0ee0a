"""Results: how well the shipped networks do on pictures that they never saw, as the evaluation measured it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.assets import LABS
from vitviz.errors import OptionError, check_choice
from vitviz.labs.long_range.contents import CELL_PIXELS
from vitviz.labs.long_range.tasks import find
from vitviz.record import Record, Result

FILE = "long_range.json"
"""In assets/labs; written by ``python -m vitviz.labs.long_range.evaluate``."""

LOOKERS = ("object", "class")
"""Whose attention is looked at: a half or bar, or the class token."""


@dataclass(frozen=True, eq=False)
class NetworkResult(Record):
    """One kind of network on one task, trained from several seeds."""

    network: str
    parameters: int
    field: int | None
    """Theoretical receptive field of a cell in pixels, along each axis; None for a ViT, whose tokens see everything."""
    seeds: tuple[int, ...]
    steps: tuple[int, ...]
    """Training steps of each seed."""
    pictures: tuple[int, ...]
    """Pictures that each seed's training saw, each once."""
    seconds: tuple[float, ...]
    """Training time of each seed, in seconds of one CPU core."""
    accuracy: NDArray[np.float64]
    """(seed, distance)."""
    cross_entropy: NDArray[np.float64]
    """(seed, distance) in nats; log(number of answers) is what guessing costs."""
    partner_accuracy: NDArray[np.float64]
    """(seed, distance): share of halves or bars for which "has its partner" is right."""
    mixed_accuracy: NDArray[np.float64]
    """(seed,): on pictures in which every couple has a distance of its own, as in training."""

    @property
    def mean(self) -> NDArray[np.float64]:
        """(distance,): mean accuracy of the seeds."""
        values: NDArray[np.float64] = self.accuracy.mean(0)
        return values

    @property
    def deviation(self) -> NDArray[np.float64]:
        """(distance,): standard deviation of the accuracy over the seeds (divisor seeds − 1; 0 for one seed)."""
        if len(self.seeds) < 2:
            return np.zeros(self.accuracy.shape[1])
        values: NDArray[np.float64] = self.accuracy.std(0, ddof=1)
        return values


@dataclass(frozen=True)
class AloneResult(Record):
    """One network that was trained and measured on pictures in which all couples have the same distance."""

    network: str
    distance: int
    """In cells."""
    seed: int
    steps: int
    accuracy: float
    """On held-out pictures of that distance."""


@dataclass(frozen=True, eq=False)
class TaskResult(Result):
    """All networks on one task."""

    task: str
    distances: tuple[int, ...]
    """In cells, between the two halves or bars."""
    images: int
    """Held-out pictures for each distance and seed."""
    networks: dict[str, NetworkResult]
    head_weight: dict[str, NDArray[np.float64]]
    """By looker (seed, layer, head), of the ViTs; 1/tokens if looking evenly. "object": mean attention from a half or
    bar to its partner; "class": from the class token to the less attended of two bars, or the more attended of two
    halves."""
    alone: tuple[AloneResult, ...]
    """What networks do that were trained on one distance alone."""

    @property
    def chance(self) -> float:
        """Accuracy of guessing."""
        return 1 / find(self.task).answers

    @property
    def pixels(self) -> tuple[int, ...]:
        """The distances in pixels."""
        return tuple(distance * CELL_PIXELS for distance in self.distances)

    def interval(self, network: str, distance: int) -> tuple[float, float]:
        """Return the 95% interval (Wilson 1927) of a network's accuracy at a distance, over all seeds' pictures."""
        share = float(self.networks[network].mean[self.distances.index(distance)])
        return wilson(share, self.images * len(self.networks[network].seeds))

    def best_head(self, seed: int, looker: str = "object") -> tuple[int, int]:
        """Return (layer, head) of the head that links best on held-out pictures, for one of LOOKERS.

        From "object" it gives most to the partner, from "class" most to both bars or to one of two halves. Raises
        OptionError for another looker.
        """
        check_choice("Looker", looker, self.head_weight)
        weights = self.head_weight[looker][self.networks["vit"].seeds.index(seed)]
        layer, head = np.unravel_index(int(weights.argmax()), weights.shape)
        return int(layer), int(head)

    def alone_at(self, network: str, distance: int) -> tuple[AloneResult, ...]:
        """Return the runs of a network that was trained on a distance alone; none where none was made."""
        return tuple(run for run in self.alone if (run.network, run.distance) == (network, distance))


@checked
def markdown(result: TaskResult) -> str:
    """Return the accuracies of a task as a table in Markdown, for the model card: mean ± deviation in per cent."""
    names = ["network", "parameters", "field", "pictures", "seconds", *(f"{size} px" for size in result.pixels)]
    lines = [" | ".join(["", *names, "mixed", ""]).strip()]
    lines.append("|" + "---|" * (len(names) + 1))
    for name, network in result.networks.items():
        field = "all" if network.field is None else f"{network.field} px"
        seconds = f"{sum(network.seconds) / len(network.seconds):.0f}"
        shares = [
            f"{100 * mean:.1f} ± {100 * spread:.1f}"
            for mean, spread in zip(network.mean, network.deviation, strict=True)
        ]
        mixed = f"{100 * network.mixed_accuracy.mean():.1f}"
        cells = [name, f"{network.parameters:,}", field, f"{network.pictures[0]:,}", seconds, *shares, mixed]
        lines.append(" | ".join(["", *cells, ""]).strip())
    return "\n".join(lines)


@checked
def markdown_alone(result: TaskResult) -> str:
    """Return what networks do that were trained on one distance alone as a table in Markdown, in per cent."""
    names = ["network", "distance", "steps", "seeds", "accuracy"]
    lines = [" | ".join(["", *names, ""]).strip(), "|" + "---|" * len(names)]
    for name, distance in dict.fromkeys((run.network, run.distance) for run in result.alone):
        runs = result.alone_at(name, distance)
        seeds = ", ".join(str(run.seed) for run in runs)
        shares = ", ".join(f"{100 * run.accuracy:.1f}" for run in runs)
        cells = [name, f"{distance * CELL_PIXELS} px", str(runs[0].steps), seeds, shares]
        lines.append(" | ".join(["", *cells, ""]).strip())
    return "\n".join(lines)


@checked
def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of Wilson (1927) for a share found in ``count`` independent trials; 95% at z = 1.96."""
    if not (0 <= share <= 1 and count >= 1):
        raise OptionError(
            f"A share of {share} in {count} trials cannot be; wanted 0 to 1 and one trial at least. Count again."
        )
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


@checked
@cache
def results(task: str, folder: Path = LABS) -> TaskResult:
    """Return what was measured for a task; raises OptionError for an unknown one."""
    find(task)
    told = json.loads((folder / FILE).read_text(encoding="utf-8"))[task]
    return TaskResult(
        task,
        tuple(told["distances"]),
        told["images"],
        {name: _network(name, entry) for name, entry in told["networks"].items()},
        {looker: np.array(weights) for looker, weights in told["head_weight"].items()},
        tuple(AloneResult(**run) for run in told["alone"]),
    )


def _network(name: str, told: dict[str, Any]) -> NetworkResult:
    return NetworkResult(
        network=name,
        parameters=told["parameters"],
        field=told["field"],
        seeds=tuple(told["seeds"]),
        steps=tuple(told["steps"]),
        pictures=tuple(told["pictures"]),
        seconds=tuple(told["seconds"]),
        accuracy=np.array(told["accuracy"]),
        cross_entropy=np.array(told["cross_entropy"]),
        partner_accuracy=np.array(told["partner_accuracy"]),
        mixed_accuracy=np.array(told["mixed_accuracy"]),
    )
