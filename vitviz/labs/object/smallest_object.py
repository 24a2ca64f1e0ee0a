"""The smallest object that a token can see, where a token is the mean of its patch.

A patch has p × p pixels. An object of s × s pixels is brighter than its ground by Δ, every pixel has noise
N(0, σ²), and a token sees the object where its mean exceeds k of its own standard deviations, σ / p each. So the
signal-to-noise ratio of a token that holds the whole object is Δs² / (σp), and the object is seen in half of all
pictures where that equals k: **s = √(kσp / Δ)**. It cannot exceed Δp / σ, the ratio of a token that the object fills;
where that is below k, for p < kσ / Δ, no object is large enough for one token.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from vitviz.argument import checked
from vitviz.errors import OptionError
from vitviz.labs.object.detector import CORNER, INSIDE, Detector, Line, check_size
from vitviz.record import Result

PATCH_SIZES = (4, 8, 16, 32, 64)


@checked
def run(
    *, patch_sizes: Sequence[int] = PATCH_SIZES, detector: Detector | None = None, trials: int = 2000, seed: int = 0
) -> SmallestObject:
    """Return the smallest visible object for each patch size, by the formula and by counting in noisy pictures.

    The patch size of ``detector`` is replaced by each of ``patch_sizes``. Raises OptionError for no patch size or fewer
    than ten trials.
    """
    base = detector or Detector()
    if not len(patch_sizes):
        raise OptionError("There are no patch sizes; wanted at least one. Leave them out for 4 to 64.")
    detectors = [replace(base, patch_size=size) for size in patch_sizes]
    measured = [measured_smallest(variant, trials=trials, seed=seed) for variant in detectors]
    return SmallestObject(
        base,
        tuple(patch_sizes),
        tuple(variant.smallest for variant in detectors),
        tuple(measured),
        tuple(variant.pooled_smallest for variant in detectors),
        trials,
    )


@dataclass(frozen=True)
class SmallestObject(Result):
    """The smallest object that is seen in half of all pictures, by the size of the patch."""

    detector: Detector
    """All but the patch size."""
    patch_sizes: tuple[int, ...]
    """In pixels."""
    formula: tuple[float | None, ...]
    """A size in pixels for each patch size, by the closed form; None where no object is seen."""
    measured: tuple[float | None, ...]
    """The same, counted in simulated pictures."""
    pooled: tuple[float, ...]
    """The same for the mean of all tokens that the object touches, by the closed form."""
    trials: int
    """Number of simulated pictures for each patch size."""

    @property
    def slope(self) -> float | None:
        """The exponent of p in the measured sizes, by least squares of the logarithms.

        None with fewer than two patch sizes that see anything.
        """
        return self._exponent(self.measured)

    @property
    def formula_slope(self) -> float | None:
        """The same for the closed form: ½, but for objects on a border of two patches less than twice kσ / Δ wide."""
        return self._exponent(self.formula)

    def _exponent(self, sizes: Sequence[float | None]) -> float | None:
        pairs = [
            (patch, size)
            for patch, size, seen in zip(self.patch_sizes, sizes, self.measured, strict=True)
            if size is not None and seen is not None
        ]
        if len({patch for patch, _ in pairs}) < 2:
            return None
        x, y = np.log(np.array(pairs)).T
        return float(np.polyfit(x, y, 1)[0])

    @property
    def largest_difference(self) -> float | None:
        """The largest difference of measured and formula, as a share of the formula; None if nothing is seen."""
        gaps = [
            abs(counted / wanted - 1)
            for wanted, counted in zip(self.formula, self.measured, strict=True)
            if wanted is not None and counted is not None
        ]
        return max(gaps, default=None)


@checked
def measured_smallest(detector: Detector, *, trials: int = 2000, seed: int = 0) -> float | None:
    """Return the size at which half of the simulated patches exceed the threshold; None if no object is enough.

    Noise is drawn for each pixel of ``trials`` patches and averaged; the object is painted pixel by pixel, in grey
    where it covers a pixel in part. All sizes are tried on the same noise, so the answer rises with the size and a
    bisection finds it. Raises OptionError for fewer than ten trials.
    """
    means = _noise_means(detector, 1, trials, seed)  # (trial,)
    wanted = detector.threshold * detector.noise / detector.patch_size
    side, share = detector.patch_size, 1 if detector.alignment == INSIDE else 2

    def seen(size: float) -> bool:
        return float((means + _painted_mean(detector, size) > wanted).mean()) >= 0.5

    low, high = 0.0, float(share * side)  # at most the whole patch is covered
    if not seen(high):
        return None
    for _step in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


@checked
def detection_rate(
    detector: Detector, size: float, *, pooled: bool = False, trials: int = 2000, seed: int = 0
) -> float:
    """Return the share of simulated pictures in which an object is seen, by one token or by the pool.

    The closed form is ``Detector.chance``.
    """
    check_size(size)
    covered = detector.coverage(size)
    tokens = covered.size if pooled else 1
    means = _noise_means(detector, tokens, trials, seed)
    signal = detector.brightness * float(covered.mean())
    if not pooled:
        signal = _painted_mean(detector, size)
    wanted = detector.threshold * detector.noise / (detector.patch_size * math.sqrt(tokens))
    return float((means + signal > wanted).mean())


def _painted_mean(detector: Detector, size: float) -> float:
    """Return the mean of the pixels of the object in the token that sees most of it."""
    pixels = np.arange(detector.patch_size)
    whole, half = np.clip(size - pixels, 0, 1), np.clip(size / 2 - pixels, 0, 1)  # (pixel,)
    down = half if detector.alignment == CORNER else whole
    across = whole if detector.alignment == INSIDE else half
    return detector.brightness * float(np.outer(down, across).mean())


def _noise_means(detector: Detector, tokens: int, trials: int, seed: int) -> Line:
    """Return the mean noise of all pixels of some tokens, once a trial: (trial,)."""
    if trials < 10:
        raise OptionError(f"{trials} trials say little; wanted at least 10. 2,000 are a good start.")
    return detector.noise * _unit_means(tokens * detector.patch_size**2, trials, seed)


@lru_cache(maxsize=64)  # the same noise serves every brightness, threshold and size
def _unit_means(pixels: int, trials: int, seed: int) -> Line:
    """Return the mean of ``pixels`` standard normal numbers, once a trial: (trial,), read-only."""
    generator = np.random.default_rng(seed)
    step = max(1, 2_000_000 // pixels)  # trials at a time: 8 MB of noise
    parts = [
        generator.standard_normal((min(step, trials - start), pixels), dtype=np.float32).mean(1)
        for start in range(0, trials, step)
    ]
    means = np.concatenate(parts).astype(np.float64)
    means.flags.writeable = False
    return means
