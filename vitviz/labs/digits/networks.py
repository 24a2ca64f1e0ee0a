"""The two networks that learn digits: a small Vision Transformer and a small convolutional network."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from vitviz.labs.digits.data import CLASSES, SIDE
from vitviz.models.seeding import SeededInitialisation
from vitviz.models.timm_door import build_small

PATCH = 2
WIDTH, DEPTH, HEADS = 32, 2, 4
CHANNELS = 12


def digit_vit(*, seed: int, distilled: bool = False, width: int = WIDTH, depth: int = DEPTH) -> nn.Module:
    """Return an untrained Vision Transformer: 4 × 4 patches of 2 pixels, 2 blocks of 4 heads, 32 channels.

    ``width`` (channels, a multiple of the 4 heads) and ``depth`` (blocks) build another size of it. It is timm's, so
    that ViT.from_module reads it. Its linear layers start at variance 1/inputs and not at timm's 0.02, which suits 768
    channels: with 32 the first hundreds of steps would only make them larger.
    """
    network: nn.Module = build_small(
        image_size=SIDE,
        patch_size=PATCH,
        width=width,
        depth=depth,
        heads=HEADS,
        classes=CLASSES,
        mlp_ratio=2.0,
        distilled=distilled,
        seed=seed,
    )
    with SeededInitialisation(seed), torch.no_grad():
        _spread(network)
    return network


def _spread(network: Any) -> None:
    """Draw the weights of the linear layers and the positions of a Vision Transformer anew."""
    for part in network.modules():
        if isinstance(part, nn.Linear):
            part.weight.normal_(0, part.in_features**-0.5)
    network.pos_embed.normal_(0, 0.3)
    for name in ("head", "head_dist"):
        if hasattr(network, name):
            getattr(network, name).weight.mul_(0.1)  # answers start nearly even


def digit_convnet(*, seed: int) -> nn.Module:
    """Return an untrained convolutional network: three 3 × 3 layers with batch norm, pooled, about 5,000 weights."""
    wide = 2 * CHANNELS
    with SeededInitialisation(seed):
        return nn.Sequential(
            *_layer(3, CHANNELS),
            *_layer(CHANNELS, CHANNELS),
            nn.MaxPool2d(2),
            *_layer(CHANNELS, wide),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(wide, CLASSES),
        )


def _layer(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


def weights_of(network: nn.Module) -> int:
    """Return the number of trained numbers of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
