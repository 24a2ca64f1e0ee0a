"""Pictures of any size as inputs of one size, with a word on what was done to them."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from vitviz.images import open_image
from vitviz.models.inputs import Pictures, TakesPictures, input_of, listed

__all__ = ["Pictures", "TakesPictures", "prepare"]


def prepare(model: TakesPictures, images: Pictures) -> tuple[list[Tensor], tuple[str, ...]]:
    """Return the inputs (channel, height, width) of one or many pictures, and notes on what was done to them.

    Raises what ``input_of`` raises, and ImageError for no picture at all.
    """
    opened = [image if isinstance(image, Tensor) else open_image(image) for image in listed(images)]
    sizes = {image.size for image in opened if isinstance(image, Image.Image)}
    height, width = model.image_size
    notes: tuple[str, ...] = ()
    if len(sizes) > 1:
        notes = (
            f"{len(opened)} pictures of {len(sizes)} different sizes were all resized to {height} × {width} pixels",
        )
    return [input_of(model, image) for image in opened], notes
