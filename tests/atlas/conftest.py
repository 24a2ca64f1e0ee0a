"""A few small photos in two classes, and a tiny model that measures them in no time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

import vitviz

CLASSES = {"class 1": 11, "class 2": 9}
"""Photos of each class."""


def draw(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (40, 48, 3), dtype=np.uint8))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """An ImageFolder: 20 photos of two classes, the last of each a PNG."""
    folder = tmp_path / "photos"
    for number, (label, count) in enumerate(CLASSES.items()):
        (folder / label).mkdir(parents=True)
        for photo in range(count):
            suffix = "png" if photo == count - 1 else "jpg"
            draw(100 * number + photo).save(folder / label / f"{photo:02d}.{suffix}")
    return folder


@pytest.fixture(scope="session")
def vit(build_vit: Callable[..., nn.Module]) -> vitviz.ViT:
    return vitviz.ViT.from_module(build_vit(), name="tiny", class_names=[f"class {index}" for index in range(10)])
