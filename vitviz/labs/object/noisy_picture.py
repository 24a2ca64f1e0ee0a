"""One noisy picture with one object in it, and what a patch embedding that averages makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.errors import GridError, OptionError
from vitviz.labs.object.detector import CORNER, INSIDE, Detector, check_size
from vitviz.record import Result

IMAGE_SIZE = 256
"""Side of the picture in pixels; 4, 8, 16, 32, 64 and 128 divide it."""

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NoisyPicture(Result):
    """A picture, its patch means and what is detected. The ground has brightness 0."""

    detector: Detector
    """Patch size, brightness, noise, threshold and alignment."""
    size: int
    """Side of the object in pixels."""
    box: tuple[float, float, float, float]
    """(left, top, right, bottom) of the object in pixels; right and bottom are exclusive."""
    pixels: Values
    """(height, width) the noisy picture."""
    means: Values
    """(rows, columns) the mean of each patch in standard deviations of its noise, σ / p."""
    coverage: Values
    """(rows, columns) share of each patch that the object covers, in [0, 1]."""
    pool: float
    """The mean of all patches that the object touches, in standard deviations of its own noise."""

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(rows, columns) whether a patch exceeds the threshold."""
        mask: NDArray[np.bool_] = self.means > self.detector.threshold
        return mask

    @property
    def touched(self) -> NDArray[np.bool_]:
        """(rows, columns) whether the object covers some of a patch."""
        mask: NDArray[np.bool_] = self.coverage > 0
        return mask

    @property
    def hits(self) -> int:
        """Number of patches that the object touches and that exceed the threshold."""
        return int((self.detected & self.touched).sum())

    @property
    def false_alarms(self) -> int:
        """Number of patches without object that exceed the threshold."""
        return int((self.detected & ~self.touched).sum())


def whole_patches(side: int, patch_size: int) -> int:
    """Return the longest part of a side that whole patches fill, in pixels: what a ViT's convolution covers.

    Raises GridError where not even one patch fits.
    """
    if not 1 <= patch_size <= side:
        raise GridError(
            f"A patch of {patch_size} pixels does not fit into a picture of {side} pixels; wanted 1 to {side}. "
            "Choose a smaller patch."
        )
    return side // patch_size * patch_size


@checked
def run(detector: Detector, size: int, *, image_size: int = IMAGE_SIZE, seed: int = 0) -> NoisyPicture:
    """Return a square noisy picture with an object near its middle, placed as ``detector.alignment`` says.

    Raises GridError where the patches do not cover the picture exactly, OptionError for an object that does not fit.
    """
    patch = detector.patch_size
    covered = whole_patches(image_size, patch)
    if covered != image_size:
        near = ", ".join(str(divisor) for divisor in _divisors(image_size, patch))
        raise GridError(
            f"Patches of {patch} pixels do not cover a picture of {image_size} pixels: {image_size - covered} pixels "
            f"are left over. Cut the picture to {covered} pixels, or choose a patch of {near} pixels."
        )
    check_size(size)
    across = _start(size, image_size, patch, centred=detector.alignment != INSIDE)
    down = _start(size, image_size, patch, centred=detector.alignment == CORNER)
    rows, columns = (line_coverage(start, start + size, image_size) for start in (down, across))
    painted = np.outer(rows, columns)  # (height, width) share of each pixel under the object
    noise = np.random.default_rng(seed).standard_normal(painted.shape)
    pixels = detector.brightness * painted + detector.noise * noise
    coverage = _patch_means(painted, patch)
    means, touched = _patch_means(pixels, patch), coverage > 0
    unit = detector.noise / patch
    pool = float(means[touched].mean()) / (unit / math.sqrt(touched.sum()))
    box = (across, down, across + size, down + size)
    return NoisyPicture(detector, size, box, pixels, means / unit, coverage, pool)


def _start(size: int, image_size: int, patch: int, *, centred: bool) -> float:
    """Return where the object begins on one axis, near the middle of the picture.

    Inside: in the middle of a patch, or at a border where it is larger than a patch. Centred: about a border.
    """
    patches = image_size // patch
    if centred:
        start = patches // 2 * patch - size / 2
        room = 2 * min(patches // 2, patches - patches // 2) * patch
    else:
        needed = math.ceil(size / patch)
        free = (patch - size) // 2 if size <= patch else 0
        start, room = float((patches - needed) // 2 * patch + free), image_size
    if size > room:
        raise OptionError(
            f"An object of {size} pixels does not fit there: wanted at most {room} in a picture of {image_size} pixels "
            f"with patches of {patch}. Choose a smaller object, or place it inside a patch."
        )
    return start


def line_coverage(start: float, end: float, count: int) -> Values:
    """Return the share of each of ``count`` pixels between start and end."""
    pixels = np.arange(count)
    covered: Values = np.clip(end - pixels, 0, 1) - np.clip(start - pixels, 0, 1)
    return covered


def _patch_means(pixels: Values, patch: int) -> Values:
    rows, columns = (side // patch for side in pixels.shape)
    means: Values = pixels.reshape(rows, patch, columns, patch).mean((1, 3))
    return means


def _divisors(side: int, near: int) -> list[int]:
    """Return the patch sizes below and above one that divide a side."""
    every = [size for size in range(1, side + 1) if side % size == 0]
    return [max(size for size in every if size < near), min(size for size in every if size > near)]
