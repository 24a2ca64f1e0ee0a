"""Positions cut off and not interpolated: what goes wrong when a table is used for another grid as it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vitviz.analysis.input_sizes import resized, rewrapped
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.models.vit import ViT


def truncate_positions(vectors: Tensor, count: int) -> Tensor:
    """Return the first ``count`` position vectors (patch, channel) in reading order; missing ones are zero.

    This is what a table gives that is cut to the new number of tokens: on a narrower grid the rows no longer begin
    where they did, so most patches get the vector of another place; on a larger grid the last patches get none.
    Raises OptionError for a count below 1.
    """
    if count < 1:
        raise OptionError(
            "{count} positions were asked for; wanted at least one, one a patch.",
            count=count,
        )
    kept = vectors[:count]
    missing = vectors.new_zeros(count - len(kept), vectors.shape[1])
    return torch.cat([kept, missing])


def truncated(vit: ViT, image_size: tuple[int, int]) -> ViT:
    """Return the model for another input size with its table of positions cut off instead of interpolated.

    The vectors of prefix tokens stay. Raises OptionError for a size that patches do not cover, UnsupportedModelError
    for a model without one table of positions that is added to the tokens.
    """
    if isinstance(vit.module, HuggingFaceViT):
        raise UnsupportedModelError(
            "The table of positions of {name} cannot be cut off: its code in transformers "
            "interpolates it by itself, as it does in every pass. Choose a model of timm, such as "
            "the shipped one.",
            name=vit.name,
        )
    table = getattr(vit.body, "pos_embed", None)
    if not isinstance(table, Tensor) or table.ndim != 3 or table.shape[1] < vit.grid.patches:
        raise UnsupportedModelError(
            "{name} has no table with a position vector for each of its {patches} patches, so "
            "nothing can be cut off. Choose a model with learned positions, such as the shipped "
            "one.",
            name=vit.name,
            patches=vit.grid.patches,
        )
    model = resized(vit, image_size)
    prefix = table.shape[1] - vit.grid.patches
    vectors = truncate_positions(table.detach()[0, prefix:], model.grid.patches)
    shell = model.module
    rows = torch.cat([table.detach()[:, :prefix], vectors[None]], dim=1)
    model.body.pos_embed = nn.Parameter(rows, requires_grad=False)
    return rewrapped(vit, shell, image_size)
