"""A kind of module: how a small one is made, and what should become of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from vitviz.models.timm_door import timm

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 10}


@dataclass(frozen=True)
class Kind:
    """A kind of module."""

    build: Callable[[], nn.Module]
    refused: str = ""
    """What its refusal says, as a regular expression; empty for a kind that is observed."""
    options: dict[str, Any] = field(default_factory=dict)
    """Of ``ViT.from_module``."""
    channels: int = 3
    gradients: bool = True
    twin: Callable[[], nn.Module] | None = None
    """The same module with attention in steps that can be read, where its own cannot."""
    masks: bool = True
    """Whether tokens can be masked: not where the answer is made of more than the last block's."""


def vit(**options: Any) -> Any:
    """Return a small ViT of timm with weights large enough for attention that is not uniform."""
    module = timm.models.vision_transformer.VisionTransformer(**(SMALL | options))
    return drawn(module)


def drawn(module: nn.Module) -> Any:
    """Draw larger weights."""
    with torch.no_grad():
        for weight in module.parameters():
            fan_in = weight[0].numel() if weight.ndim > 1 and len(weight) else 25
            weight.add_(torch.randn_like(weight) * 1.5 / fan_in**0.5)
    return module.eval()
