"""Benchmark: several explanations of one photo, each put to the same tests as maps of random numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.faithfulness import area_under, map_order
from vitviz.analysis.faithfulness_checks import Box, energy_in_box, pointing_game
from vitviz.analysis.peak_memory import PeakMemory
from vitviz.analysis.removal import Removal
from vitviz.analysis.replacement import REPLACEMENTS
from vitviz.attribution.attribute import attribute, find_method, why_not
from vitviz.errors import OptionError, check_choice
from vitviz.models.vit import ViT
from vitviz.record import Record
from vitviz.trace.run import passes
from vitviz.trace.target import Target
from vitviz.trace.trace import Trace

RANDOM = "random"
"""The name of maps of random numbers among the methods."""


@dataclass(frozen=True)
class Metric(Record):
    """One number that says something about a map."""

    name: str
    """Of the column in files."""
    label: str
    """For people."""
    summary: str
    """What it is, in one sentence."""
    large_is_good: bool | None
    """None for what is neither good nor bad by itself."""


METRICS = (
    Metric(
        "difference",
        "Insertion − deletion",
        "The insertion area minus the deletion area; 0 is expected of random maps.",
        True,
    ),
    Metric(
        "deletion",
        "Deletion",
        "Area under the target's probability as patches go, most relevant first (Petsiuk et al. 2018).",
        False,
    ),
    Metric(
        "insertion",
        "Insertion",
        "Area under the target's probability as patches come, most relevant first (Petsiuk et al. 2018).",
        True,
    ),
    Metric(
        "positive",
        "Positive perturbation",
        "Part of the answers that name the target as patches go, most relevant first, "
        "but for the last step (Chefer et al. 2021, who take 10% a step).",
        False,
    ),
    Metric("negative", "Negative perturbation", "The same, least relevant first.", True),
    Metric(
        "pointing",
        "Pointing game",
        "Part of the photos in which the map's largest value lies in the object's box (Zhang et al. 2018).",
        True,
    ),
    Metric(
        "energy",
        "Energy in the box",
        "Share of the map's positive values that lies in the object's box (Wang et al. 2020).",
        True,
    ),
    Metric("seconds", "Seconds", "Time of one map, its forward passes included.", None),
)
"""What is measured, in the order of the table."""


@dataclass(frozen=True, kw_only=True)
class Plan(Record):
    """Which methods are put to which test."""

    methods: tuple[str, ...]
    """Names in METHODS; maps of random numbers are always tested beside them."""
    knobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Knobs by method."""
    replacement: str = "blur"
    """What takes the place of a patch in the test."""
    steps: int = 10
    """Equal parts of [0, 1] in which patches go and come."""
    random_maps: int = 4
    """Maps of random numbers for each photo; their mean counts as one method."""
    seed: int = 0
    """Of everything random."""

    def check(self, vit: ViT) -> None:
        """Raise OptionError, before any work, for a plan that cannot be carried out with a model."""
        for name in self.methods:
            find_method(name).choose(self.knobs.get(name, {}), vit.layers)
        idle = sorted(set(self.knobs) - set(self.methods))
        if idle:
            raise OptionError(
                "Knobs are given for {listed}, which is not measured; wanted some of "
                "{other_listed}. Add the method or leave its knobs out.",
                listed=", ".join(idle),
                other_listed=", ".join(self.methods),
            )
        check_choice("Replacement", self.replacement, REPLACEMENTS)
        for name, value, least in (("steps", self.steps, 2), ("random_maps", self.random_maps, 1)):
            if value < least:
                raise OptionError(
                    "{name} is {value}; wanted at least {least}. 10 is usual.",
                    name=name,
                    value=value,
                    least=least,
                )

    def served(self, vit: ViT) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the methods that can serve a model, with their knobs, and why the others cannot."""
        reasons = {name: why_not(name, vit) for name in self.methods}
        served = {name: dict(self.knobs.get(name, {})) for name, no in reasons.items() if no is None}
        return served, {name: no for name, no in reasons.items() if no is not None}


@dataclass(frozen=True)
class Measurement(Record):
    """What one method's map of one photo is worth; None where a test does not apply."""

    method: str
    """Name in METHODS, or "random"."""
    difference: float
    deletion: float
    insertion: float
    positive: float | None
    negative: float | None
    pointing: float | None
    energy: float | None
    seconds: float


