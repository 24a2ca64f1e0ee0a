"""Where a model of transformers keeps what vitviz reads, and how its processor prepares pictures."""

from __future__ import annotations

from functools import partial

from torch import nn

from vitviz.models.geometry import check_size, grid_of
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.models.hugging_face.wrapping import class_names, data_settings
from vitviz.models.preparation import Preparation
from vitviz.models.structure import Structure, row_of


def hugging_face_structure(name: str, module: nn.Module, image_size: tuple[int, int] | None) -> Structure | None:
    """Return the structure of a model of transformers behind its adapter, or None for any other module.

    Raises OptionError for a size that the patches or the position encoding do not cover.
    """
    if not isinstance(module, HuggingFaceViT):
        return None
    size = data_settings(module, image_size).image_size
    check_size(name, module, size)
    module.check_size(name, size)
    return Structure(
        body="",
        blocks=tuple(f"blocks.{index}" for index, _ in module.blocks.named_children()),
        grid=grid_of(module, size),
        image_size=size,
        channels=int(module.config.num_channels),
        prepare=partial(_preparation, size),
        names=class_names,
        read=row_of,
        split=True,
    )


def _preparation(size: tuple[int, int], module: nn.Module) -> Preparation:
    data, fine = data_settings(module, size), data_settings(module, (3 * size[0], 3 * size[1]))
    return Preparation(data.mean, data.std, data.transform, fine.transform)
