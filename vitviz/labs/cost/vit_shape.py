"""The sizes of a Vision Transformer that decide what it costs, of usual models and of a loaded one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from vitviz.errors import OptionError
from vitviz.models.geometry import width_of
from vitviz.models.parts import block_parts
from vitviz.models.vit import ViT
from vitviz.record import Record

CHANNELS = 3
"""Colour channels of a picture."""


@dataclass(frozen=True)
class ViTShape(Record):
    """Sizes of a Vision Transformer with blocks of attention and MLP.

    Pixels that do not fill a patch are cut off. Raises OptionError for sizes that no model can have.
    """

    image_size: tuple[int, int]
    """Height and width of the picture in pixels."""
    patch_size: tuple[int, int]
    """Height and width of a patch in pixels."""
    width: int
    """Channels of a token, D."""
    depth: int
    """Blocks, T."""
    heads: int
    """Attention heads of a block, M; they need not divide the width for the costs to make sense."""
    prefix: int = 1
    """Tokens before the patches: class, distillation, registers."""
    mlp_ratio: float = 4.0
    """Weights of the MLP over 2D²: hidden channels over width, for an MLP of two matrices."""
    classes: int = 1000
    """Outputs of the linear classifier; 0 for a model without one."""

    def __post_init__(self) -> None:
        sizes = (*self.patch_size, self.width, self.depth, self.heads)
        if min(sizes) < 1 or min(self.prefix, self.classes) < 0 or self.mlp_ratio < 0:
            raise OptionError(
                "A Vision Transformer has at least one pixel a patch, channel, block and head; got "
                "{given}. Choose larger sizes.",
                given=repr(self),
            )
        if any(side < patch for side, patch in zip(self.image_size, self.patch_size, strict=True)):
            raise OptionError(
                "A picture of {height} × {width} pixels holds no patch of {patch_height} × {patch_width}; "
                "wanted at least one. Choose smaller patches.",
                height=self.image_size[0],
                width=self.image_size[1],
                patch_height=self.patch_size[0],
                patch_width=self.patch_size[1],
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return (self.image_size[0] // self.patch_size[0], self.image_size[1] // self.patch_size[1])

    @property
    def patches(self) -> int:
        """Number of patches."""
        return self.grid[0] * self.grid[1]

    @property
    def tokens(self) -> int:
        """Number of tokens, L: the patches and the prefix tokens."""
        return self.patches + self.prefix

    @property
    def head_width(self) -> float:
        """Channels of a head, d = D/M."""
        return self.width / self.heads

    @property
    def cut_off(self) -> tuple[int, int]:
        """Rows and columns of pixels that fill no patch and are not seen."""
        return (self.image_size[0] % self.patch_size[0], self.image_size[1] % self.patch_size[1])

    def at(self, side: int) -> ViTShape:
        """Return the same model for square pictures of another side in pixels."""
        return replace(self, image_size=(side, side))


def _usual(side: int, patch: int, width: int, depth: int, heads: int) -> ViTShape:
    return ViTShape((side, side), (patch, patch), width, depth, heads)


PRESETS: Mapping[str, ViTShape] = MappingProxyType(
    {
        "ViT-Ti/16": _usual(224, 16, 192, 12, 3),
        "ViT-S/16": _usual(224, 16, 384, 12, 6),
        "ViT-S/14-518": _usual(518, 14, 384, 12, 6),
        "ViT-B/16": _usual(224, 16, 768, 12, 12),
        "ViT-L/16": _usual(224, 16, 1024, 24, 16),
        "ViT-H/14": _usual(224, 14, 1280, 32, 16),
    }
)
"""Usual models: Dosovitskiy et al. 2021 (B, L, H), Touvron et al. 2021 (Ti, S), DINOv2 at its own 518 pixels."""


def shape_of(vit: ViT) -> ViTShape:
    """Return the sizes of a loaded model, read from its module.

    The MLP's ratio is that of its weights, so that gated MLPs (SwiGLU), which have three matrices, count as they are.
    Where the MLP has another name, it is what a block's matrices hold beyond the four of attention.
    """
    block: Any = next(iter(vit.shell.blocks.children()))  # type: ignore[union-attr]
    width = width_of(vit.body)
    mlp = block_parts(block).mlp
    matrices = sum(
        parameter.numel() for parameter in (block if mlp is None else mlp).parameters() if parameter.ndim == 2
    )
    matrices -= 4 * width**2 if mlp is None else 0
    return ViTShape(
        image_size=vit.image_size,
        patch_size=vit.grid.patch_size,
        width=width,
        depth=vit.layers,
        heads=max(vit.heads),
        prefix=len(vit.grid.prefix),
        mlp_ratio=max(0, matrices) / (2 * width**2),
        classes=len(vit.class_names),
    )
