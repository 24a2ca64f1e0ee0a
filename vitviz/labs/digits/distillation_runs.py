"""Distillation, trained: a CNN teaches small Vision Transformers to read digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitviz.errors import OptionError
from vitviz.labs.digits.data import CLASSES, held_out, training_set
from vitviz.labs.digits.data_hunger import tell
from vitviz.labs.digits.distillation import hard_loss, hinton_loss
from vitviz.labs.digits.intervals import mean_interval
from vitviz.labs.digits.networks import digit_convnet, digit_vit
from vitviz.labs.digits.training import Loss, Run, cross_entropy, train
from vitviz.models.vit import ViT
from vitviz.record import Result
from vitviz.trace import trace

NAMES = ("teacher", "alone", "soft", "hard")
"""The teacher, and the students: by the labels alone, by Hinton's loss, by DeiT's with a distillation token."""
SIZE, SEEDS, STEPS, ALPHA, TEMPERATURE = 100, 10, 700, 1.0, 3.0
"""ALPHA and TEMPERATURE are those that ``distillation_search`` chose, on other seeds and other digits."""
LEARNING_RATE = 3e-3


@dataclass(frozen=True, eq=False)
class TokenAttention(Result):
    """Where the class token and the distillation token of a trained student look, for one digit of each kind."""

    maps: NDArray[np.float32]
    """(digit, layer, token, head, row, column): shares of attention; token 0 is the class token, 1 the other."""
    pictures: NDArray[np.float32]
    """(digit, 8, 8) in [0, 1]: held-out pictures."""
    answers: NDArray[np.int64]
    """(digit, 2): what the two heads answer."""
    likeness: float
    """Mean cosine of the two tokens' attention over all held-out pictures shown, layers and heads."""


@dataclass(frozen=True, eq=False)
class Distillation(Result):
    """A teacher and three students, trained several times on small training sets."""

    size: int
    """Digits in each training set; the teacher has the same."""
    seeds: int
    steps: int
    alpha: float
    """Weight of the teacher in Hinton's loss."""
    temperature: float
    learning_rate: float
    shifts: bool
    """Whether pictures are moved by up to one pixel while training."""
    runs: tuple[Run, ...]
    """In the order in which they were trained; the last one may be unfinished."""
    attention: TokenAttention | None
    """Of the first seed's student with a distillation token; None until it is trained."""

    @property
    def complete(self) -> bool:
        """Whether every run was finished."""
        return len(self.runs) == len(NAMES) * self.seeds and all(run.finished for run in self.runs)

    @property
    def seconds(self) -> float:
        """Training time of all runs."""
        return sum(run.seconds for run in self.runs)

    def accuracies(self, name: str) -> NDArray[np.float64]:
        """Return the held-out accuracies (seed,) in [0, 1] of the finished runs of a network."""
        return np.array([run.accuracy for run in self.runs if run.finished and run.name == name])

    def gains(self, name: str) -> NDArray[np.float64]:
        """Return what a student gains over the labels alone, seed by seed (seed,), where both runs are finished."""
        taught, alone = self.accuracies(name), self.accuracies("alone")
        pairs = min(len(taught), len(alone))
        difference: NDArray[np.float64] = taught[:pairs] - alone[:pairs]
        return difference

    def gain_interval(self, name: str) -> tuple[float, float]:
        """Return the 95% interval of a student's mean gain; raises OptionError for fewer than 2 finished pairs."""
        return mean_interval(self.gains(name))


