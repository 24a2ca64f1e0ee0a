"""Pictures of any size as inputs of one size, with a word on what was done to them."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Protocol

from PIL import Image
from torch import Tensor

from vitviz.errors import GridError, ImageError
from vitviz.images import open_image

Picture = Image.Image | str | PathLike[str] | Tensor
Pictures = Picture | Iterable[Picture]


class TakesPictures(Protocol):
    """A model that says how large its input is and prepares a picture for it."""

    @property
    def name(self) -> str:
        """Its name, for messages."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of its input in pixels."""

    def preprocess(self, image: Image.Image) -> Tensor:
        """Return its input for a picture."""


def prepare(model: TakesPictures, images: Pictures) -> tuple[list[Tensor], tuple[str, ...]]:
    """Return the inputs (channel, height, width) of one or many pictures, and notes on what was done to them.

    Raises ImageError for no picture at all, GridError for an input tensor of another size.
    """
    given = _listed(images)
    if not given:
        raise ImageError("There is no picture; wanted at least one. Pass a path, a picture, a tensor or a list.")
    opened = [each if isinstance(each, Tensor | Image.Image) else open_image(Path(each)) for each in given]
    sizes = {each.size for each in opened if isinstance(each, Image.Image)}
    height, width = model.image_size
    notes: tuple[str, ...] = ()
    if len(sizes) > 1:
        notes = (
            f"{len(opened)} pictures of {len(sizes)} different sizes were all resized to {height} × {width} pixels",
        )
    return [_input(model, each) for each in opened], notes


def _listed(images: Pictures) -> list[Picture]:
    if isinstance(images, Tensor):
        return list(images) if images.ndim == 4 else [images]
    if isinstance(images, Image.Image | str | PathLike):
        return [images]
    return list(images)


def _input(model: TakesPictures, picture: Tensor | Image.Image) -> Tensor:
    if isinstance(picture, Image.Image):
        return model.preprocess(picture)
    if picture.ndim != 3 or tuple(picture.shape[1:]) != model.image_size:
        raise GridError(
            f"An input tensor of {model.name} has shape {tuple(picture.shape)}; wanted (channel, "
            f"{model.image_size[0]}, {model.image_size[1]}), normalised. Pass a path or a picture to have it prepared."
        )
    return picture.detach()
