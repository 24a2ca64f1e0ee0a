"""Faithfulness: does the answer change as a map says it should, and more than by a random map?

Every curve is over patches: a map over pixels is summed inside each patch first. "Most" and "least" relevant are by
signed value, so that evidence against the target comes last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.removal import Order, Removal
from vitviz.argument import checked
from vitviz.argument_kinds import are_numbers
from vitviz.errors import GridError, OptionError, shown
from vitviz.grid import PatchGrid
from vitviz.models.inputs import Picture
from vitviz.models.vit import ViT
from vitviz.progress import Progress
from vitviz.record import Record, Result
from vitviz.trace.run import trace
from vitviz.trace.target import Target

Curve = NDArray[np.float64]
NORMAL_95 = 1.96
"""Standard deviations to either side that hold 95% of a normal distribution."""


class Map(Protocol):
    """What is tested: a map and what it explains, such as an Attribution."""

    @property
    def values(self) -> NDArray[Any]:
        """(rows, columns) over the patches, or (height, width) over the pixels."""
        ...

    @property
    def target(self) -> Target:
        """What was explained."""
        ...


@dataclass(frozen=True, eq=False)
class RandomBand(Record):
    """The same curve for maps of random numbers: what any map has to beat."""

    mean: Curve
    """(step,)"""
    low: Curve
    """(step,) 95% of random maps lie above it and below ``high``: mean − 1.96 standard deviations."""
    high: Curve
    """(step,)"""
    area: float
    """Mean area under the curves."""
    area_low: float
    """Of the 95% interval of the areas of random maps."""
    area_high: float
    """Of the 95% interval of the areas of random maps."""
    maps: int
    """Number of random maps."""

    @property
    def area_interval(self) -> tuple[float, float]:
        """The 95% interval of the areas of random maps."""
        return self.area_low, self.area_high


@dataclass(frozen=True, eq=False)
class FaithfulnessCurve(Result):
    """The score as patches go or come in the order of a map."""

    name: str
    """"deletion" or "insertion"; "positive" or "negative" for the perturbation test."""
    fractions: Curve
    """(step,) share of the patches that are gone (deletion and the perturbations) or there (insertion)."""
    values: Curve
    """(step,) the probability of a class, or the score of any other target."""
    correct: Curve | None
    """(step,) 1 where the class is still the top answer; None for other targets."""
    area: float
    """Area under ``values`` by the trapezoidal rule, divided by the width of ``fractions``."""
    random: RandomBand | None
    """The curves of random maps; None if none were asked for."""


@dataclass(frozen=True, eq=False)
class Faithfulness(Result):
    """Two curves of one map.

    >>> small = vitviz.load_vit("default", image_size=28)  # 2 × 2 patches
    >>> why = vitviz.attribute("rollout", small, "photo.jpg")
    >>> tested = vitviz.deletion_insertion(small, "photo.jpg", why, steps=2, random_maps=2)
    >>> tested.first.name, tested.second.name
    ('deletion', 'insertion')
    """

    first: FaithfulnessCurve
    """Deletion, or positive perturbation: a steep fall, hence a small area, is good."""
    second: FaithfulnessCurve
    """Insertion, or negative perturbation: a large area is good."""
    replacement: str
    """What took the place of a patch."""
    target: Target
    """What was explained."""


@checked
def deletion_insertion(
    vit: ViT,
    image: Picture,
    attribution: Map,
    *,
    steps: int = 16,
    replacement: str = "blur",
    random_maps: int = 8,
    seed: int = 0,
    batch_size: int = 16,
    progress: Progress | None = None,
) -> Faithfulness:
    """Return the deletion and the insertion curve of a map, with those of random maps.

    Petsiuk et al. 2018, section 4.2, by patches: the most relevant ones go first, or come first. ``steps`` is the
    number of equal parts of [0, 1]. With ``replacement`` "removed" one patch always stays, for a picture of no patches
    has no answer; its true share is in ``fractions``.

    Raises GridError for a map of another shape, OptionError for options outside their range, and StoppedError if
    ``progress`` returns False.

    >>> map = vitviz.attribute("rollout", vit, "photo.jpg")
    >>> vitviz.deletion_insertion(vit, "photo.jpg", map, steps=2, random_maps=2).second.name
    'insertion'
    """
    if not 1 <= steps <= 10_000:
        raise OptionError(
            "steps is {steps}; wanted 1 to 10,000. 16 is the default.",
            steps=steps,
        )
    shares = np.linspace(0, 1, steps + 1)
    test = _Test(vit, image, attribution, replacement, seed, shares)
    names = ("deletion", "insertion")
    deletion, insertion = test.curves(names, random_maps, batch_size, progress)
    return Faithfulness(deletion, insertion, replacement, attribution.target)


@checked
def perturbation_test(
    vit: ViT,
    image: Picture,
    attribution: Map,
    *,
    replacement: str = "black",
    random_maps: int = 8,
    seed: int = 0,
    batch_size: int = 16,
    progress: Progress | None = None,
) -> Faithfulness:
    """Return the positive and the negative perturbation curve of a map: 0, 10, … 90% of the patches gone.

    Chefer, Gur & Wolf 2021, section 4: positive takes the most relevant away first, so a small area is good; negative
    the least relevant, so a large area is good. Over many pictures, the mean of ``correct`` is their accuracy curve.
    The published protocol ranks pixels of an enlarged map; here whole patches go, as the map has them.

    Raises what ``deletion_insertion`` raises.

    >>> small = vitviz.load_vit("default", image_size=28)  # 2 × 2 patches
    >>> map = vitviz.attribute("rollout", small, "photo.jpg")
    >>> vitviz.perturbation_test(small, "photo.jpg", map, random_maps=2).replacement
    'black'
    """
    test = _Test(vit, image, attribution, replacement, seed, np.arange(10) / 10)
    names = ("positive", "negative")
    positive, negative = test.curves(names, random_maps, batch_size, progress)
    return Faithfulness(positive, negative, replacement, attribution.target)


def patch_values(values: NDArray[Any], grid: PatchGrid) -> NDArray[np.float64]:
    """Return a map as one number a patch, (patch,): as it is, or its pixels summed inside each patch.

    Raises GridError for a map that fits neither the patches nor the pixels, OptionError for one with NaN or infinity.
    """
    if not are_numbers(values):
        raise OptionError(
            "A map is {values}; wanted an array of numbers. Give the values of what vitviz.attribute returns.",
            values=shown(values),
        )
    values = np.asarray(values)
    if wrong := int((~np.isfinite(values)).sum()):
        raise OptionError(
            "{wrong} of the map's {size} numbers are NaN or infinite; wanted finite numbers alone. Set "
            "them to 0 if nothing is known there.",
            wrong=wrong,
            size=values.size,
        )
    if values.shape == (grid.rows, grid.columns):
        flat: NDArray[np.float64] = values.astype(np.float64).ravel()
        return flat
    height, width = grid.image_size
    margin = tuple(have - need for have, need in zip(values.shape, (height, width), strict=False))
    if values.ndim != 2 or not all(0 <= extra < side for extra, side in zip(margin, grid.patch_size, strict=True)):
        raise GridError(
            "The map has shape {shape}; wanted ({rows}, {columns}) patches or ({height}, {width}) "
            "pixels. Explain the same picture with the same model.",
            shape=values.shape,
            rows=grid.rows,
            columns=grid.columns,
            height=height,
            width=width,
        )
    blocks = values[:height, :width].astype(np.float64)
    blocks = blocks.reshape(grid.rows, grid.patch_size[0], grid.columns, grid.patch_size[1])
    summed: NDArray[np.float64] = blocks.sum((1, 3)).ravel()
    return summed


def map_order(values: NDArray[Any], grid: PatchGrid) -> Order:
    """Return the patches from the most to the least relevant by a map's signed values, (patch,); ties by number."""
    return np.argsort(-patch_values(values, grid), kind="stable")


