"""Any picture as a model's input: the door of ``vitviz.images``, and tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import GridError, ImageError
from vitviz.images import Source, is_source

Picture = Source | Tensor
"""What ``vitviz.open_photo`` takes, or a tensor: floats are the model's input, normalised; uint8 are pixels."""
Pictures = Picture | Iterable[Picture]


class TakesPictures(Protocol):
    """A model that says how large its input is and prepares a picture for it."""

    @property
    def name(self) -> str:
        """Its name, for messages."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of its input in pixels."""

    @property
    def channels(self) -> int | None:
        """Number of channels of its input; None if any number is taken."""

    def preprocess(self, image: Source) -> Tensor:
        """Return its input for a picture."""


def input_of(model: TakesPictures, picture: Picture) -> Tensor:
    """Return the input (channel, height, width) of a model for a picture in any form.

    A tensor of floats is the input itself, normalised and of the model's size, and comes back on the CPU in at least
    float32; one of uint8 holds pixels from 0 to 255,
    (channel, height, width) of any size, and is prepared like a picture. Everything else goes through ``open_photo``.
    Raises ImageError for what is no picture, GridError for a tensor of another shape, type or with NaN.
    """
    if not isinstance(picture, Tensor) or picture.dtype == torch.uint8:
        return model.preprocess(picture_in(picture))
    _check_numbers(model, picture)
    picture = picture.resolve_neg()
    if picture.ndim != 3 or tuple(picture.shape[1:]) != model.image_size or model.channels not in (None, len(picture)):
        raise GridError(
            "An input tensor of {name} has shape {shape}; wanted {wanted}, normalised. {hint}",
            name=model.name,
            shape=tuple(picture.shape),
            wanted=_wanted(model),
            hint=_advice(picture),
        )
    _check_finite(model, picture)
    return picture.detach().to("cpu", torch.promote_types(picture.dtype, torch.float32))


def batch_of(model: TakesPictures, pictures: Pictures) -> Tensor:
    """Return one or many pictures as a batch (image, channel, height, width); a batch of inputs stays as it is.

    Raises what ``input_of`` raises, and ImageError for no picture at all.
    """
    if (
        not isinstance(pictures, Tensor)
        or pictures.dtype == torch.uint8
        or (_is_plain(pictures) and pictures.ndim == 3)
    ):
        return torch.stack([input_of(model, picture) for picture in listed(pictures)])
    _check_numbers(model, pictures)
    height, width = model.image_size
    channels = 3 if model.channels is None else model.channels
    if pictures.ndim != 4 or tuple(pictures.shape[1:]) != (channels, height, width):
        raise GridError(
            "The batch has shape {shape}; wanted (image, {channels}, {height}, {width}), "
            "normalised. Stack what vit.preprocess returns.",
            shape=tuple(pictures.shape),
            channels=channels,
            height=height,
            width=width,
        )
    _check_finite(model, pictures)
    return pictures.resolve_neg()


def listed(pictures: Pictures) -> list[Picture]:
    """Return one or many pictures as a list; a tensor or array of four dimensions is many.

    Raises ImageError for none at all, for what is neither a picture nor a collection of them, and for a dictionary,
    a set or a generator: no list.
    """
    given: Any = pictures
    if not is_source(given) and isinstance(given, Mapping | AbstractSet | Iterator):
        raise ImageError(
            "A {kind} is no list of pictures: it has no order of its own, or is used up once read; wanted one picture "
            "or a list. Pass list(…) of its pictures.",
            kind=type(given).__name__,
        )
    many = isinstance(given, Tensor | np.ndarray) and not getattr(given, "is_nested", False) and given.ndim == 4
    if not many and (isinstance(given, Tensor) or is_source(given) or not isinstance(given, Iterable)):
        return [given]
    chosen = list(given)
    if not chosen:
        raise ImageError("There is no picture; wanted at least one. Pass a path, a picture, a tensor or a list.")
    return chosen


def picture_in(picture: Picture) -> Source:
    """Return a picture in a form that ``open_photo`` takes: pixels as an array, everything else as it is.

    Raises GridError for a tensor that holds no pixels, because only a model knows what its numbers mean.
    """
    if not isinstance(picture, Tensor):
        return picture
    if picture.dtype != torch.uint8 or not _is_plain(picture):
        raise GridError(
            "A tensor of the type {kind} is no picture; wanted pixels from 0 to 255 as "
            "torch.uint8, a path or a picture. What vit.preprocess returns needs no preparation.",
            kind=_kind(picture),
        )
    pixels: Source = _pixels(picture).numpy()
    return pixels


def _is_plain(picture: Tensor) -> bool:
    """Return whether a tensor has numbers in a box of one shape."""
    return picture.layout == torch.strided and picture.device.type != "meta" and not picture.is_nested


def _kind(picture: Tensor) -> str:
    nested = "nested, " if picture.is_nested else ""
    return (
        str(picture.dtype) if _is_plain(picture) else f"{picture.dtype}, {nested}{picture.layout}, on {picture.device}"
    )


def _pixels(picture: Tensor) -> Tensor:
    """Return pixels (channel, height, width) as (height, width, channel)."""
    if picture.ndim != 3 or picture.shape[0] not in (1, 3, 4):
        raise GridError(
            "A tensor of pixels (uint8) has shape {shape}; wanted (channel, height, width) with 1, "
            "3 or 4 channels. {hint}",
            shape=tuple(picture.shape),
            hint=_advice(picture),
        )
    return picture.detach().cpu().permute(1, 2, 0)


def _check_numbers(model: TakesPictures, picture: Tensor) -> None:
    if not _is_plain(picture) or not picture.dtype.is_floating_point or picture.dtype.itemsize < 2:
        raise GridError(
            "An input tensor of {name} has the type {kind}; wanted floats, normalised, or pixels "
            "from 0 to 255 as torch.uint8. Convert pixels with .to(torch.uint8); an input is what "
            "vit.preprocess returns.",
            name=model.name,
            kind=_kind(picture),
        )


def _check_finite(model: TakesPictures, picture: Tensor) -> None:
    if not bool(torch.isfinite(picture).all()):
        wrong = int((~torch.isfinite(picture)).sum())
        raise GridError(
            "An input tensor of {name} holds {wrong:,} values that are NaN or infinite, of "
            "{count:,}; wanted finite numbers. Check how it was made.",
            name=model.name,
            wrong=wrong,
            count=picture.numel(),
        )


def _wanted(model: TakesPictures) -> str:
    height, width = model.image_size
    return f"({'channel' if model.channels is None else model.channels}, {height}, {width})"


def _advice(picture: Tensor) -> str:
    if picture.ndim == 4:
        return "It is a batch: pass one picture of it, such as batch[0]."
    if picture.ndim == 3 and picture.shape[-1] in (1, 3, 4) and picture.shape[0] not in (1, 3, 4):
        return "Its channels come last: tensor.permute(2, 0, 1) puts them first."
    return "Pass a path or a picture to have it prepared, or use vit.preprocess."
