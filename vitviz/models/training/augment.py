"""Random views of a small photo, drawn so that blurred, crisp, small and large pictures all occur.

Tiny-ImageNet's photos have 64x64 pixels. A classifier that only ever sees them enlarged with one filter learns that
filter's blur; so the filter, extra blur, sharpening, crop, colour and size all vary.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR)
BLUR_PROBABILITY = 0.12
SHARPEN_PROBABILITY = 0.25
GREY_PROBABILITY = 0.03


def random_view(
    pixels: NDArray[np.uint8], size: int, generator: np.random.Generator, *, smallest_area: float = 0.35
) -> NDArray[np.uint8]:
    """Return one random (size, size, 3) view of an image (row, column, 3).

    ``smallest_area`` is the least part of the image's area that the crop keeps, in (0, 1].
    """
    coloured = jitter_colour(pixels, generator)
    box = random_crop(pixels.shape[0], pixels.shape[1], generator, smallest_area=smallest_area)
    chosen = FILTERS[generator.integers(len(FILTERS))]
    view = Image.fromarray(coloured).resize((size, size), chosen, box=box)
    view = _change_sharpness(view, size / pixels.shape[0], generator)
    array = np.asarray(view)
    return array[:, ::-1] if generator.random() < 0.5 else array


def random_crop(
    rows: int, columns: int, generator: np.random.Generator, *, smallest_area: float
) -> tuple[float, float, float, float]:
    """Return a random box (left, upper, right, lower) in pixels, of aspect ratio 3/4 to 4/3."""
    area = generator.uniform(smallest_area, 1.0) * rows * columns
    ratio = math.exp(generator.uniform(math.log(3 / 4), math.log(4 / 3)))
    width = min(columns, math.sqrt(area * ratio))
    height = min(rows, math.sqrt(area / ratio))
    left = generator.uniform(0, columns - width)
    upper = generator.uniform(0, rows - height)
    return left, upper, left + width, upper + height


def jitter_colour(pixels: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return the image with brightness, contrast and saturation each scaled by 0.7 to 1.3, rarely grey."""
    brightness, contrast, saturation = generator.uniform(0.7, 1.3, size=3)
    if generator.random() < GREY_PROBABILITY:
        saturation = 0.0
    values = pixels.astype(np.float32) * np.float32(brightness)
    grey = values @ np.array([0.299, 0.587, 0.114], dtype=np.float32)  # (row, column)
    values = grey[..., None] + np.float32(saturation) * (values - grey[..., None])
    values = grey.mean() + np.float32(contrast) * (values - grey.mean())
    jittered: NDArray[np.uint8] = np.clip(values, 0, 255).astype(np.uint8)
    return jittered


def _change_sharpness(view: Image.Image, scale: float, generator: np.random.Generator) -> Image.Image:
    """Blur or sharpen rarely; ``scale`` is how many pixels a source pixel has become."""
    draw = generator.random()
    if draw < BLUR_PROBABILITY:
        return view.filter(ImageFilter.GaussianBlur(float(generator.uniform(0.2, 0.8)) * scale))
    if draw < BLUR_PROBABILITY + SHARPEN_PROBABILITY:
        radius = float(generator.uniform(0.5, 1.5)) * max(1.0, scale)
        return view.filter(ImageFilter.UnsharpMask(radius, int(generator.integers(50, 200)), 0))
    return view
