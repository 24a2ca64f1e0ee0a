"""A small real task that every machine has: from which of the example photos was this small picture cut?"""

from __future__ import annotations

from functools import lru_cache

import torch
from PIL import Image
from torch import Tensor

from vitviz.examples import photographs
from vitviz.images import open_image

PHOTO_PIXELS = 96
"""Side to which every example photo is resized before pictures are cut from it."""
CROP_PIXELS = 16
"""Side of the pictures."""


@lru_cache(maxsize=1)
def photos() -> Tensor:
    """Return the example photographs, (photo, channel, row, column), each channel with mean 0 and deviation 1."""
    side = (PHOTO_PIXELS, PHOTO_PIXELS)
    opened = [open_image(example.path).resize(side, Image.Resampling.BOX) for example in photographs()]
    raw = [torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8) for image in opened]
    values = torch.stack(raw).reshape(-1, PHOTO_PIXELS, PHOTO_PIXELS, 3).permute(0, 3, 1, 2).float()
    mean, deviation = values.mean((0, 2, 3), keepdim=True), values.std((0, 2, 3), keepdim=True)
    return (values - mean) / deviation


def draw_crops(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return random square pictures (picture, channel, row, column), mirrored half the time, and their photos."""
    source = photos()
    labels = torch.randint(len(source), (count,), generator=generator)
    corners = torch.randint(PHOTO_PIXELS - CROP_PIXELS + 1, (count, 2), generator=generator)
    mirrored = torch.rand(count, generator=generator) < 0.5
    crops = [
        source[label, :, top : top + CROP_PIXELS, left : left + CROP_PIXELS]
        for label, (top, left) in zip(labels.tolist(), corners.tolist(), strict=True)
    ]
    batch = torch.stack(crops)  # (picture, channel, row, column)
    return torch.where(mirrored[:, None, None, None], batch.flip(3), batch), labels