def measure_photo(
    vit: ViT, pixels: Tensor, target: Target, plan: Plan, *, box: Box | None = None, seed: int = 0
) -> list[Measurement]:
    """Return one measurement a method of a photo, and one of random maps, all with the same test.

    ``pixels`` is the model's input (3, height, width); ``box`` (left, top, right, bottom) the object in it, right and
    bottom exclusive. ``seed`` draws this photo's random maps. No choice of patches is run twice, whichever map asks,
    and methods that read attention or the same gradients share their passes; each one's ``seconds`` hold all of them.

    Raises OptionError for a box outside the picture, and what ``attribute`` raises.
    """
    served, _reasons = plan.served(vit)
    shared = _shared_passes(vit, pixels, target, served)
    attributions = [
        attribute(name, vit, shared[name], target=target, seed=plan.seed, **knobs) for name, knobs in served.items()
    ]
    drawn = np.random.default_rng((plan.seed, seed))
    random = [drawn.random((vit.grid.rows, vit.grid.columns)) for _ in range(plan.random_maps)]
    maps: list[NDArray[Any]] = [attribution.values for attribution in attributions]
    numbers = _numbers(vit, pixels, target, plan, [*maps, *random], box)
    measured = [
        Measurement(
            method=attribution.method, seconds=attribution.seconds + shared[attribution.method].seconds, **values
        )
        for attribution, values in zip(attributions, numbers, strict=False)
    ]
    return [*measured, Measurement(method=RANDOM, seconds=0.0, **_mean(numbers[len(attributions) :]))]


def _shared_passes(vit: ViT, pixels: Tensor, target: Target, names: Collection[str]) -> dict[str, Trace]:
    """Return the trace that each method reads: one with gradients for those that need them, one without for others."""
    methods = [find_method(name) for name in names]
    sloped = [method for method in methods if method.backward or method.layer_scores]
    plain = [method for method in methods if method not in sloped]
    shared: dict[str, Trace] = {}
    for group in filter(None, (sloped, plain)):
        traced = passes(
            vit,
            pixels,
            target=target,
            backward=any(method.backward for method in group),
            layer_scores=any(method.layer_scores for method in group),
        )
        shared |= {method.name: traced for method in group}
    return shared


def peak_memory(vit: ViT, pixels: Tensor, target: Target, plan: Plan) -> dict[str, float]:
    """Return the largest size of all tensors that each method holds at once beside the weights, in megabytes."""
    served, _reasons = plan.served(vit)
    peaks = {}
    for name, knobs in served.items():
        with PeakMemory() as memory:
            attribute(name, vit, pixels, target=target, seed=plan.seed, **knobs)
        peaks[name] = memory.peak / 1e6
    return peaks


def _numbers(
    vit: ViT, pixels: Tensor, target: Target, plan: Plan, maps: Sequence[NDArray[Any]], box: Box | None
) -> list[dict[str, Any]]:
    """Return the metrics of each map by name; all maps are tested in the same batches."""
    removal = Removal(vit, pixels, target, plan.replacement, seed=plan.seed)
    gone, there = removal.counts(np.linspace(0, 1, plan.steps + 1))
    choices = []
    for values in maps:
        order = map_order(values, vit.grid)
        choices += [removal.gone(order[:count]) for count in gone]
        choices += [removal.gone(order[count:]) for count in there]
    answers = removal.ask(choices).reshape(len(maps), 2, len(gone), -1)
    shares = gone / removal.patches, there / removal.patches
    return [_curves(*shares, *curves) | _in_box(vit, values, box) for values, curves in zip(maps, answers, strict=True)]


def _curves(
    gone: NDArray[np.float64], there: NDArray[np.float64], down: NDArray[np.float64], up: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the areas under two curves of answers (step, number); the perturbations leave out the empty picture."""
    deletion, insertion = area_under(gone, down[:, 0]), area_under(there, up[:, 0])
    ranked = down.shape[1] == 2  # whether the target is still the top answer is known of a class only
    return {
        "difference": insertion - deletion,
        "deletion": deletion,
        "insertion": insertion,
        "positive": area_under(gone[:-1], down[:-1, 1]) if ranked else None,
        "negative": area_under(there[1:], up[1:, 1]) if ranked else None,
    }


def _in_box(vit: ViT, values: NDArray[Any], box: Box | None) -> dict[str, Any]:
    """Return pointing game and energy of a map; None without a box, and for a map that marks nothing."""
    if box is None or not (values > 0).any():
        return {"pointing": None, "energy": None}
    inside = float(pointing_game(values, vit.grid, box))
    return {"pointing": inside, "energy": energy_in_box(values, vit.grid, box)}


def _mean(numbers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the means by name; None where there are no numbers."""
    names = {name: [row[name] for row in numbers] for name in numbers[0]}
    return {name: None if None in values else float(np.mean(values)) for name, values in names.items()}
