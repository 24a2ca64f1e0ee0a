"""Pre-LN against Post-LN, trained: the same blocks, the same data, the same learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vitviz.errors import OptionError, check_choice
from vitviz.labs.blocks import ORDERS, build_blocks, initialise
from vitviz.labs.layer_norm.photo_crops import CROP_PIXELS, draw_crops, photos
from vitviz.models.seeding import SeededInitialisation
from vitviz.record import Result

PATCH = 4
"""Side of a patch in pixels: a picture of 16 × 16 pixels is 16 tokens."""
HEAD_WIDTH = 16
BATCH = 32
HELD_OUT = 512
"""Pictures that the accuracy is measured on after training; drawn anew, none of them was trained on."""

TrainingProgress = Callable[[int, int, float], bool | None]
"""Called with (steps done, steps in all, last loss) after every step; returning False ends the training there."""


@dataclass(frozen=True, eq=False)
class LayerNormTraining(Result):
    """One training run; a run that was stopped or diverged holds what it did until then."""

    order: str
    """"pre" or "post"."""
    depth: int
    """Blocks."""
    width: int
    """Channels of a token."""
    learning_rate: float
    """Adam's learning rate after the warm-up."""
    warmup_steps: int
    """Steps over which the learning rate grows from zero, linearly."""
    steps: int
    """Steps that were asked for."""
    seed: int
    """Decides the initial weights and the pictures; both orders get the same."""
    losses: NDArray[np.float64]
    """(step,) cross-entropy in nats of each batch before its update; guessing costs log(photos)."""
    gradient_norms: NDArray[np.float64]
    """(step,) Euclidean norm of the gradient of all weights."""
    accuracy: float | None
    """Share of 512 fresh pictures that are recognised; None if the run did not get to its end."""
    finished: bool
    """Whether all steps were made."""
    diverged: bool
    """Whether the loss became infinite or NaN, which ended the run; the losses are those before."""

    @property
    def chance(self) -> float:
        """Cross-entropy in nats of guessing: log of the number of photos."""
        return float(np.log(len(photos())))


class _Classifier(nn.Module):
    """A small ViT: patches, learned positions, blocks, mean of the tokens, linear read-out."""

    def __init__(self, order: str, depth: int, width: int, seed: int) -> None:
        super().__init__()
        tokens, pixels = (CROP_PIXELS // PATCH) ** 2, 3 * PATCH**2
        with SeededInitialisation(seed + 1):  # the constructors draw too
            self.embed, self.read = nn.Linear(pixels, width), nn.Linear(width, len(photos()))
            self.positions = nn.Parameter(torch.zeros(tokens, width))
            initialise(nn.ModuleList([self.embed, self.read]))
            nn.init.normal_(self.positions, std=0.02)
        heads = max(1, width // HEAD_WIDTH)
        self.blocks = build_blocks(order, depth=depth, width=width, heads=heads, seed=seed)
        self.norm: nn.Module = nn.LayerNorm(width) if order == "pre" else nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        patches = functional.unfold(pictures, PATCH, stride=PATCH).mT  # (picture, patch, pixel)
        x = self.embed(patches) + self.positions  # (picture, token, channel)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.read(self.norm(x).mean(1))
        return logits


def train(
    order: str,
    *,
    depth: int = 12,
    width: int = 32,
    learning_rate: float = 2e-3,
    warmup_steps: int = 0,
    steps: int = 200,
    seed: int = 0,
    progress: TrainingProgress | None = None,
) -> LayerNormTraining:
    """Train a small ViT with Pre-LN or Post-LN blocks and return its loss at every step.

    The task is real and needs no download: from which of the example photos was a picture of 16 × 16 pixels cut?
    Adam without weight decay, batches of 32, constant learning rate after a linear warm-up (Xiong et al. 2020,
    "On Layer Normalization in the Transformer Architecture", section 4). Both orders see the same pictures and begin
    with the same weights for the same seed. The matrices are small: one thread is faster than several.
    ``order`` is "pre" or "post"; ``progress`` is called after every step with (done, steps, loss), and may end the
    run by returning False: the result then holds the steps made and says ``finished=False``.
    Raises OptionError for options outside their range.
    """
    check_choice("LayerNorm order", order, ORDERS)
    _check(depth, width, learning_rate, warmup_steps, steps)
    model = _Classifier(order, depth, width, seed)
    weights = list(model.parameters())
    optimiser = torch.optim.Adam(weights, lr=learning_rate)
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    norms: list[float] = []
    finished, diverged = True, False
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / (warmup_steps + 1))
        loss, norm = _step(model, optimiser, draw_crops(BATCH, generator))
        if not np.isfinite([loss, norm]).all():
            finished, diverged = False, True
            break
        losses.append(loss)
        norms.append(norm)
        if progress is not None and progress(step + 1, steps, loss) is False:
            finished = step + 1 == steps
            break
    return LayerNormTraining(
        order=order,
        depth=depth,
        width=width,
        learning_rate=learning_rate,
        warmup_steps=warmup_steps,
        steps=steps,
        seed=seed,
        losses=np.array(losses),
        gradient_norms=np.array(norms),
        accuracy=_accuracy(model, generator) if finished else None,
        finished=finished,
        diverged=diverged,
    )


def _step(model: nn.Module, optimiser: torch.optim.Optimizer, batch: tuple[Tensor, Tensor]) -> tuple[float, float]:
    """Make one update; return the loss before it and the norm of its gradient."""
    pictures, labels = batch
    with torch.enable_grad():
        loss = functional.cross_entropy(model(pictures), labels)
        optimiser.zero_grad()
        loss.backward()
    norm = nn.utils.get_total_norm(parameter.grad for parameter in model.parameters() if parameter.grad is not None)
    if torch.isfinite(loss) and torch.isfinite(norm):
        optimiser.step()
    return float(loss.detach()), float(norm)


@torch.no_grad()
def _accuracy(model: nn.Module, generator: torch.Generator) -> float:
    pictures, labels = draw_crops(HELD_OUT, generator)
    return float((model(pictures).argmax(-1) == labels).float().mean())


def _check(depth: int, width: int, learning_rate: float, warmup_steps: int, steps: int) -> None:
    if not (1 <= depth <= 96 and 8 <= width <= 256):
        raise OptionError(
            f"The network has {depth} blocks of width {width}; wanted 1 to 96 blocks of width 8 to 256. "
            "Larger ones take minutes on a CPU."
        )
    if not 0 < learning_rate <= 1:
        raise OptionError(
            f"The learning rate is {learning_rate}; wanted more than 0 and at most 1. 0.001 is a usual one for Adam."
        )
    if steps < 1 or warmup_steps < 0:
        raise OptionError(
            f"The run has {steps} steps and a warm-up of {warmup_steps}; wanted at least 1 step and 0 of warm-up."
        )
