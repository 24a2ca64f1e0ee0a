"""The parts of a model that methods and labs look into, whatever its code calls them: timm's names and Hugging Face's.

A part that a model does not have, or that it keeps in another way, is None: whoever asks says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.capture.pairs import ResidualPair
from vitviz.grid import PatchGrid
from vitviz.models.geometry import blocks_in
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.record import Record

_NORM1 = ("norm1", "layernorm_before", "layer_norm1")
_NORM2 = ("norm2", "layernorm_after", "layer_norm2")
_ATTENTION = ("attn", "attention", "self_attn")
_PROJECTION = ("proj", "o_proj", "out_proj")
_ACTIVATION = ("act", "activation_fn", "act_fn")
_SCALE = ("ls1", "layer_scale1")
_SCALE_VECTORS = ("gamma_1", "lambda_1")
_TABLES = ("pos_embed", "pos_embed_y", "pos_embed_x")


@dataclass(frozen=True, eq=False)
class BlockParts(Record):
    """What a transformer block is made of."""

    norm1: nn.Module | None
    """The norm before attention."""
    attention: nn.Module | None
    projection: nn.Module | None
    """The matrix after the heads; what may stand between, ``attention`` knows."""
    scale: nn.Module | None
    """What multiplies the attention branch by a learned vector (LayerScale)."""
    scale_vector: Tensor | None
    """That vector, where the block keeps it itself, as BEiT does."""
    norm2: nn.Module | None
    """The norm before the MLP."""
    mlp: nn.Module | None
    hidden: nn.Module | None
    """The first matrix of the MLP; None for a gated one."""
    activation: nn.Module | None
    """The activation of the MLP."""


def block_parts(block: nn.Module) -> BlockParts:
    """Return the parts of a transformer block of either library; the norms of a pair lie inside of its parts."""
    attention, mlp = _first(block, _ATTENTION), getattr(block, "mlp", None)
    if isinstance(block, ResidualPair):
        attention, mlp = block.children()
    vector = next((held for name in _SCALE_VECTORS if isinstance(held := getattr(block, name, None), Tensor)), None)
    return BlockParts(
        norm1=_first(block, _NORM1),
        attention=attention,
        projection=_first(attention, _PROJECTION),
        scale=_first(block, _SCALE),
        scale_vector=vector,
        norm2=_first(block, _NORM2),
        mlp=mlp,
        hidden=_first(mlp, ("fc1",)),
        activation=_first(mlp, _ACTIVATION),
    )


def _first(owner: Any, names: tuple[str, ...]) -> nn.Module | None:
    held = (getattr(owner, name, None) for name in names)
    return next((part for part in held if isinstance(part, nn.Module)), None)


@dataclass(frozen=True, eq=False)
class Slot(Record):
    """A place in a module tree: the module that holds a part, and the part's name there."""

    owner: nn.Module
    name: str

    @property
    def part(self) -> Any:
        """What is there now."""
        return getattr(self.owner, self.name)

    def put(self, part: Any) -> None:
        """Put something else there; only for a shell, never for the user's module."""
        setattr(self.owner, self.name, part)


def patch_projection(module: nn.Module) -> Slot | None:
    """Return where the layer is that turns the pixels of patches into tokens, or None if a network does that."""
    if isinstance(module, HuggingFaceViT):
        holder: Any = getattr(module.embeddings, "patch_embeddings", module.embeddings)
        if isinstance(holder, nn.Conv2d):
            return Slot(module.embeddings, "patch_embeddings")
        return next((Slot(holder, name) for name in ("projection", "patch_embedding") if hasattr(holder, name)), None)
    for name in ("patch_embed", "embeds"):
        embedding: Any = getattr(module, name, None)
        if isinstance(getattr(embedding, "proj", None), nn.Module) and getattr(embedding, "backbone", None) is None:
            return Slot(embedding, "proj")
    return None


def patch_embedding(module: nn.Module) -> nn.Module | None:
    """Return the part whose output are the patch tokens before positions: its projection, with a norm if it has one."""
    if isinstance(module, HuggingFaceViT):
        slot = patch_projection(module)
        return None if slot is None else slot.part
    embedding = getattr(module, "patch_embed", None)
    return embedding if isinstance(embedding, nn.Module) else None


def norm_before(module: nn.Module) -> Slot | None:
    """Return where the norm is that stands between positions and the first block, or None."""
    if isinstance(module, HuggingFaceViT):
        return Slot(module.tower, "pre_layrnorm") if hasattr(module.tower, "pre_layrnorm") else None
    return Slot(module, "norm_pre") if isinstance(getattr(module, "norm_pre", None), nn.Module) else None


