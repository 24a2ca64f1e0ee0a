"""Removal: one picture, asked again and again with some of its patches gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.masked import masked_scores
from vitviz.analysis.replacement import REMOVED, replacement_picture
from vitviz.models.probabilities import probabilities
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.trace.target import Target

Order = NDArray[np.intp]
"""(patch,) patch numbers, the most relevant first."""


@dataclass(frozen=True)
class ClassAnswer(Target):
    """The probability of a class and whether it is the top answer, read from one pass: (image, 2)."""

    index: int
    """The class again, never None."""
    multi_label: bool
    """Whether the class may hold beside others."""

    def score(self, logits: Tensor | None, embedding: Tensor) -> Tensor:
        """Return (image, 2): the probability, and 1 where the class is the top answer."""
        answers = embedding if logits is None else logits  # a class is only ever read from logits
        top = answers.argmax(-1) == self.index
        share = probabilities(answers, multi_label=self.multi_label)[..., self.index]
        return torch.stack([share, top.to(share)], -1)


def watched(vit: ViT, target: Target) -> Target:
    """Return what is read at every step: a class's probability and rank, or the score of another target."""
    if type(target) is Target and target.class_index is not None:
        return ClassAnswer(target.class_index, target.label, target.class_index, vit.multi_label)
    return target


class Removal:
    """One picture whose answers are asked for with choices of patches gone; the same choice is run only once."""

    def __init__(self, vit: ViT, pixels: Tensor, target: Target, replacement: str, *, seed: int = 0) -> None:
        self.patches, self.replacement = vit.grid.patches, replacement
        self._vit, self._pixels, self._target = vit, pixels, watched(vit, target)
        self._behind = replacement_picture(vit, pixels, replacement, seed=seed)
        self._known: dict[bytes, Tensor] = {}

    def counts(self, shares: NDArray[np.float64]) -> tuple[Order, Order]:
        """Return how many patches are gone, and how many are there, at each share of a deletion and an insertion.

        Where tokens are removed one patch always stays: a picture of no patches has no answer.
        """
        counts = np.round(shares * self.patches).astype(np.intp)  # (step,)
        least = int(self.replacement == REMOVED)
        return np.minimum(counts, self.patches - least), np.maximum(counts, least)

    def gone(self, patches: Order) -> Tensor:
        """Return the choice of the patches with these numbers: (patch,) of bool."""
        away = torch.zeros(self.patches, dtype=torch.bool)
        away[torch.from_numpy(patches.copy())] = True
        return away

    def ask(
        self, gone: Sequence[Tensor], *, batch_size: int = 16, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return the answer to each choice of patches gone: (choice, number).

        The numbers are the probability of a class and whether it is the top answer, or the score of another target.
        Raises StoppedError if ``progress`` returns False; its total counts the choices that were not run before.
        """
        keys = [choice.numpy().tobytes() for choice in gone]
        new = {key: choice for key, choice in zip(keys, gone, strict=True) if key not in self._known}
        fresh = masked_scores(
            self._vit,
            self._pixels,
            list(new.values()),
            self._target,
            self.replacement,
            behind=self._behind,
            batch_size=batch_size,
            progress=progress,
        )
        self._known |= zip(new, fresh.double(), strict=True)
        answers = torch.stack([self._known[key] for key in keys])
        return answers.reshape(len(keys), -1).numpy()
