"""The same model with random weights: what a map must differ from if it shows what was learned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn

from vitviz.capture.shell import copied_module
from vitviz.errors import UnsupportedModelError
from vitviz.models.vit import ViT


def redrawn(vit: ViT, *, seed: int = 0) -> ViT:
    """Return a copy of a model with every parameter tensor drawn anew, with its own mean and standard deviation.

    It works for every model, also for one whose architecture timm does not know; the given model stays as it is.
    Raises UnsupportedModelError for weights that are kept as integers.
    """
    check_redrawable(vit)
    module = copied_module(vit.module)
    redraw(module.parameters(), torch.Generator().manual_seed(seed))
    drawn = ViT.from_module(
        module,
        name=vit.name,
        transform=vit.transform,
        class_names=vit.class_names or None,
        image_size=vit.image_size,
        multi_label=vit.multi_label,
        weights=f"random, seed {seed}, with each tensor's own mean and spread",
    )
    # a copy takes its turns with the model, and prepares pictures as the model does
    return replace(drawn, lock=vit.lock, mean=vit.mean, std=vit.std, framing=vit.framing)


def check_redrawable(vit: ViT) -> None:
    """Raise UnsupportedModelError for a model with weights beside its parameters, as quantised layers have them.

    They would stay as they are, and the model would seem to answer the same with random weights.
    """
    for name, value in vit.module.state_dict().items():
        packed = not isinstance(value, torch.Tensor | torch.dtype)
        if packed or (isinstance(value, torch.Tensor) and (value.is_quantized or value.dtype in _INTEGERS)):
            raise UnsupportedModelError(
                "The weights of {name} cannot be drawn anew: {place} holds weights as integers. "
                "Load the model in floating point.",
                name=vit.name,
                place=name.split("._packed")[0],
            )


_INTEGERS = (torch.int8, torch.uint8)


def redraw(parameters: Iterable[nn.Parameter], generator: torch.Generator) -> None:
    """Draw parameters anew in place, each tensor with its own mean and standard deviation."""
    with torch.no_grad():
        for parameter in parameters:
            values = parameter.float()
            spread = values.std(correction=0)
            noise = torch.randn(parameter.shape, generator=generator).to(values)
            parameter.copy_(values.mean() + spread * noise)
