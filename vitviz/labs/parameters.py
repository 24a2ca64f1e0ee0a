"""How many trained numbers a Vision Transformer has: the formula beside what is counted in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import nn

from vitviz.errors import OptionError
from vitviz.models.geometry import width_of
from vitviz.models.parts import block_parts
from vitviz.models.vit import ViT
from vitviz.record import Record

PARTS = (
    "patch embedding",
    "prefix tokens",
    "positions",
    "norms of the blocks",
    "attention",
    "MLP",
    "other parts of the blocks",
    "final norm",
    "pooling",
    "head",
    "other",
)
"""Every parameter belongs to one of them."""
FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "patch embedding": "P²C·D + D",
        "prefix tokens": "n·D",
        "positions": "(N + n)·D",
        "norms of the blocks": "T·4D",
        "attention": "T·(4D² + 4D)",
        "MLP": "T·(2DF + F + D)",
        "final norm": "2D",
        "head": "D·K + K",
    }
)
"""Of the standard Vision Transformer; parts that it does not have are missing."""


@dataclass(frozen=True)
class Dimensions(Record):
    """The numbers that the formula needs."""

    patch_pixels: int
    """P²C: numbers of a flattened patch."""
    patches: int
    """N."""
    prefix: int
    """n: prefix tokens."""
    width: int
    """D: channels of a token."""
    depth: int
    """T: blocks."""
    hidden: int
    """F: channels inside the MLP, 4D as a rule."""
    classes: int
    """K; 0 without a classifier."""


def standard_parameters(dimensions: Dimensions) -> dict[str, int]:
    """Return the parameters of the standard Vision Transformer by part (Dosovitskiy et al. 2021, section 3.1).

    Raises OptionError for dimensions that are not positive.
    """
    p, tokens, n, d, t, f, k = (
        dimensions.patch_pixels,
        dimensions.patches + dimensions.prefix,
        dimensions.prefix,
        dimensions.width,
        dimensions.depth,
        dimensions.hidden,
        dimensions.classes,
    )
    if min(p, dimensions.patches, d, t, f) < 1 or min(n, k) < 0:
        raise OptionError(
            f"A Vision Transformer of {dimensions} cannot be built; "
            "wanted at least 1 everywhere, and 0 for prefix tokens and classes at the least."
        )
    return {
        "patch embedding": p * d + d,
        "prefix tokens": n * d,
        "positions": tokens * d,
        "norms of the blocks": t * 4 * d,
        "attention": t * (4 * d * d + 4 * d),
        "MLP": t * (2 * d * f + f + d),
        "final norm": 2 * d,
        "head": d * k + k if k else 0,
    }


def dimensions_of(vit: ViT) -> Dimensions:
    """Return the dimensions of a loaded model, read from its tensors; F is 4D where its MLP is not known."""
    height, width = vit.grid.patch_size
    channels = width_of(vit.body)
    block: Any = next(iter(vit.shell.blocks.children()))  # type: ignore[union-attr]
    parts = block_parts(block)
    matrices = [part for part in (parts.mlp.modules() if parts.mlp is not None else ()) if isinstance(part, nn.Linear)]
    first: Any = parts.hidden or (matrices[0] if len(matrices) == 2 else None)  # a gated one has three
    hidden = int(first.weight.shape[0]) if first is not None else 4 * channels
    return Dimensions(
        patch_pixels=vit.channels * height * width,
        patches=vit.grid.patches,
        prefix=len(vit.grid.prefix),
        width=channels,
        depth=vit.layers,
        hidden=hidden,
        classes=len(vit.class_names),
    )


def counted_parameters(module: nn.Module) -> dict[str, int]:
    """Return the parameters of a module by part, every one counted once."""
    counts = dict.fromkeys(PARTS, 0)
    for name, parameter in module.named_parameters():
        counts[_part(name)] += parameter.numel()
    return counts


_IN_BLOCKS = (
    ("norm", "norms of the blocks"),
    ("layernorm", "norms of the blocks"),
    ("layer_norm", "norms of the blocks"),
    ("attn", "attention"),
    ("attention", "attention"),
    ("self_attn", "attention"),
    ("mlp", "MLP"),
)
_OUTSIDE = (
    ("patch_embed", "patch embedding"),
    ("cls_token", "prefix tokens"),
    ("reg_token", "prefix tokens"),
    ("dist_token", "prefix tokens"),
    ("pos_embed", "positions"),
    ("norm", "final norm"),
    ("fc_norm", "final norm"),
    ("attn_pool", "pooling"),
    ("head", "head"),
    ("embeddings.patch_embed", "patch embedding"),  # of transformers, as the adapter names them
    ("embeddings.position", "positions"),
    ("embeddings.mask_token", "other"),
    ("embeddings.", "prefix tokens"),
    ("tower.post_layernorm", "final norm"),
    ("tower.head", "pooling"),
    ("tower.pooler", "pooling"),
    ("model.", "head"),
    ("projection", "head"),
)


def _part(name: str) -> str:
    """Return the part that a parameter belongs to, by its name in timm's models or in those of transformers."""
    if name.startswith("blocks."):
        inner = name.split(".")[2]
        for prefix, part in _IN_BLOCKS:
            if inner.startswith(prefix):
                return part
        return "other parts of the blocks"
    return next((part for prefix, part in _OUTSIDE if name.startswith(prefix)), "other")
