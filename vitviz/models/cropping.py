"""Cropping: a model that brings pictures to the shape of its input in a chosen way; and which part of them it sees.

What is seen is measured: coordinates, painted as colours, are sent through the model's own preparation. So it is true
of timm's transforms, of Hugging Face's processors and of functions of one's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vitviz.grid import PatchGrid
from vitviz.images.crop import TRAINED, Crop, Shape, check_crop, shaped
from vitviz.images.seen_part import SeenPart
from vitviz.models.preparation import Grey
from vitviz.record import Record

Transform = Callable[[Image.Image], Tensor]
_PROBE = 1024
"""Longest side in pixels of what is sent through to measure."""
_RESIDUAL = 0.02
"""Largest distance from a straight line, as a share of the picture, of coordinates that came through."""


@dataclass(frozen=True)
class Cropped(Record):
    """A model's own transform, of pictures that are brought to the shape of its input first."""

    transform: Transform
    crop: Crop
    shape: Shape

    def __call__(self, picture: Image.Image) -> Tensor:
        """Return the (channel, height, width) input of a picture."""
        return self.transform(shaped(picture, self.crop, self.shape))


def crop_of(transform: Transform) -> Crop:
    """Return how a transform brings pictures to the shape of its input."""
    return transform.crop if isinstance(transform, Cropped) else TRAINED


def own_transform(transform: Transform) -> Transform:
    """Return the transform as the model was trained, without a chosen crop."""
    return transform.transform if isinstance(transform, Cropped) else transform


def cropper(
    transform: Transform, crop: Crop, *, size: tuple[int, int], mean: tuple[float, ...]
) -> Callable[[Transform], Transform]:
    """Return a function that gives transforms like ``transform`` a crop; ``size`` is height and width of the input.

    Raises OptionError for a crop that cannot be used.
    """
    crop = check_crop(crop)
    if crop == TRAINED:
        return own_transform
    height, width = size
    seen = seen_part(own_transform(transform), (width, height))
    red, green, blue = (round(255 * value) for value in mean) if len(mean) == 3 and max(mean) <= 1 else (128,) * 3
    shape = Shape(height, width, (0.0, 0.0, 1.0, 1.0) if seen is None else seen.box, (red, green, blue))
    return lambda given: Cropped(own_transform(given), crop, shape)


def _in_colour(transform: Transform) -> Transform:
    """Return a transform whose places are the same and come through as three channels."""
    own = own_transform(transform)
    if not isinstance(own, Grey):
        return transform
    return replace(transform, transform=own.transform) if isinstance(transform, Cropped) else own.transform


def seen_part(transform: Transform, picture_size: tuple[int, int]) -> SeenPart | None:
    """Return which part of a picture of a width and height a transform shows.

    None where that cannot be known: where places do not come through along straight lines, or not as three channels.
    """
    transform = _in_colour(transform)
    scale = min(1.0, _PROBE / max(picture_size))
    ramp = transform(Image.fromarray(_ramp(*(max(1, round(scale * side)) for side in picture_size))))
    if ramp.ndim != 3 or len(ramp) != 3:
        return None
    rows, columns = ramp.shape[1:]
    places = _as_shares(own_transform(transform), ramp, (columns, rows))
    if places is None:
        return None
    across, down, photo = places
    horizontal, vertical = _ends(across, photo > 0.98, 0), _ends(down, photo > 0.98, 1)
    if horizontal is None or vertical is None:
        return None
    (left, right), (first, last), wide = horizontal
    (top, bottom), (highest, lowest), high = vertical
    across_scale, down_scale = columns / wide / picture_size[0], rows / high / picture_size[1]
    seen, inside = (left, top, right, bottom), (first, highest, last, lowest)
    return SeenPart(seen, inside, across_scale / down_scale, max(across_scale, down_scale))


def _ramp(width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture whose red says how far to the right a place is, its green how far down; its blue is full."""
    across, down = (255 * (np.arange(side) + 0.5) / side for side in (width, height))
    planes = np.broadcast_arrays(across[None, :], down[:, None], np.float64(255))
    return np.stack(planes, 2).round().astype(np.uint8)


def _as_shares(transform: Transform, values: Tensor, size: tuple[int, int]) -> NDArray[np.float32] | None:
    """Return what came through as shares of full colour, whatever the normalisation; None for no such thing."""
    low, high = (
        transform(Image.new("RGB", size, colour)).flatten(1).float().median(1).values[:, None, None]
        for colour in ((0, 0, 0), (255, 255, 255))
    )
    if bool(((high - low).abs() < 1e-6).any()):
        return None
    shares: NDArray[np.float32] = ((values.float() - low) / (high - low)).detach().cpu().numpy()
    return shares


def _ends(places: NDArray[np.float32], photo: NDArray[np.bool_], axis: int) -> _Ends | None:
    """Return where a line through the places begins and ends along one side, or None if it is no rising line.

    That is (first and last place of the picture, first and last place in the input, places along the whole input).
    """
    counts = photo.sum(axis)
    used = np.flatnonzero(counts)
    if len(used) < 2:
        return None
    used = used[1:-1] if len(used) > 4 else used  # where a bar begins, colours mix
    means = (places * photo).sum(axis)[used] / counts[used]
    slope, start = np.polyfit((used + 0.5) / len(counts), means, 1)
    if slope <= 0 or np.abs(slope * (used + 0.5) / len(counts) + start - means).max() > _RESIDUAL:
        return None
    seen = _within(start), _within(start + slope)
    return seen, (_within(-start / slope), _within((1 - start) / slope)), float(slope)


_Ends = tuple[tuple[float, float], tuple[float, float], float]


def _within(share: float) -> float:
    """Return a share from 0 to 1; what is measured is as good as a thousandth."""
    share = float(np.clip(share, 0, 1))
    return float(round(share)) if abs(share - round(share)) < 0.001 else share


def fitting_size(grid: PatchGrid, picture_size: tuple[int, int]) -> tuple[int, int]:
    """Return height and width in pixels of the largest grid of a picture's shape with no more patches than ``grid``."""
    height, width = grid.patch_size
    ratio = picture_size[0] / width / (picture_size[1] / height)  # of columns to rows
    longer = max(ratio, 1 / ratio)
    short = max(side for side in range(1, grid.patches + 1) if side == 1 or side * round(side * longer) <= grid.patches)
    long = min(round(short * longer), grid.patches)
    rows, columns = (short, long) if ratio >= 1 else (long, short)
    return rows * height, columns * width
