"""Structure: where a module keeps what vitviz reads, and how its pictures come in; the one seam for kinds of modules.

A kind is a function from a module to its Structure, or None for a module of another kind; ``kinds.py`` has them all.
A structure holds names and no module, so that it serves every copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from vitviz.capture.own_forward import Reading
from vitviz.capture.proof import noise, plain_answer
from vitviz.clause import Clause
from vitviz.errors import UnsupportedModelError, VitvizError
from vitviz.grid import PatchGrid
from vitviz.models import timm_door
from vitviz.models.assumptions import size_assumed, square_assumed
from vitviz.models.geometry import (
    blocks_in,
    channels_of,
    check_size,
    declared_size,
    grid_of,
    patch_size_of,
    size_of_positions,
)
from vitviz.models.preparation import Preparation, preparation_assumed, timm_preparation
from vitviz.models.preprocessing import preprocessing_of
from vitviz.models.support import FAULTS
from vitviz.out_of_memory import raise_if_short
from vitviz.record import Record


@dataclass(frozen=True)
class Structure(Record):
    """What a kind of module tells of itself."""

    body: str
    """Name of the part that holds the patch embedding and the positions; empty for the module itself."""
    blocks: tuple[str, ...]
    """Names of the transformer blocks, in order."""
    grid: PatchGrid
    image_size: tuple[int, int]
    """Height and width in pixels of its input."""
    channels: int
    """Number of channels of its input."""
    prepare: Callable[[nn.Module], Preparation]
    """Returns how pictures are prepared for the body of the module."""
    names: Callable[[nn.Module, int], tuple[str, ...]]
    """Returns the names of so many classes of the module."""
    read: Reading
    """From what the module answers to one row a picture, (image, number)."""
    assumed: tuple[str, ...] = ()
    """What is taken of it that nothing in it says, for the reader."""
    split: bool = False
    """Whether the module has a ``forward_features`` and a ``forward_head`` of its own, which may be its forward."""


Kind = Callable[[str, nn.Module, tuple[int, int] | None], Structure | None]
"""From a name for messages, a module and a size that was asked for to the module's structure."""


def plain_structure(name: str, module: nn.Module, image_size: tuple[int, int] | None) -> Structure | None:
    """Return the structure of any module that has a list of blocks behind a patch embedding, wherever it keeps them.

    Raises OptionError for a size that the patches do not cover.
    """
    place = blocks_in(module)
    if place is None:
        return None
    body = _body_of(module, place)
    part = module.get_submodule(body)
    size, assumed = _size(part, image_size)
    check_size(name, part, size)
    blocks = tuple(f"{place}.{index}" for index, _ in module.get_submodule(place).named_children())

    return Structure(
        body=body,
        blocks=blocks,
        grid=grid_of(part, size),
        image_size=size,
        channels=_channels(module, part, size),
        prepare=partial(_preparation, body, size),
        names=partial(_class_names, body),
        read=row_of,
        assumed=assumed,
        split=not body
        and place == "blocks"
        and all(hasattr(module, f"forward_{half}") for half in ("features", "head")),
    )


def _size(part: nn.Module, asked: tuple[int, int] | None) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return height and width of a module's input, and what was assumed of them."""
    if (size := asked or declared_size(part)) is not None:
        return size, ()
    if (size := size_of_positions(part)) is not None:
        grid = grid_of(part, size)
        return size, (square_assumed(grid.rows, grid.columns),)
    size = timm_door.data_settings(part).image_size
    return size, () if getattr(part, "pretrained_cfg", None) else (size_assumed(size),)


def _channels(module: nn.Module, part: nn.Module, size: tuple[int, int]) -> int:
    """Return the channels of a module's input: the first of those it may have that a plain call takes."""
    likeliest, *others = channels_of(part)
    for channels in (likeliest, *others) if others else ():
        try:
            plain_answer(module, noise(module, (channels, *size)))
        except VitvizError:
            return channels  # it was run
        except FAULTS as error:
            raise_if_short(error)
        else:
            return channels
    return likeliest


