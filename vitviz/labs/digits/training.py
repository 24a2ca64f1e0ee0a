"""Training a small network on digits: the same loop for every experiment, with its curve on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vitviz.errors import OptionError, TrainingError
from vitviz.labs.digits.data import Digits, held_out
from vitviz.record import Record, Result

BATCH = 32
WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.05
MOST_STEPS = 2000
_TELL_EVERY = 10
Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""From (network, pictures, labels) to a mean loss in nats."""


@dataclass(frozen=True)
class Point(Record):
    """One reading of a run."""

    step: int
    """Updates made."""
    loss: float
    """Mean training loss since the reading before, in nats; NaN before the first update."""
    accuracy: float
    """Share of the held-out digits that are recognised."""


@dataclass(frozen=True)
class Run(Result):
    """One network in training, or trained."""

    name: str
    """What it is: "vit", "convnet", "teacher" …"""
    seed: int
    size: int
    """Digits in its training set."""
    points: tuple[Point, ...]
    """Its readings, the first before any update."""
    finished: bool
    """Whether it made all its updates."""
    seconds: float
    """Processor time of the thread that trained it: what a busy machine takes longer is not in it."""
    updates: int
    """Updates made so far, between readings too."""

    @property
    def accuracy(self) -> float:
        """The last reading."""
        return self.points[-1].accuracy


def cross_entropy(network: nn.Module, pictures: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of a network's answers, in nats."""
    return functional.cross_entropy(network(pictures), labels)


def train(
    network: nn.Module,
    digits: Digits,
    *,
    name: str,
    seed: int,
    steps: int,
    learning_rate: float = 3e-3,
    shifts: bool = False,
    readings: int = 10,
    loss: Loss = cross_entropy,
) -> Iterator[Run]:
    """Train a network, yielding the run so far every tenth update and at each reading; who stops asking stops it.

    AdamW, batches of 32 drawn with replacement, the rate rising over the first tenth and falling as a cosine.
    ``shifts`` moves every picture by up to one pixel at random. The network is trained in place and is in eval mode at
    every yield.

    Raises OptionError for steps, readings or a rate outside their range, TrainingError if the loss stops being finite.
    """
    if not (1 <= steps <= MOST_STEPS and 1 <= readings <= steps and 0 < learning_rate <= 1):
        raise OptionError(
            "{steps} steps with {readings} readings at a rate of {learning_rate} cannot be run; wanted 1 to "
            "{most} steps, at most a reading a step, and a rate above 0 and up to 1.",
            steps=steps,
            readings=readings,
            learning_rate=learning_rate,
            most=MOST_STEPS,
        )
    numbers = np.random.default_rng([seed, 2])
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY, fused=True)
    read_at = {round(steps * (reading + 1) / readings) for reading in range(readings)}
    started, losses, points = time.thread_time(), [], [Point(0, math.nan, accuracy_of(network))]
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * rate_factor(step, steps)
        chosen = torch.from_numpy(numbers.integers(0, len(digits), BATCH))
        pictures = digits.pictures[chosen]
        losses.append(
            _update(
                network.train(),
                optimizer,
                loss,
                shifted(pictures, numbers) if shifts else pictures,
                digits.labels[chosen],
            )
        )
        if not math.isfinite(losses[-1]):
            raise TrainingError(
                "The loss of {name} became {loss} at step {step} of {steps}; wanted a finite number. Lower "
                "the learning rate of {learning_rate}.",
                name=name,
                loss=losses[-1],
                step=step + 1,
                steps=steps,
                learning_rate=learning_rate,
            )
        if step + 1 in read_at:
            points.append(Point(step + 1, float(np.mean(losses)), accuracy_of(network)))
            losses = []
        if step + 1 in read_at or (step + 1) % _TELL_EVERY == 0:
            seconds = time.thread_time() - started
            made = step + 1
            yield Run(name, seed, len(digits), tuple(points), made == steps, seconds, made)


def _update(
    network: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss, pictures: Tensor, labels: Tensor
) -> float:
    with torch.enable_grad():
        value = loss(network, pictures, labels)
        optimizer.zero_grad()
        value.backward()
    optimizer.step()
    return float(value.detach())


def rate_factor(step: int, steps: int) -> float:
    """Return the share of the full learning rate at a step: a linear warm-up, then half a cosine down to zero."""
    warm = max(1, round(WARMUP_SHARE * steps))
    return min(1.0, (step + 1) / warm) * 0.5 * (1 + math.cos(math.pi * step / steps))


def shifted(pictures: Tensor, numbers: np.random.Generator) -> Tensor:
    """Return pictures (picture, 3, 8, 8) moved by −1, 0 or 1 pixel down and across, black coming in at the edge."""
    count, _colours, height, width = pictures.shape
    wide = functional.pad(pictures, (1, 1, 1, 1))
    start = torch.from_numpy(numbers.integers(0, 3, (count, 2)))
    rows = start[:, :1] + torch.arange(height)  # (picture, row)
    columns = start[:, 1:] + torch.arange(width)
    places = torch.arange(count)[:, None, None]
    return wide[places, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def accuracy_of(network: nn.Module, digits: Digits | None = None) -> float:
    """Return the share of digits, by default the held-out ones, that a network recognises; leaves it in eval mode."""
    digits = held_out() if digits is None else digits
    with torch.no_grad():
        answers = network.eval()(digits.pictures).argmax(-1)
    return float((answers == digits.labels).float().mean())
