"""A detector: a token that is the mean of its patch, what it looks for, and how sure it wants to be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError, check_choice, check_number, check_whole
from vitviz.record import Record

INSIDE, EDGE, CORNER = "inside", "edge", "corner"
ALIGNMENTS = (INSIDE, EDGE, CORNER)
"""Where the object lies: inside a patch (a larger one begins at its border), or centred on the border of two patches,
or on the corner of four."""

Line = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Detector(Record):
    """A patch that averages, what it looks for, and how sure it wants to be."""

    patch_size: int = 16
    """p, in pixels."""
    brightness: float = 1.0
    """Δ: how much brighter the object is than its ground."""
    noise: float = 1.0
    """σ: standard deviation of the noise of a pixel, in the unit of the brightness."""
    threshold: float = 3.0
    """k: the standard deviations of a token's mean that count as seen."""
    alignment: str = INSIDE
    """One of ALIGNMENTS."""

    def __post_init__(self) -> None:
        check_choice("Alignment", self.alignment, ALIGNMENTS)
        check_whole("patch_size", self.patch_size)
        if self.patch_size < 1:
            raise OptionError(
                "A patch of {patch_size} pixels does not exist; wanted at least 1. ViTs have 14, 16 or 32.",
                patch_size=self.patch_size,
            )
        for name in ("brightness", "noise", "threshold"):
            value = check_number(name, getattr(self, name))
            if not (math.isfinite(value) and value > 0):
                raise OptionError(
                    "The {name} is {value}; wanted a positive, finite number. 1, 1 and 3 are a good start.",
                    name=name,
                    value=value,
                )

    @property
    def limit(self) -> float:
        """kσ / Δ in pixels: the smallest patch that can see anything, and the smallest object that a pool can see."""
        return self.threshold * self.noise / self.brightness

    @property
    def blind(self) -> bool:
        """Whether a token that the object fills is still below the threshold."""
        return self.patch_size < self.limit

    @property
    def cap(self) -> float:
        """Δp / σ: the signal-to-noise ratio of a token that the object fills; no object gives more."""
        return self.brightness * self.patch_size / self.noise

    def coverage(self, size: float) -> NDArray[np.float64]:
        """Return the share of each token that an object of a size covers: (rows, columns) of the tokens it touches."""
        check_size(size)
        whole = _covered(size, self.patch_size)
        half = _covered(size / 2, self.patch_size)
        centred = np.concatenate([half[::-1], half])
        down = centred if self.alignment == CORNER else whole
        across = whole if self.alignment == INSIDE else centred
        return np.outer(down, across)

    def signal_to_noise(self, size: float) -> float:
        """Return the mean of the token that sees most of an object, in standard deviations of its noise."""
        return self.cap * float(self.coverage(size).max())

    def pooled_signal_to_noise(self, size: float) -> float:
        """Return the same for the mean of all tokens that the object touches."""
        covered = self.coverage(size)
        return self.cap * float(covered.mean()) * math.sqrt(covered.size)

    def chance(self, size: float, *, pooled: bool = False) -> float:
        """Return the probability that an object is seen: Φ(signal-to-noise ratio − k)."""
        ratio = self.pooled_signal_to_noise(size) if pooled else self.signal_to_noise(size)
        return normal_share(ratio - self.threshold)

    @property
    def false_alarm(self) -> float:
        """The probability that a token without any object exceeds the threshold: Φ(−k)."""
        return normal_share(-self.threshold)

    @property
    def smallest(self) -> float | None:
        """The size of the object that one token sees in half of all pictures, in pixels; None if there is none."""
        return closed_form(self.limit, self.patch_size, self.alignment)

    @property
    def pooled_smallest(self) -> float:
        """The size that the mean of all touched tokens sees in half of all pictures, in pixels.

        kσ / Δ where the tokens tile the object exactly, whatever their size; with N tokens, of which some are covered
        in part, it is √(kσp√N / Δ).
        """
        return next(size for size in self._pooled_sizes() if size is not None)

    def _pooled_sizes(self) -> Iterator[float | None]:
        """Yield, for objects of up to 1, 2, 3 … patches, the smallest that the pool sees, or None."""
        for patches in range(1, math.ceil(2 * self.limit / self.patch_size) + 3):
            largest = float(patches * self.patch_size)
            tokens = self.coverage(largest).size
            size = math.sqrt(self.limit * self.patch_size * math.sqrt(tokens))
            yield size if size <= largest else None


def closed_form(limit: float, patch_size: float, alignment: str = INSIDE) -> float | None:
    """Return the size that one token sees in half of all pictures, for a patch of any length; None if there is none.

    ``limit`` is kσ / Δ. The size is √(kσp / Δ) inside a patch and twice that on a corner. On the border of two patches
    it is √2 times that while the object is no larger than a patch, and 2kσ / Δ beyond, where only one of its sides
    still counts.
    """
    if patch_size < limit:
        return None
    inside = math.sqrt(limit * patch_size)
    if alignment == EDGE:
        return math.sqrt(2) * inside if patch_size >= 2 * limit else 2 * limit
    return 2 * inside if alignment == CORNER else inside


def check_size(size: float) -> None:
    """Raise OptionError unless a size of an object is a positive, finite number of pixels."""
    if not (math.isfinite(size) and size > 0):
        raise OptionError(
            "An object of {size} pixels cannot be seen; wanted a positive, finite size. 8 is a good start.",
            size=size,
        )


def normal_share(value: float) -> float:
    """Return Φ, the share of a standard normal distribution below a value."""
    return 0.5 * math.erfc(-value / math.sqrt(2))


def _covered(length: float, patch_size: int) -> Line:
    """Return the share of each patch of a line that a segment covers, which begins at a border: (patch,)."""
    patches = max(1, math.ceil(length / patch_size))
    return np.clip(length / patch_size - np.arange(patches), 0.0, 1.0)
