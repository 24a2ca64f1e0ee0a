"""The seam of ``ViT.from_module``: a model of transformers becomes an adapter that knows its preprocessing."""

from __future__ import annotations

from typing import Any

from torch import nn

from vitviz.clause import Clause
from vitviz.errors import OptionError
from vitviz.models import timm_door
from vitviz.models.hugging_face.adapter import HuggingFaceViT
from vitviz.models.hugging_face.families import is_hugging_face
from vitviz.models.hugging_face.processor import (
    ProcessorTransform,
    assumed_note,
    assumed_processor,
    colours_of,
    image_processor,
    notes_on,
    own_size,
)
from vitviz.models.timm_door import DataSettings

Size = tuple[int, int]


def adapted(name: str, module: nn.Module, processor: Any = None) -> nn.Module:
    """Return a model of transformers behind an adapter, and any other module as it is.

    Raises UnsupportedModelError for a model of transformers that is not read, OptionError for a processor of another
    model.
    """
    if is_hugging_face(module):
        return HuggingFaceViT(name, module, None if processor is None else image_processor(processor))
    if processor is not None:
        raise OptionError(
            "A processor was given for {name}, a {kind}; wanted a model of transformers with it. "
            "Use transform=… for other models.",
            name=name,
            kind=type(module).__name__,
        )
    return module


def data_settings(module: nn.Module, image_size: Size | None = None) -> DataSettings:
    """Return the preprocessing of a module of either library, for another size if one is given."""
    if not isinstance(module, HuggingFaceViT):
        return timm_door.data_settings(module, image_size)
    processor = module.processor
    if processor is None:
        size = image_size or module.image_size
        processor = assumed_processor(module.family.colours, size)
        colours = module.family.colours
    else:
        size = image_size or _chosen_size(module, own_size(processor))
        colours = colours_of(processor)  # type: ignore[assignment]
    return DataSettings(size, colours[0], colours[1], ProcessorTransform(processor, size))


def _chosen_size(module: HuggingFaceViT, of_processor: Size | None) -> Size:
    """Return the size that pictures come in: the processor's, unless the model was brought to another one."""
    return module.image_size if module.image_size != module.trained_size else of_processor or module.image_size


def notes_of(module: nn.Module, image_size: Size, *, own_transform: bool) -> tuple[str, ...]:
    """Return what was assumed of a model of transformers, and what of it is not read."""
    if not isinstance(module, HuggingFaceViT):
        return ()
    data, notes = data_settings(module, image_size), module.notes
    if data.image_size != module.trained_size and module.kind != "DINOv3ViTModel":
        notes += (
            Clause(
                "it was built for {height} × {width} pixels: its positions are interpolated to "
                "{other_height} × {other_width} by its own code",
                height=module.trained_size[0],
                width=module.trained_size[1],
                other_height=data.image_size[0],
                other_width=data.image_size[1],
            ),
        )
    if own_transform:
        return notes
    if module.processor is None:
        return (*notes, assumed_note(module.family.colours, data.image_size))
    return (*notes, *notes_on(data.transform)) if isinstance(data.transform, ProcessorTransform) else notes


def class_names(module: nn.Module, count: int) -> tuple[str, ...]:
    """Return the names of the classes that a module knows."""
    return module.class_names(count) if isinstance(module, HuggingFaceViT) else timm_door.class_names(module, count)
