"""Train the long-range networks: ``python -m vitviz.labs.long_range.train --task counting --seed 0 --out FOLDER``.

All networks of a run have the same steps, batches and seeds, and the same two losses: cross-entropy of the answer, and
binary cross-entropy of "does this half or bar have its partner?" over the cells that hold one. Each practises on
couples at all distances that its own field can hold: beyond it a couple cannot be told from none, and its label is
noise. Networks of one reach see the same pictures in the same order, each once.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from vitviz.files import check_outputs, writing
from vitviz.labs.long_range import networks, tasks
from vitviz.labs.long_range.contents import Board
from vitviz.labs.long_range.counting import LONGEST
from vitviz.labs.long_range.networks import Answerer
from vitviz.labs.long_range.rendering import render
from vitviz.record import Record

NEAR = 2
"""Most cells between the couples of an easy picture; the smaller of the CNNs' fields holds both."""


@dataclass(frozen=True)
class Recipe(Record):
    """All that decides what a training run does."""

    task: str = "counting"
    seed: int = 0
    """Of the first weights; the pictures are drawn from (seed, 1)."""
    steps: int = 2000
    batch_size: int = 64
    learning_rate: float = 3e-3
    warm_up: int = 100
    """Steps over which the learning rate rises to its peak; then it falls to zero along a cosine."""
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    distance: int | None = None
    """Cells between all couples of all pictures; None mixes the distances, see ``draw``."""
    growth: float = 0.6
    """Share of the steps over which far pictures become as frequent as they are from then on."""
    freeze: float = 0.2
    """Share of the steps after which batch normalisation keeps its statistics, see ``freeze``."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        fall = 0.5 * (1 + np.cos(np.pi * step / self.steps))
        return float(self.learning_rate * min(1.0, (step + 1) / self.warm_up) * fall)

    def far_share(self, step: int) -> float:
        """Return the share of a step's pictures drawn at any distance; in the others couples are near, see ``draw``."""
        return min(0.5, 0.1 + 0.4 * step / (self.growth * self.steps))


@dataclass(frozen=True)
class Batch(Record):
    """Pictures and what the networks should say of them."""

    pixels: Tensor
    """(image, channel, height, width), in [0, 1]."""
    labels: Tensor
    """(image,)."""
    objects: Tensor
    """(image, cell): where a half or bar lies."""
    partners: Tensor
    """(image, cell): where one lies that has its partner, as 0.0 or 1.0."""