def distil(
    *,
    size: int = SIZE,
    seeds: int = SEEDS,
    steps: int = STEPS,
    alpha: float = ALPHA,
    temperature: float = TEMPERATURE,
    learning_rate: float = LEARNING_RATE,
    shifts: bool = True,
    progress: Callable[[int, int, Distillation], bool | None] | None = None,
) -> Distillation:
    """Train a CNN teacher and three students for each seed, all on the same digits with the same number of updates.

    ``progress`` is called with (updates made, updates in all, the result so far); returning False stops the work.
    Raises OptionError for options outside their range, StoppedError if ``progress`` says so, TrainingError if a loss
    stops being finite.
    """
    if not 1 <= seeds <= 10:
        raise OptionError(f"Got {seeds} seeds; wanted 1 to 10.")
    settings = (size, seeds, steps, alpha, temperature, learning_rate, shifts)
    runs: list[Run] = []
    attention: TokenAttention | None = None
    for seed in range(seeds):
        digits, teacher = training_set(size, seed=seed), digit_convnet(seed=seed)
        for name in NAMES:
            network = teacher if name == "teacher" else student(name, seed=seed)
            loss = loss_of(name, teacher, alpha=alpha, temperature=temperature)
            options: dict[str, Any] = {"steps": steps, "learning_rate": learning_rate}
            options |= {"shifts": shifts, "loss": loss, "readings": max(1, min(10, steps // 20))}
            for run in train(network, digits, name=name, seed=seed, **options):
                done = len(runs) * steps + run.updates
                so_far = Distillation(*settings, (*runs, run), attention)
                tell(progress, done, len(NAMES) * seeds * steps, so_far)
            runs.append(run)
            if name == "hard" and attention is None:
                attention = token_attention(network)
    return Distillation(*settings, tuple(runs), attention)


def student(name: str, *, seed: int) -> nn.Module:
    """Return an untrained student; "hard" has the distillation token and two answers while it trains."""
    network = digit_vit(seed=seed, distilled=name == "hard")
    if name == "hard":
        network.set_distilled_training(True)  # type: ignore[operator]
    return network


def loss_of(name: str, teacher: nn.Module, *, alpha: float, temperature: float) -> Loss:
    """Return what a network of one of NAMES minimises; the teacher must be trained and in eval mode."""
    if name in ("teacher", "alone"):
        return cross_entropy

    def taught(network: nn.Module, pictures: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            told = teacher(pictures)  # in eval mode since its training ended
        if name == "soft":
            return hinton_loss(network(pictures), told, labels, alpha=alpha, temperature=temperature)
        by_class, by_distillation = network(pictures)
        return hard_loss(by_class, by_distillation, labels, told)

    return taught


def token_attention(student: nn.Module) -> TokenAttention:
    """Trace a trained student on the first held-out picture of each digit and read its two special tokens.

    Raises OptionError for a network without a distillation token.
    """
    vit = ViT.from_module(student.eval(), name="student")
    if "distillation" not in vit.grid.prefix:
        raise OptionError(
            "The student has no distillation token; wanted one of digit_vit(distilled=True). Train it with hard_loss."
        )
    digits = held_out()
    chosen = [int((digits.labels == digit).nonzero()[0]) for digit in range(CLASSES)]
    maps, answers = [], []
    for pixels in digits.pictures[chosen]:
        traced = trace(vit, pixels)
        rows = [
            torch.stack([traced.attention_row(layer, name) for name in ("class", "distillation")])
            for layer in range(vit.layers)
        ]  # (token, head, key) each
        maps.append(vit.grid.to_map(torch.stack(rows)).numpy())
        answers.append(_answers(vit, pixels))
    laid_out = np.stack(maps).astype(np.float32)
    pictures = digits.pictures[chosen, 0].numpy()
    return TokenAttention(laid_out, pictures, np.array(answers), _likeness(laid_out))


def _answers(vit: ViT, digit: Tensor) -> tuple[int, int]:
    network: Any = vit.shell
    with torch.no_grad():
        tokens = network.forward_features(digit[None])  # (1, token, channel), after the final norm
        return int(network.head(tokens[0, 0]).argmax()), int(network.head_dist(tokens[0, 1]).argmax())


def _likeness(maps: NDArray[np.float32]) -> float:
    flat = maps.reshape(*maps.shape[:4], -1)  # (digit, layer, token, head, patch)
    first, second = flat[:, :, 0], flat[:, :, 1]
    norms = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return float(((first * second).sum(-1) / norms).mean())
