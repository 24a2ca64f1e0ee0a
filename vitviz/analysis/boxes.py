"""Boxes round objects: from pixels of a photo to pixels of the model's input, whatever the transform does."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from vitviz.analysis.faithfulness_checks import Box
from vitviz.errors import OptionError
from vitviz.models.vit import ViT


def box_in_input(vit: ViT, size: tuple[int, int], box: Box) -> Box:
    """Return where a box of a photo lies in the model's input, (left, top, right, bottom) in its pixels.

    ``size`` is (width, height) of the photo; right and bottom are exclusive on both sides. The box is painted white on
    black and sent through the model's own transform, so that any resizing and cropping is followed; a pixel belongs to
    it if half of it does. What the patches do not cover is cut off.

    Raises OptionError for a box that is empty or outside the photo, and for one of which the model sees nothing.
    """
    left, top, right, bottom = box
    width, height = size
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise OptionError(
            "The box {box} is empty or reaches outside the photo of {width} × {height} pixels; wanted "
            "0 ≤ left < right ≤ {width} and 0 ≤ top < bottom ≤ {height}. Count pixels in the photo "
            "itself.",
            box=tuple(box),
            width=width,
            height=height,
        )
    drawing = Image.new("RGB", size)
    ImageDraw.Draw(drawing).rectangle((left, top, right - 1, bottom - 1), (255, 255, 255))
    covered = vit.grid.image_size
    seen = vit.picture(vit.preprocess(drawing))[: covered[0], : covered[1], 0] >= 128
    down, across = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    if not len(down):
        raise OptionError(
            "The model sees nothing of the box {box}: its transform cuts it off, or it is smaller than "
            "a pixel. Draw a larger one, or nearer to the middle.",
            box=tuple(box),
        )
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1
