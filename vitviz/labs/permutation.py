"""Permutation: what self-attention does when its tokens change places.

Without positions it is *equivariant*, f(Px) = Pf(x): shuffled tokens give the same tokens, shuffled. That is not the
*invariance* that is often claimed: the sequence of outputs does change. Invariant is what is read from one token that
stays where it is, such as the class token, or from the mean of all patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitviz.analysis.position_kinds import without_positions
from vitviz.analysis.shuffling import check_removed, check_separate, move_patches, shuffled_order
from vitviz.argument import checked
from vitviz.errors import OptionError
from vitviz.models.inputs import Picture, input_of
from vitviz.models.seeding import SeededInitialisation
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace.forward import as_result

Order = NDArray[np.intp]


@dataclass(frozen=True)
class Permutation(Record):
    """How exactly a function of tokens keeps its promise when the patch tokens are shuffled; shares of the output."""

    moved: int
    """Number of patch tokens that changed places."""
    equivariance: float
    """Largest |f(Px) − Pf(x)| over all patch tokens, as a share of the largest |f(x)|."""
    not_invariant: float
    """Largest |f(Px) − f(x)| over all patch tokens, as a share of the largest |f(x)|: the outputs do change places."""
    class_token: float | None
    """Largest change of the class token, as a share of the largest |f(x)|; None without a class token."""


@checked
def run(*, tokens: int = 16, channels: int = 32, heads: int = 4, positions: bool = False, seed: int = 0) -> Permutation:
    """Shuffle the tokens of one random self-attention layer with a class token before them, in float32.

    ``positions`` adds a random vector to each place first, as learned position embeddings would.
    Raises OptionError for fewer than two tokens, or channels that the heads do not share evenly.
    """
    if tokens < 2 or heads < 1 or channels < 1 or channels % heads:
        raise OptionError(
            f"{tokens} tokens of {channels} channels and {heads} heads cannot be permuted; "
            "wanted two tokens or more, and channels that are a multiple of the heads. 16, 32 and 4 are a good start."
        )
    generator = torch.Generator().manual_seed(seed)
    with SeededInitialisation(seed):
        layer = nn.MultiheadAttention(channels, heads, batch_first=True).eval()
    patches, places = (torch.randn(tokens, channels, generator=generator) for _ in range(2))
    first = torch.randn(1, channels, generator=generator)
    order = shuffled_order(tokens, 1.0, seed=seed)

    def attend(content: Tensor) -> Tensor:
        sequence = torch.cat([first, content + places if positions else content])[None]
        with torch.no_grad():
            mixed: Tensor = layer(sequence, sequence, sequence, need_weights=False)[0][0]
        return mixed  # (token, channel)

    return _compared(attend(patches), attend(patches[torch.from_numpy(order)]), order, prefix=1, named=0)


@checked
def on_model(vit: ViT, image: Picture, *, positions: bool = False, seed: int = 0) -> Permutation:
    """Shuffle all patches of a picture and compare every token after the last block of a real model.

    Raises UnsupportedModelError where ``shuffle_experiment`` does: for patches that overlap.
    """
    check_separate(vit)
    pixels = input_of(vit, image)
    order = shuffled_order(vit.grid.patches, 1.0, seed=seed)
    batch = vit.as_input(torch.stack([pixels, move_patches(pixels, vit.grid, order)]))
    if positions:
        with vit.lock, torch.no_grad():
            whole, moved = _features(vit.shell, batch)
    else:
        with vit.lock, without_positions(vit) as shell, torch.no_grad():
            check_removed(vit, shell)
            whole, moved = _features(shell, batch)
    named = vit.grid.token("class") if "class" in vit.grid.prefix else None
    return _compared(whole, moved, order, prefix=len(vit.grid.prefix), named=named)


def _features(shell: Any, batch: Tensor) -> Tensor:
    tokens: Tensor = as_result(shell.forward_features(batch))
    return tokens  # (image, token, channel)


def _compared(whole: Tensor, moved: Tensor, order: Order, *, prefix: int, named: int | None) -> Permutation:
    """Compare outputs (token, channel) of whole and shuffled inputs; ``order[n]`` is the patch now at place n."""
    size = float(whole.abs().max())
    patches, shuffled = whole[prefix:], moved[prefix:]
    wanted = patches[torch.from_numpy(order)]
    change = None if named is None else float((moved[named] - whole[named]).abs().max()) / size
    return Permutation(
        int((order != np.arange(len(order))).sum()),
        float((shuffled - wanted).abs().max()) / size,
        float((shuffled - patches).abs().max()) / size,
        change,
    )
