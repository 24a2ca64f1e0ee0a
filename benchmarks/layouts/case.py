"""A case: one layout of a weights file, the model that it was saved from, and how it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vitviz.models.timm_door import timm

SMALL = "test_vit"  # timm's own test model: 160 × 160 pixels, 6 blocks of 2 heads, 64 channels
Answer = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """One layout."""

    name: str
    """What it is, for the table."""
    file: str
    """Name of the file that is written."""
    write: Callable[[Path], Answer]
    """Write the file and return what the model that it was saved from answers to a batch."""
    architecture: str = SMALL
    """timm's name of the architecture that it is loaded into."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else ``load_vit`` is told."""
    size: int = 160
    """Height and width of the input in pixels."""
    channels: int = 3
    """Number of channels of the input."""
    refused: str = ""
    """What the refusal says, where the right outcome is one."""


def small(seed: int = 0, name: str = SMALL, **options: Any) -> nn.Module:
    """Return a timm model with weights that make its answers differ between pictures."""
    return drawn(timm.create_model(name, **{"num_classes": 10, **options}), seed)


def drawn(module: nn.Module, seed: int = 0) -> nn.Module:
    """Return a module in eval mode whose parameters are drawn from a seed: large enough for every one to matter."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        scale = 0.1 if parameter.ndim < 2 else parameter[0].numel() ** -0.5
        centre = 1.0 if parameter.ndim == 1 and name.endswith(("weight", "gamma", "lambda1")) else 0.0
        parameter.data = centre + scale * torch.randn(parameter.shape, generator=generator)
    return module.eval().requires_grad_(False)


def answer_of(module: nn.Module) -> Answer:
    """Return what a timm module answers: logits, or its embedding where it has no classifier."""
    return lambda batch: module(batch)


def embedding_of(module: Any) -> Answer:
    """Return what a timm module answers without its classifier."""
    return lambda batch: module.forward_head(module.forward_features(batch), pre_logits=True)


def prefixed(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return a state dict with a prefix before every name."""
    return {prefix + name: value for name, value in state.items()}


def save(path: Path, content: Mapping[str, Any]) -> None:
    """Write safetensors where the name or its absence says so, else a torch file."""
    if path.suffix.lower() == ".safetensors" or not path.suffix:
        save_file({name: value.contiguous() for name, value in content.items()}, path)
    else:
        torch.save(dict(content), path)
