"""A teacher's answers to the training images, computed once and kept in a file: in parts, so that a cut loses one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vitviz.files import writing
from vitviz.models.training.tiny_imagenet import LabelledImages

PART = 1000
"""Images in a part."""


def teacher_logits(
    predict: Callable[[LabelledImages], Tensor], images: LabelledImages, folder: Path, *, name: str
) -> Tensor:
    """Return the logits (image, class) of ``predict`` for all images, reading the parts that ``folder`` has already.

    ``name`` tells the teacher, its size and the images apart from others.
    """
    parts = []
    for number, start in enumerate(range(0, len(images), PART)):
        path = folder / f"{name}-{number:03d}.safetensors"
        if not path.exists():
            part = LabelledImages(images.pixels[start : start + PART], images.labels[start : start + PART])
            with writing(path) as beside:
                save_file({"logits": predict(part).half().contiguous()}, beside)
            print(f"teacher: {min(start + PART, len(images))} of {len(images)} images", flush=True)
        parts.append(load_file(path)["logits"].float())
    return torch.cat(parts)