def draw(task: tasks.Task, count: int, generator: np.random.Generator, *, far_share: float = 1.0) -> Batch:
    """Return a batch of new pictures, of which about ``far_share`` are drawn at any distance.

    In half of those all couples have one distance, in the others each has its own. In the rest of the pictures all
    couples are one cell apart, or all two: an easier task, and the only one that a small field can learn from.
    """
    distance = generator.integers(1, LONGEST + 1, size=(count, task.couples))
    distance[: count // 2] = distance[: count // 2, :1]
    near = generator.random(count) >= far_share
    distance[near] = generator.integers(1, NEAR + 1, size=(count, 1))[near]
    boards = task.sample(count, generator=generator, distance=distance)
    return batch_of(task, boards, generator)


def batch_of(task: tasks.Task, boards: Board, generator: np.random.Generator) -> Batch:
    """Return boards (image, row, column) as a batch, drawn with noise from the generator."""
    count = len(boards)
    return Batch(
        torch.from_numpy(render(boards, generator=generator)),
        torch.from_numpy(task.label(boards)),
        torch.from_numpy(task.is_object(boards).reshape(count, -1)),
        torch.from_numpy(task.has_partner(boards).reshape(count, -1).astype(np.float32)),
    )


class Run:
    """One network in training."""

    def __init__(self, name: str, recipe: Recipe) -> None:
        self.name, self.recipe, self.seconds = name, recipe, 0.0
        self.freezing = round(recipe.freeze * recipe.steps)
        answers = tasks.find(recipe.task).answers
        self.network = networks.build(name, answers=answers, seed=recipe.seed).train()
        for weight in self.network.parameters():
            if weight.ndim == 4:  # channels last: a fifth faster for these small maps
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=0.0, betas=(0.9, 0.98), weight_decay=recipe.weight_decay, fused=True
        )
        self.history: list[tuple[float, float, float]] = []

    def step(self, number: int, batch: Batch) -> None:
        """Make one update; keeps (answer loss, partner loss, share of right answers)."""
        started = time.process_time()
        if number == self.freezing:
            freeze(self.network, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(number)
        logits, partner = self.network.answers(batch.pixels)
        answer_loss = F.cross_entropy(logits, batch.labels)
        partner_loss = F.binary_cross_entropy_with_logits(partner[batch.objects], batch.partners[batch.objects])
        self.optimizer.zero_grad()
        (answer_loss + partner_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        right = (logits.argmax(1) == batch.labels).float().mean()
        self.history.append((answer_loss.item(), partner_loss.item(), right.item()))
        self.seconds += time.process_time() - started

    def save(self, folder: Path) -> None:
        """Write the weights and the history, atomically."""
        recipe = self.recipe
        path = weights_file(folder, recipe, self.name)
        told = {"recipe": json.dumps(asdict(recipe)), "seconds": f"{self.seconds:.1f}"}
        told["steps"] = str(len(self.history))
        weights = {key: value.contiguous() for key, value in self.network.state_dict().items()}
        with writing(path) as beside:
            save_file(weights, beside, metadata=told)
        with writing(path.with_suffix(".npy")) as beside, beside.open("wb") as file:
            np.save(file, np.array(self.history, np.float32))

    def report(self, steps: int = 50) -> str:
        """Return the means of the last steps in one line."""
        losses: NDArray[np.float64] = np.mean(self.history[-steps:], axis=0)
        return f"{self.name} {losses[0]:.3f} {losses[1]:.3f} {losses[2]:.3f} {self.seconds:.0f}s"


def weights_file(folder: Path, recipe: Recipe, name: str) -> Path:
    """Return where a network's weights are written; its history lies beside them, as .npy."""
    alone = "" if recipe.distance is None else f"alone{recipe.distance}-"
    return folder / f"{alone}{recipe.task}-{name}-{recipe.seed}.safetensors"


@torch.no_grad()
def freeze(network: Answerer, recipe: Recipe, *, batches: int = 50) -> None:
    """Estimate the statistics of batch normalisation on new pictures (seed, 4) and keep them from then on.

    While they follow the batches, a sum over all cells follows them too, and the answer never settles.
    """
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    generator = np.random.default_rng([recipe.seed, 4])
    task = tasks.find(recipe.task)
    for _ in range(batches if norms else 0):
        network.answers(next_batch(task, recipe, recipe.steps, generator, reach=network.reach).pixels)
    for norm in norms:
        norm.eval()


def next_batch(
    task: tasks.Task, recipe: Recipe, step: int, generator: np.random.Generator, *, reach: int = LONGEST
) -> Batch:
    """Return the pictures of a training step for networks of a reach in cells; near ones alone where it ends there."""
    if recipe.distance is None:
        return draw(task, recipe.batch_size, generator, far_share=recipe.far_share(step) if reach > NEAR else 0.0)
    boards = task.sample(recipe.batch_size, generator=generator, distance=recipe.distance)
    return batch_of(task, boards, generator)


def train(recipe: Recipe, names: list[str], folder: Path) -> None:
    """Train networks side by side, those of one reach on the same pictures, and write them to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    task = tasks.find(recipe.task)
    runs = [Run(name, recipe) for name in names]
    generators = {run.network.reach: np.random.default_rng([recipe.seed, 1]) for run in runs}
    for number in range(recipe.steps):
        batches = {
            reach: next_batch(task, recipe, number, generator, reach=reach) for reach, generator in generators.items()
        }
        for run in runs:
            run.step(number, batches[run.network.reach])
        if (number + 1) % 50 == 0:
            print(number + 1, *(run.report() for run in runs), sep=" | ", flush=True)
        if (number + 1) % 200 == 0 or number + 1 == recipe.steps:
            for run in runs:
                run.save(folder)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Recipe()
    parser.add_argument("--task", choices=list(tasks.TASKS), default=default.task)
    parser.add_argument("--networks", nargs="+", default=list(networks.BUILDERS))
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--batch-size", type=int, default=default.batch_size)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--distance", type=int, help="cells between all couples of all pictures; left out, mixed")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--overwrite", action="store_true", help="replace the files of an earlier run")
    told = parser.parse_args()
    recipe = Recipe(
        told.task, told.seed, told.steps, told.batch_size, learning_rate=told.learning_rate, distance=told.distance
    )
    told.out.mkdir(parents=True, exist_ok=True)
    weights = [weights_file(told.out, recipe, name) for name in told.networks]
    check_outputs([*weights, *(path.with_suffix(".npy") for path in weights)], overwrite=told.overwrite)
    train(recipe, told.networks, told.out)


if __name__ == "__main__":
    main()
