"""Loaded models and one picture for the tests of explanations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from vitviz.models.vit import ViT

BuildVit = Callable[..., nn.Module]


@pytest.fixture(scope="session")
def vit(wide_vit: nn.Module) -> ViT:
    """A class token and a grid of 3 × 5 patches: a mix-up of rows and columns must be seen."""
    return ViT.from_module(wide_vit, name="wide")


@pytest.fixture(scope="session")
def register(register_vit: nn.Module) -> ViT:
    return ViT.from_module(register_vit, name="register")


@pytest.fixture(scope="session")
def averaging(build_vit: BuildVit) -> ViT:
    """No class token: the answer is read from the mean of the 3 × 5 patches."""
    return ViT.from_module(build_vit(img_size=(24, 40), class_token=False, global_pool="avg"), name="averaging")


@pytest.fixture(scope="session")
def pooling(build_vit: BuildVit) -> ViT:
    """No class token: attention with a learned query pools the patches."""
    return ViT.from_module(build_vit(img_size=(24, 40), class_token=False, global_pool="map"), name="pooling")


@pytest.fixture(scope="session")
def headless(build_vit: BuildVit) -> ViT:
    return ViT.from_module(build_vit(img_size=(24, 40), num_classes=0), name="headless")


@pytest.fixture(scope="session")
def pixels() -> Tensor:
    """24 × 40 pixels, normalised."""
    return torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))