@dataclass(frozen=True, eq=False)
class PositionTable(Record):
    """Vectors that are added to tokens, (1, position, channel) or (position, channel), those of prefix tokens first."""

    slot: Slot
    prefix: int
    """How many of them belong to prefix tokens."""

    def clear(self) -> None:
        """Set the vectors of the patches to zero, in a shell; those of prefix tokens are no places."""
        owner, name = self.slot.owner, self.slot.name
        blank = self.slot.part.detach().clone()
        blank[..., self.prefix :, :] = 0
        if name in owner._buffers:
            owner._buffers[name] = blank
        elif name in owner._parameters:
            owner._parameters[name] = nn.Parameter(blank, requires_grad=False)
        else:
            owner.__dict__[name] = blank


def position_tables(module: nn.Module, grid: PatchGrid) -> list[PositionTable]:
    """Return the tables of position vectors that a module adds to its tokens.

    Of code of the user's own they are tensors whose name has "pos" in it, with a vector for every token or every patch.
    """
    if isinstance(module, HuggingFaceViT):
        return _hugging_face_tables(module)
    known = [
        PositionTable(Slot(owner, name), _prefix_rows(owner, getattr(owner, name)))
        for owner in (module, getattr(module, "embeds", None))
        if isinstance(owner, nn.Module)
        for name in _TABLES
        if isinstance(getattr(owner, name, None), Tensor)
    ]
    return known or list(_own_tables(module, grid))


def _own_tables(module: nn.Module, grid: PatchGrid) -> Iterator[PositionTable]:
    blocks = blocks_in(module)
    for place, owner in module.named_modules():
        if blocks is not None and f"{place}.".startswith(f"{blocks}."):
            continue
        embedding = isinstance(owner, nn.Embedding) and "pos" in place.rpartition(".")[2]
        for name, table in (*owner._parameters.items(), *owner._buffers.items(), *vars(owner).items()):
            named = embedding and name == "weight" or "pos" in name
            if not named or not isinstance(table, Tensor) or table.ndim not in (2, 3) or not table.is_floating_point():
                continue
            rows = int(table.shape[-2])
            if rows in (grid.patches, grid.tokens, grid.patches + 1):
                yield PositionTable(Slot(owner, name), rows - grid.patches)


def _hugging_face_tables(module: HuggingFaceViT) -> list[PositionTable]:
    rows, columns = (side // patch for side, patch in zip(module.trained_size, module.patch_size, strict=True))
    table: Any = getattr(module.embeddings, "position_embeddings", None)
    if isinstance(table, Tensor):
        return [PositionTable(Slot(module.embeddings, "position_embeddings"), table.shape[1] - rows * columns)]
    holder: Any = getattr(module.embeddings, "position_embedding", None)
    if isinstance(holder, nn.Embedding):
        return [PositionTable(Slot(holder, "weight"), holder.weight.shape[0] - rows * columns)]
    return []


def _prefix_rows(owner: Any, table: Tensor) -> int:
    """Return how many rows of a table of timm's belong to prefix tokens: all of them or none."""
    grid = getattr(getattr(owner, "patch_embed", None), "grid_size", None)
    if table.ndim != 3 or not grid:
        return 0
    return max(0, int(table.shape[1]) - int(grid[0]) * int(grid[1]))


def rotation_in(kwargs: dict[str, Any]) -> Tensor | None:
    """Return the rotation that a block is handed, its sines and then its cosines, (…, place, 2·head_dim), or None."""
    rope = kwargs.get("rope")
    if isinstance(rope, Tensor):
        return rope
    pair = kwargs.get("position_embeddings")
    if isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, Tensor) for part in pair):
        return torch.cat([pair[1], pair[0]], -1)  # transformers: cosines first
    return None


def without_rotation(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return what a block is handed, with a rotation by nothing in the place of its own."""
    rope = rotation_in(kwargs)
    if rope is None:
        return kwargs
    sines, cosines = torch.zeros_like(rope).chunk(2, -1)
    if "rope" in kwargs:
        return {**kwargs, "rope": torch.cat([sines, cosines + 1], -1)}
    return {**kwargs, "position_embeddings": (cosines + 1, sines)}


def tensor_of(output: Any) -> Tensor | None:
    """Return the tensor that a part answers with: attention of transformers returns its weights beside it."""
    first = output[0] if isinstance(output, tuple) and output else output
    return first if isinstance(first, Tensor) else None
