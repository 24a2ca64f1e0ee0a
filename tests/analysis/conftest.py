"""Wrapped tiny models and pictures that the tests of the analyses share."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from torch import nn

from vitviz.models.vit import ViT


@pytest.fixture(scope="session")
def vit(tiny_vit: nn.Module) -> ViT:
    """4 × 4 patches of 8 pixels after a class token, 2 layers."""
    return ViT.from_module(tiny_vit, name="tiny")


@pytest.fixture(scope="session")
def wide(wide_vit: nn.Module) -> ViT:
    """3 × 5 patches of 8 pixels after a class token, 2 layers."""
    return ViT.from_module(wide_vit, name="wide")


def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a smooth colourful picture."""
    rows, columns = np.indices((height, width)) / 40
    shift = np.random.default_rng(seed).random(3)
    colours = [np.sin(rows * (1 + each) + columns * each * 2 + each * 6) for each in shift]
    return Image.fromarray((np.stack(colours, -1) * 127 + 128).astype(np.uint8))
