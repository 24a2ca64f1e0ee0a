"""The same model with random weights: what a map must differ from if it shows what was learned."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import nn

from vitviz.models.vit import ViT


def redrawn(vit: ViT, *, seed: int = 0) -> ViT:
    """Return a copy of a model with every parameter tensor drawn anew, with its own mean and standard deviation.

    It works for every model, also for one whose architecture timm does not know; the given model stays as it is.
    """
    module = copy.deepcopy(vit.module)
    redraw(module.parameters(), torch.Generator().manual_seed(seed))
    return ViT.from_module(
        module,
        name=vit.name,
        transform=vit.transform,
        class_names=vit.class_names or None,
        image_size=vit.image_size,
        weights=f"random, seed {seed}, with each tensor's own mean and spread",
    )


def redraw(parameters: Iterable[nn.Parameter], generator: torch.Generator) -> None:
    """Draw parameters anew in place, each tensor with its own mean and standard deviation."""
    with torch.no_grad():
        for parameter in parameters:
            values = parameter.float()
            spread = values.std(correction=0)
            noise = torch.randn(parameter.shape, generator=generator).to(values)
            parameter.copy_(values.mean() + spread * noise)
