"""Boxes follow the model's own transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from vitviz.analysis.boxes import box_in_input
from vitviz.errors import OptionError
from vitviz.models.vit import ViT


@pytest.fixture(scope="module")
def vit(wide_vit: nn.Module) -> ViT:
    """Input of 24 × 40 pixels; the transform takes the middle of what is enlarged to its height."""

    def transform(image: Image.Image) -> Tensor:
        resized = image.resize((image.width * 24 // image.height, 24), Image.Resampling.NEAREST)
        left = (resized.width - 40) // 2
        cropped = np.asarray(resized.crop((left, 0, left + 40, 24)), np.float32) / 255
        pixels = (cropped - plain.mean) / plain.std
        return torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)

    plain = ViT.from_module(wide_vit)
    return ViT.from_module(wide_vit, transform=transform)


def test_a_box_is_scaled_and_shifted_with_the_crop(vit: ViT) -> None:
    # 120 × 48 pixels become 60 × 24, of which the middle 40 columns are kept: x / 2 − 10, y / 2
    assert box_in_input(vit, (120, 48), (40, 12, 60, 32)) == (10, 6, 20, 16)
    assert box_in_input(vit, (120, 48), (0, 0, 120, 48)) == (0, 0, 40, 24)
    assert box_in_input(vit, (120, 48), (10, 0, 30, 48)) == (0, 0, 5, 24)


@pytest.mark.parametrize("box", [(0, 0, 121, 48), (-1, 0, 5, 5), (5, 5, 5, 9), (9, 5, 5, 9), (0, 40, 10, 49)])
def test_a_box_outside_the_photo_is_refused(vit: ViT, box: tuple[int, int, int, int]) -> None:
    with pytest.raises(OptionError, match=r"outside the photo of 120 × 48 pixels; wanted 0 ≤ left"):
        box_in_input(vit, (120, 48), box)


def test_a_box_that_the_crop_cuts_off_is_told(vit: ViT) -> None:
    with pytest.raises(OptionError, match=r"sees nothing of the box \(0, 0, 10, 10\)"):
        box_in_input(vit, (120, 48), (0, 0, 10, 10))
