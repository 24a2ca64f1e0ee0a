"""The training loop: threads that share a batch, bfloat16 with float32 weights, checkpoints that resume exactly.

On a CPU each thread runs its part of the batch through the network with one operator thread, which loses less to
other programs than operators that wait for each other; on a GPU one thread does all. In bfloat16 on a CPU, explicit
attention is faster than the fused kernel's backward pass at these token counts (1.4 times, whole step).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.files import writing
from vitviz.models.training.augment import random_view
from vitviz.models.training.network import blocks_of, forward_patches
from vitviz.models.training.recipe import ParameterGroup, Recipe, Schedule, freeze, parameter_groups
from vitviz.models.training.tiny_imagenet import LabelledImages

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer


class Loop(ABC):
    """A model in training: one call of ``step`` is one update of the weights.

    What is trained, how an image is answered and what the answer costs are the family's own.
    """

    model: Any
    recipe: Any

    def __init__(
        self,
        model: nn.Module,
        images: LabelledImages,
        recipe: Schedule,
        *,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        threads: int = 1,
        device: str = "cpu",
        bfloat16: bool = True,
    ) -> None:
        self.model, self.images, self.recipe = model.to(device), images, recipe
        self.threads, self.device, self.bfloat16 = threads, torch.device(device), bfloat16
        self.next_step, self.seconds = 0, 0.0
        self._mean = torch.tensor(mean, device=self.device).view(1, -1, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, -1, 1, 1)
        self._prepare()
        groups = self._groups()
        freeze(model, groups)
        named = dict(model.named_parameters())
        self._trained = [named[name] for group in groups for name in group.names]
        self._peaks = [group.learning_rate for group in groups]
        self.optimizer = torch.optim.AdamW(
            [{"params": [named[name] for name in group.names], "weight_decay": group.weight_decay} for group in groups],
            lr=0.0,
            fused=True,
        )
        self.average = {name: value.detach().clone() for name, value in _numbers(model).items()}
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    @abstractmethod
    def _prepare(self) -> None:
        """Put the model into the mode that it is trained in."""

    @abstractmethod
    def _groups(self) -> list[ParameterGroup]:
        """Return the trained parameters in groups; those in none are frozen."""

    @abstractmethod
    def _logits(self, images: Tensor, indices: np.ndarray) -> Tensor:
        """Return the logits (image, class) of a part of the batch."""

    @abstractmethod
    def _loss(self, logits: Tensor, labels: Tensor, indices: np.ndarray) -> Tensor:
        """Return the loss of a part of the batch, summed over its images."""

    def step(self) -> float:
        """Make one update and return the batch's mean loss (nats)."""
        started = time.perf_counter()
        self._set_rates()
        losses, gradients = self._gradients()
        for parameter, gradient in zip(self._trained, gradients, strict=True):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(self._trained, self.recipe.clip_norm)
        self.optimizer.step()
        self._update_average()
        self.next_step += 1
        self.seconds += time.perf_counter() - started
        return losses

    def _set_rates(self) -> None:
        factor = self.recipe.rate_factor(self.next_step)
        for group, peak in zip(self.optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = factor * peak

    def _gradients(self) -> tuple[float, list[Tensor]]:
        """Return the batch's mean loss and the gradients, summed over the threads' parts."""
        indices = self.recipe.batch(self.next_step, len(self.images))
        parts = np.array_split(indices, self.threads)

        def work(part: np.ndarray) -> tuple[float, list[Tensor]]:
            return self._part(part, len(indices))

        results = list(self._pool.map(work, parts)) if self._pool else [work(parts[0])]
        total = results[0][1]
        for _, gradients in results[1:]:
            torch._foreach_add_(total, gradients)
        return sum(loss for loss, _ in results), total

    def _part(self, indices: np.ndarray, batch_size: int) -> tuple[float, list[Tensor]]:
        """Return one thread's share of the loss and of the gradients.

        Autocast keeps no cache: it would be shared between threads, and each weight is used once anyway.
        """
        images, labels = self._views(indices)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16, cache_enabled=False):
            logits = self._logits(images, indices)
        loss = self._loss(logits.float(), labels, indices) / batch_size
        # autograd.grad and not backward: two threads must not add to one .grad at a time.
        return float(loss.detach()), list(torch.autograd.grad(loss, self._trained))

    def _views(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return normalised random views (image, channel, row, column) and class indices."""
        recipe, size = self.recipe, self.recipe.image_size(self.next_step)
        views = [
            random_view(
                self.images.pixels[index],
                size,
                np.random.default_rng([recipe.seed, 3, self.next_step, int(index)]),
                smallest_area=recipe.smallest_area,
            )
            for index in indices
        ]
        pixels = torch.from_numpy(np.stack(views)).to(self.device).permute(0, 3, 1, 2).float() / 255
        labels = torch.from_numpy(self.images.labels[indices]).to(self.device)
        return (pixels - self._mean) / self._std, labels

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the average towards the weights; early on it follows faster."""
        decay = min(self.recipe.average_decay, (1 + self.next_step) / (10 + self.next_step))
        state = _numbers(self.model)
        torch._foreach_lerp_(list(self.average.values()), list(state.values()), 1 - decay)

    def save(self, path: Path) -> None:
        """Write all that resuming needs, atomically: a reader sees the old file or the new one."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "next_step": self.next_step,
            "seconds": self.seconds,
            "recipe": asdict(self.recipe),
        }
        with writing(path) as beside:
            torch.save(state, beside)

    def load(self, path: Path) -> None:
        """Resume from a file that ``save`` wrote. The recipe may differ from the file's, in its schedule for one."""
        stored = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(stored["model"])
        self.average = stored["average"]
        self.optimizer.load_state_dict(stored["optimizer"])
        self.next_step, self.seconds = stored["next_step"], stored["seconds"]


def _numbers(model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a model that can be averaged: all but counters."""
    return {name: value for name, value in model.state_dict().items() if value.is_floating_point()}


class Trainer(Loop):
    """A Vision Transformer in training, seen through some of its patches."""

    model: VisionTransformer
    recipe: Recipe

    def _prepare(self) -> None:
        self.model.train()
        for block in blocks_of(self.model):
            block.attn.fused_attn = self.device.type != "cpu"

    def _groups(self) -> list[ParameterGroup]:
        return parameter_groups(self.model, self.recipe)

    def _logits(self, images: Tensor, indices: np.ndarray) -> Tensor:
        return forward_patches(self.model, images, self._kept(indices, images))

    def _loss(self, logits: Tensor, labels: Tensor, indices: np.ndarray) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing, reduction="sum")

    def _kept(self, indices: np.ndarray, images: Tensor) -> Tensor | None:
        """Return the patches that patch dropout keeps, (image, kept), or None for all."""
        rows, columns = (side // patch for side, patch in zip(images.shape[-2:], self._patch(), strict=True))
        count = rows * columns
        limit = self.recipe.patches(self.next_step)
        if count <= limit:
            return None
        order = [
            np.random.default_rng([self.recipe.seed, 4, self.next_step, int(index)]).permutation(count)
            for index in indices
        ]
        return torch.from_numpy(np.stack(order)[:, :limit]).to(self.device)

    def _patch(self) -> tuple[int, int]:
        size = self.model.patch_embed.patch_size
        return int(size[0]), int(size[1])
