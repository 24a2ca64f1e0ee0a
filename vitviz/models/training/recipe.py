"""The recipe of the shipped Vision Transformer as data: schedule, image sizes, learning rates by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from vitviz.record import Record

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer


@dataclass(frozen=True)
class Schedule(Record):
    """What every training run chooses. Two runs with the same schedule, data and threads agree."""

    steps: int = 3600
    warmup_steps: int = 80
    decay_steps: int = 1400
    """The learning rate is constant after the warm-up, then falls in a straight line to zero over the last steps."""
    final_steps: int = 400
    """The last steps see ``final_image_sizes``."""
    batch_size: int = 64
    image_sizes: tuple[int, ...] = (98, 112, 140, 168, 196, 224)
    final_image_sizes: tuple[int, ...] = (168, 196, 224)
    learning_rate: float = 2.5e-4
    head_learning_rate: float = 1e-3
    layer_decay: float = 0.8
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    clip_norm: float = 1.0
    smallest_area: float = 0.5
    average_decay: float = 0.99
    """Decay of the exponential moving average of the weights, per step."""
    seed: int = 0

    def rate_factor(self, step: int) -> float:
        """Return the learning rate at ``step`` as a part of its peak, in [0, 1]."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        done = (step - (self.steps - self.decay_steps)) / max(1, self.decay_steps)
        return 1 - min(max(done, 0.0), 1.0)

    def is_final(self, step: int) -> bool:
        """Return whether ``step`` belongs to the last phase, with its own image sizes."""
        return step >= self.steps - self.final_steps

    def image_size(self, step: int) -> int:
        """Return the side in pixels of the images at ``step``."""
        sizes = self.final_image_sizes if self.is_final(step) else self.image_sizes
        return sizes[int(np.random.default_rng([self.seed, 1, step]).integers(len(sizes)))]

    def batch(self, step: int, images: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the indices of the images at ``step``: a new seeded order each pass, the odd rest left out."""
        per_pass = images // self.batch_size
        order = np.random.default_rng([self.seed, 2, step // per_pass]).permutation(images)
        start = (step % per_pass) * self.batch_size
        return order[start : start + self.batch_size]


@dataclass(frozen=True)
class Recipe(Schedule):
    """The Vision Transformer's choices beside the schedule."""

    kept_patches: int = 48
    """Patch tokens kept of each image, at random (all when there are fewer): patch dropout."""
    final_kept_patches: int = 100
    """The same in the last phase."""
    frozen_blocks: int = 3

    def patches(self, step: int) -> int:
        """Return how many patch tokens of each image are kept at ``step``, at most."""
        return self.final_kept_patches if self.is_final(step) else self.kept_patches


@dataclass(frozen=True)
class ParameterGroup(Record):
    """Parameters that share a learning rate and a weight decay."""

    names: tuple[str, ...]
    learning_rate: float
    weight_decay: float


def layer_rates(depth: int, recipe: Recipe) -> list[float]:
    """Return the peak learning rate of each block: ``learning_rate * layer_decay ** (depth - 1 - layer)``."""
    return [recipe.learning_rate * recipe.layer_decay ** (depth - 1 - layer) for layer in range(depth)]


def parameter_groups(model: VisionTransformer, recipe: Recipe) -> list[ParameterGroup]:
    """Return the trained parameters in groups; those of the embedding and the frozen blocks are in none.

    Vectors (biases, layer norms, layer scales) have no weight decay.
    """
    rates = layer_rates(len(model.blocks), recipe)
    grouped: dict[tuple[float, float], list[str]] = {}
    for name, parameter in model.named_parameters():
        rate = _peak_rate(name, rates, recipe)
        if rate is not None:
            decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
            grouped.setdefault((rate, decay), []).append(name)
    return [ParameterGroup(tuple(names), *key) for key, names in grouped.items()]


def freeze(model: nn.Module, groups: list[ParameterGroup]) -> None:
    """Let only the parameters in ``groups`` require a gradient."""
    trained = {name for group in groups for name in group.names}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trained)


def _peak_rate(name: str, rates: list[float], recipe: Recipe) -> float | None:
    """Return the peak learning rate of a parameter, or None when it is frozen."""
    if name.startswith("head."):
        return recipe.head_learning_rate
    if name.startswith("norm."):
        return recipe.learning_rate
    if name.startswith("blocks."):
        layer = int(name.split(".")[1])
        return rates[layer] if layer >= recipe.frozen_blocks else None
    return None
