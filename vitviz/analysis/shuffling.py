"""The shuffle experiment: what happens to the answer when patches change places, with and without positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitviz.analysis.position_kinds import without_positions
from vitviz.argument import checked
from vitviz.capture.own_forward import OwnForward
from vitviz.capture.proof import noise
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.grid import PatchGrid
from vitviz.models.inputs import Picture, input_of
from vitviz.models.parts import patch_projection
from vitviz.models.token_places import sees_own_patches
from vitviz.models.vit import ViT
from vitviz.numbers import percent
from vitviz.record import Record, Result
from vitviz.trace.forward import as_result, rounding

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class ShuffleResult(Record):
    """One way of running the model (with or without positions) on ever more shuffled pictures."""

    cosine: NDArray[np.float64]
    """(share,) cosine between what is read from the shuffled and from the whole picture."""
    top: tuple[int, ...]
    """The top-1 class at each share; empty for a model without a classifier."""
    probability: NDArray[np.float64]
    """(share,) probability of the class that the whole picture gets; empty without a classifier."""


@dataclass(frozen=True, eq=False)
class ShuffleExperiment(Result):
    """How much the place of the patches matters to a model."""

    shares: tuple[float, ...]
    """Share of the patches that were moved."""
    moved: tuple[int, ...]
    """Number of patches that were moved."""
    read: str
    """What is compared: "class token", or "embedding" for a model without one."""
    with_positions: ShuffleResult
    """The model as it is."""
    without_positions: ShuffleResult
    """The model with its position encoding taken out: self-attention is then equivariant, the class token invariant."""


@checked
def shuffle_experiment(
    vit: ViT, image: Picture, *, shares: Sequence[float] = SHARES, seed: int = 0
) -> ShuffleExperiment:
    """Move a growing share of the patches of a picture to other places and see whether the model notices.

    Self-attention without positions is permutation-equivariant: shuffled tokens give the same tokens, shuffled. What
    is read from the class token, or from an average of the patches, does not change at all. With positions it does.

    Raises OptionError for shares outside [0, 1], UnsupportedModelError for a model whose patches overlap: cutting
    the picture up would then change the patches themselves; and for one whose positions cannot be taken out.

    >>> vitviz.shuffle_experiment(vit, "photo.jpg", shares=(0.0, 1.0)).moved
    (0, 256)
    """
    if not len(shares) or not all(0 <= share <= 1 for share in shares):
        raise OptionError(
            "The shares of shuffled patches are {shares}; wanted numbers from 0 to 1.",
            shares=tuple(shares),
        )
    check_separate(vit)
    pixels = input_of(vit, image)
    orders = [shuffled_order(vit.grid.patches, share, seed=seed) for share in shares]
    batch = torch.stack([pixels, *(move_patches(pixels, vit.grid, order) for order in orders)])
    moved = tuple(int((order != np.arange(len(order))).sum()) for order in orders)
    read = "class token" if "class" in vit.grid.prefix else "embedding"
    plain = _read(vit, vit.shell, batch)
    with without_positions(vit) as shell:
        check_removed(vit, shell)
        blank = _read(vit, shell, batch)
    return ShuffleExperiment(tuple(shares), moved, read, plain, blank)


def shuffled_order(patches: int, share: float, *, seed: int = 0) -> NDArray[np.intp]:
    """Return which patch comes to each place when a share of them changes places: none of those stays.

    A single patch has no other place to go to, so the number that moves is 0 or at least 2.
    """
    chosen = np.random.default_rng(seed).permutation(patches)[: round(share * patches)]
    return _cycled(patches, chosen)


def order_among(patches: int, chosen: Sequence[int], *, seed: int = 0) -> NDArray[np.intp]:
    """Return which patch comes to each place when the chosen ones change places among themselves: none of them stays.

    One chosen patch alone has no other place to go to and stays.
    """
    return _cycled(patches, np.random.default_rng(seed).permutation(sorted(set(chosen))))


def _cycled(patches: int, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    order = np.arange(patches)
    if len(chosen) >= 2:
        order[chosen] = np.roll(chosen, 1)
    return order


def move_patches(pixels: Tensor, grid: PatchGrid, order: NDArray[np.intp]) -> Tensor:
    """Return an input (3, height, width) with patch ``order[n]`` at place n; pixels that no patch covers stay."""
    moved = pixels.clone()
    for place, patch in enumerate(order):
        left, top, right, bottom = grid.box(place)
        x, y, x_end, y_end = grid.box(int(patch))
        moved[:, top:bottom, left:right] = pixels[:, y:y_end, x:x_end]
    return moved


def check_separate(vit: ViT) -> None:
    """Raise UnsupportedModelError unless every patch token is made from the pixels of that patch alone."""
    shell = vit.shell
    if isinstance(shell, OwnForward):  # what its forward does around the embedding is not known
        if sees_own_patches(shell, noise(shell, (vit.channels, *vit.image_size)), vit.grid):
            return
    else:
        slot = patch_projection(vit.body)
        projection = None if slot is None else slot.part
        if isinstance(projection, nn.Linear):
            return
        if isinstance(projection, nn.Conv2d) and projection.kernel_size == vit.grid.patch_size == projection.stride:
            return
    raise UnsupportedModelError(
        "{name} does not cut the picture into separate patches, so moving them changes their "
        "content too; wanted tokens of which each is made from its own patch alone. Choose a plain ViT.",
        name=vit.name,
    )


def check_removed(vit: ViT, shell: Any) -> None:
    """Raise UnsupportedModelError unless a shell of a model treats all places alike, once positions are taken out.

    That is not assumed of the kinds of positions that are known: shuffled patches of a picture of noise must give the
    same tokens, shuffled.
    """
    gap = order_gap(vit, shell)
    if gap > rounding(vit.dtype, 1e-3):
        raise UnsupportedModelError(
            "The positions of {name} cannot be taken out: shuffled patches still change its "
            "tokens, by {gap} of the largest number; wanted no more than rounding. Its code "
            "treats places in a way of its own, such as a bias written out by hand. Choose a model "
            "whose positions are vectors, rotations or a bias of the scores.",
            name=vit.name,
            gap=percent(gap),
        )


def order_gap(vit: ViT, shell: Any) -> float:
    """Return how much a shuffle of patches changes the patch tokens of a shell, beyond their order.

    It is the largest difference, as a share of the largest number, on a picture of noise; 0 where places are alike.
    """
    picture = torch.randn(vit.channels, *vit.image_size, generator=torch.Generator().manual_seed(0))
    order = shuffled_order(vit.grid.patches, 1.0)
    batch = torch.stack([picture, move_patches(picture, vit.grid, order)])
    with vit.lock, torch.no_grad():
        tokens = as_result(shell.forward_features(vit.as_input(batch)))[:, len(vit.grid.prefix) :]
    whole, moved = tokens  # (patch, channel)
    return float((moved - whole[torch.from_numpy(order)]).abs().max() / whole.abs().max())


def separate(vit: ViT) -> bool:
    """Return whether every patch token is made from the pixels of that patch alone."""
    try:
        check_separate(vit)
    except UnsupportedModelError:
        return False
    return True


def _read(vit: ViT, shell: Any, batch: Tensor) -> ShuffleResult:
    with vit.lock, torch.no_grad():
        features = shell.forward_features(vit.as_input(batch))  # (image, token, channel)
        if "class" in vit.grid.prefix:
            vectors = features[:, vit.grid.token("class")]
        else:
            vectors = shell.forward_head(features, pre_logits=True)
        answers = vit.probabilities(as_result(shell.forward_head(features))) if vit.has_classifier else None
    vectors = as_result(vectors).double()
    cosine = torch.nn.functional.cosine_similarity(vectors[1:], vectors[:1], dim=-1)
    if answers is None:
        return ShuffleResult(cosine.numpy(), (), np.empty(0))
    top = answers.argmax(-1)
    return ShuffleResult(cosine.numpy(), tuple(int(index) for index in top[1:]), answers[1:, top[0]].double().numpy())