class _Test:
    """One picture on which the orders of several maps are tried."""

    def __init__(self, vit: ViT, image: Picture, attribution: Map, replacement: str, seed: int, shares: Curve) -> None:
        self.order = map_order(attribution.values, vit.grid)
        self._removal = Removal(vit, trace(vit, image).pixels, attribution.target, replacement, seed=seed)
        self._patches = vit.grid.patches
        self._generator = np.random.default_rng(seed)
        self._gone, self._there = self._removal.counts(shares)

    def random_orders(self, count: int) -> list[Order]:
        """Return orders of the patches drawn at random."""
        if count == 1 or count < 0:
            raise OptionError(
                "random_maps is {count}; wanted 0 or at least 2, for an interval. 8 is the default.",
                count=count,
            )
        return [self._generator.permutation(self._patches) for _ in range(count)]

    def curves(
        self, names: tuple[str, str], random_maps: int, batch_size: int, progress: Progress | None
    ) -> tuple[FaithfulnessCurve, FaithfulnessCurve]:
        """Return the two curves of the map, each with those of as many random maps."""
        orders = [self.order, *self.random_orders(random_maps)]
        choices = [away for name in names for order in orders for away in self._away(name, order)]
        flat = self._removal.ask(choices, batch_size=batch_size, progress=progress)
        answers = flat.reshape(len(names), len(orders), len(self._gone), -1)
        first, second = (self._curve(name, answers[at]) for at, name in enumerate(names))
        return first, second

    def _away(self, name: str, order: Order) -> Iterator[Tensor]:
        """Yield which patches are gone at each step: (patch,) of bool."""
        for gone, there in zip(self._gone, self._there, strict=True):
            chosen = {"insertion": order[there:], "negative": order[::-1][:gone]}
            away = self._removal.gone(chosen.get(name, order[:gone]))
            yield away

    def _curve(self, name: str, answers: Curve) -> FaithfulnessCurve:
        """Return a curve from the answers (order, step, number); the first order is the map's."""
        counts = self._there if name == "insertion" else self._gone
        fractions = counts / self._patches
        values = answers[..., 0]  # (order, step)
        return FaithfulnessCurve(
            name,
            fractions,
            values[0],
            answers[0, :, 1] if answers.shape[-1] == 2 else None,
            area_under(fractions, values[0]),
            random_band(fractions, values[1:]) if len(values) > 1 else None,
        )


def area_under(fractions: Curve, values: Curve) -> float:
    """Return the area under a curve by the trapezoidal rule, divided by the width of its axis."""
    width = float(fractions[-1] - fractions[0])
    return float(np.trapezoid(values, fractions)) / width if width else float(values.mean())


def random_band(fractions: Curve, curves: Curve) -> RandomBand:
    """Return mean and 95% interval of random maps' curves (map, step), at least two, and of their areas."""
    mean, spread = curves.mean(0), NORMAL_95 * curves.std(0, ddof=1)
    areas = np.array([area_under(fractions, curve) for curve in curves])
    area, area_spread = float(areas.mean()), NORMAL_95 * float(areas.std(ddof=1))
    return RandomBand(mean, mean - spread, mean + spread, area, area - area_spread, area + area_spread, len(curves))