def _preparation(body: str, image_size: tuple[int, int], module: nn.Module) -> Preparation:
    part = module.get_submodule(body)
    preparation = timm_preparation(part, image_size)
    numbers = preprocessing_of(preparation.transform, preparation.mean, preparation.std)
    if numbers is None:
        return preparation
    config = getattr(part, "pretrained_cfg", None) or {}
    usual = (config.get("architecture") or type(part).__name__) if "mean" in config else None
    return replace(preparation, notes=preparation_assumed(numbers, usual))


def _class_names(body: str, module: nn.Module, count: int) -> tuple[str, ...]:
    part = module.get_submodule(body)
    # as many outputs as ImageNet has classes say nothing of a module that timm's factory did not build
    if not getattr(part, "pretrained_cfg", None):
        return tuple(f"class {index}" for index in range(count))
    return timm_door.class_names(part, count)


def _body_of(module: nn.Module, blocks: str) -> str:
    """Return the name of the nearest part around the blocks that says how it cuts pictures up."""
    name = blocks
    while name:
        name = name.rpartition(".")[0]
        if patch_size_of(module.get_submodule(name)) is not None:
            return name
    return blocks.rpartition(".")[0]  # the refusal of its grid says what is missing


def row_of(answer: Any) -> Tensor:
    """Return one row a picture, (image, number), of what a module answers.

    A tensor of that shape is taken as it is; feature maps (image, channel, row, column) are averaged over their places,
    the last of several. Of a record or dictionary its "logits" are taken; of several things the one of that shape.
    Raises UnsupportedModelError for anything else.
    """
    logits = answer.get("logits") if isinstance(answer, Mapping) else getattr(answer, "logits", None)
    if isinstance(logits, Tensor):
        answer = logits
    if isinstance(answer, Tensor) and answer.ndim == 2:
        return answer
    if isinstance(answer, Tensor) and answer.ndim == 4:
        return answer.mean((2, 3))
    parts = list(answer.values()) if isinstance(answer, Mapping) else answer
    tensors = [part for part in parts if isinstance(part, Tensor)] if isinstance(parts, list | tuple) else []
    rows = [part for part in tensors if part.ndim == 2]
    if len(rows) == 1:
        return rows[0]
    if tensors and not rows and all(part.ndim == 4 for part in tensors):
        return tensors[-1].mean((2, 3))
    raise UnsupportedModelError(
        "The module answers {described} to one picture; wanted one row of numbers a picture, of "
        "shape (1, class) or (1, channel). Return the logits, or build it with a pooling, such as "
        "global_pool='avg'.",
        described=described(answer),
    )


def described(answer: Any) -> str:
    """Return in words what a module answered."""
    if isinstance(answer, Tensor):
        return Clause("a tensor of shape {shape}", shape=tuple(answer.shape))
    held = list(answer.values()) if isinstance(answer, Mapping) else answer
    if is_dataclass(answer):
        held = [getattr(answer, part.name) for part in fields(answer)]
    if not isinstance(held, list | tuple):
        return Clause("a {kind}", kind=type(answer).__name__)
    shapes = ", ".join(str(tuple(part.shape)) if isinstance(part, Tensor) else type(part).__name__ for part in held)
    return Clause("a {kind} of {shapes}", kind=type(answer).__name__, shapes=shapes)


def reading_told(answer: Any) -> str | None:
    """Return which part of an answer is read, in words, or None where it is read as it is."""
    if isinstance(answer, Tensor):
        return Clause("its answer is the mean over the places of its feature map") if answer.ndim == 4 else None
    row = row_of(answer)
    maps = [part for part in answer if isinstance(part, Tensor) and part.ndim == 4] if isinstance(answer, list) else []
    if maps and len(maps) == len(answer):
        return Clause("its answer is the mean over the places of the last of its {count} feature maps", count=len(maps))
    return Clause(
        "of {described} the tensor of shape {shape} is its answer", described=described(answer), shape=tuple(row.shape)
    )
