"""Layout: what is measured of every photo, as one row of numbers, and where each statistic stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import hypot, log, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.attention.view import default_query
from vitviz.errors import OptionError, suggest
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.record import Record

BINS = 64
"""Bins of every histogram; the first and the last also hold what lies beyond the range."""
LINEAR, ROOT, LOG = "linear", "root", "log"
YES_OR_NO = ("right", "lens_agreement")
"""Statistics that are 1 or 0 for a photo: their spread says no more than their mean."""
LAYER, HEAD, STREAM, METHOD, METRIC = "layer", "head", "stream", "method", "metric"


@dataclass(frozen=True)
class Statistic(Record):
    """One kind of number, measured of every photo."""

    name: str
    axes: tuple[str, ...]
    """Names of its axes: "layer", "head"; "stream" counts the input of the first block and every block's output."""
    summary: str
    """What it is, in one sentence."""
    low: float
    """Where the histogram begins."""
    high: float
    """Where the histogram ends."""
    scale: str = LINEAR
    """Width of the bins: "linear"; "root", finer near the low end; "log"."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """The ends of the histogram's bins, (bin + 1,)."""
        steps = np.linspace(0, 1, BINS + 1)
        if self.scale == LOG:
            edges: NDArray[np.float64] = self.low * (self.high / self.low) ** steps
            return edges
        return self.low + (self.high - self.low) * (steps**2 if self.scale == ROOT else steps)

    def bins(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the bin of every value, those beyond the range at its ends; of NaN, any."""
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.scale == LOG:
                place = np.log(values / self.low) / log(self.high / self.low)
            else:
                place = (values - self.low) / (self.high - self.low)
                place = np.sqrt(np.maximum(place, 0)) if self.scale == ROOT else place
        return np.nan_to_num(np.clip(place, 0, 1) * BINS, nan=0.0).astype(np.int64).clip(0, BINS - 1)


METRICS = ("difference", "deletion", "insertion", "positive", "negative", "pointing", "energy")
"""What is measured of an explanation; see ``vitviz.attribution.benchmark.METRICS``."""


@dataclass(frozen=True)
class Layout(Record):
    """The shape of a model and the statistics that are measured with it."""

    grid: PatchGrid
    heads: tuple[int, ...]
    """Heads of each layer."""
    has_classifier: bool
    methods: tuple[str, ...] = ()
    """Explanations whose faithfulness is measured, "random" last; empty if none is."""
    receptive_field: bool = False
    cka: bool = False

    @classmethod
    def of(cls, vit: ViT, *, methods: tuple[str, ...] = (), receptive_field: bool = False, cka: bool = False) -> Layout:
        """Return the layout of a model."""
        return cls(vit.grid, vit.heads, vit.has_classifier, methods, receptive_field, cka)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Layout:
        """Return the layout that ``describe`` told of."""
        grid = told["grid"]
        return cls(
            PatchGrid(grid["rows"], grid["columns"], tuple(grid["patch_size"]), tuple(grid["prefix"])),
            tuple(told["heads"]),
            told["has_classifier"],
            tuple(told["methods"]),
            told["receptive_field"],
            told["cka"],
        )

    def describe(self) -> dict[str, Any]:
        """Return the layout as plain values."""
        grid = {
            "rows": self.grid.rows,
            "columns": self.grid.columns,
            "patch_size": list(self.grid.patch_size),
            "prefix": list(self.grid.prefix),
        }
        return {
            "grid": grid,
            "heads": list(self.heads),
            "has_classifier": self.has_classifier,
            "methods": list(self.methods),
            "receptive_field": self.receptive_field,
            "cka": self.cka,
        }

    @property
    def layers(self) -> int:
        """Number of transformer blocks."""
        return len(self.heads)

    @property
    def query(self) -> str:
        """Whose attention the mean maps show: "class", or "mean" of all patches where there is no class token."""
        return default_query(self.grid)

    @cached_property
    def statistics(self) -> dict[str, Statistic]:
        """Every statistic by name, in the order of the row."""
        listed = [*_of_heads(self.grid), *_of_layers()]
        listed += _of_answers() if self.has_classifier else []
        if self.methods:
            listed.append(
                Statistic("faithfulness", (METHOD, METRIC), "How faithful an explanation is, by metric.", -1, 1)
            )
        if self.receptive_field:
            listed += _of_fields(self.grid)
        if self.cka:
            summary = "Linear CKA of the patch tokens of two layers of the photo (Kornblith et al. 2019)."
            listed.append(Statistic("cka", (STREAM, STREAM), summary, 0, 1))
        return {statistic.name: statistic for statistic in listed}

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where each statistic stands in the row."""
        ends = np.cumsum([0, *(prod(self.shape(name)) for name in self.statistics)])
        return {name: slice(int(ends[at]), int(ends[at + 1])) for at, name in enumerate(self.statistics)}

    @property
    def width(self) -> int:
        """Numbers in the row."""
        return sum(prod(self.shape(name)) for name in self.statistics)

    def statistic(self, name: str) -> Statistic:
        """Return a statistic by name; raises OptionError for one that is not measured."""
        if name not in self.statistics:
            raise OptionError(
                "There is no statistic {name!r}; wanted one of {listed}.{hint}",
                name=name,
                listed=", ".join(self.statistics),
                hint=suggest(name, self.statistics),
            )
        return self.statistics[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a statistic, one number an axis."""
        sizes = {
            LAYER: self.layers,
            STREAM: self.layers + 1,
            HEAD: max(self.heads),
            METHOD: len(self.methods),
            METRIC: len(METRICS),
        }
        return tuple(sizes[axis] for axis in self.statistic(name).axes)

    def names(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return what stands along each axis of a statistic; "input" is what enters the first block."""
        known = {METHOD: self.methods, METRIC: METRICS, STREAM: ("input", *map(str, range(self.layers)))}
        axes = zip(self.statistic(name).axes, self.shape(name), strict=True)
        return tuple(known.get(axis, tuple(map(str, range(size)))) for axis, size in axes)

    @property
    def maps(self) -> dict[str, tuple[int, ...]]:
        """Shape of every map of which the mean is kept, by name."""
        places = (self.grid.rows, self.grid.columns)
        return {
            "rollout": places,
            "attention": (self.layers, max(self.heads), *places),
            "outliers": (self.layers, *places),
        }


def _of_heads(grid: PatchGrid) -> list[Statistic]:
    by = (LAYER, HEAD)
    down, across = grid.rows - 1, grid.columns - 1
    farthest = max(hypot(down, across), 1.0)
    pixels = max(hypot(down * grid.patch_size[0], across * grid.patch_size[1]), 1.0)
    return [
        Statistic("entropy", by, "Entropy of a patch's attention in nats.", 0, log(max(grid.tokens, 2))),
        Statistic("distance", by, "Mean attention distance in patches.", 0, farthest),
        Statistic("pixel_distance", by, "Mean attention distance in pixels of the input.", 0, pixels),
        Statistic("self_share", by, "Share of attention that a patch pays to itself.", 0, 1, ROOT),
        Statistic("class_share", by, "Share that goes to the class token.", 0, 1, ROOT),
        Statistic("register_share", by, "Share that goes to registers.", 0, 1, ROOT),
        Statistic("sink_share", by, "Share that goes to patches of unusually large norm.", 0, 1, ROOT),
        Statistic(
            "box_share", by, "Share of the class token's attention to patches that lies in the photo's boxes.", 0, 1
        ),
    ]


def _of_layers() -> list[Statistic]:
    return [
        Statistic("patch_norm", (LAYER,), "Mean norm of the patch tokens after the block.", 1e-3, 1e5, LOG),
        Statistic("outlier_share", (LAYER,), "Share of the patches whose norm after it is unusual.", 0, 1, ROOT),
        Statistic("stream_length", (STREAM,), "Root mean square length of the tokens.", 1e-3, 1e5, LOG),
        Statistic("growth", (LAYER,), "Factor by which a block changes that length.", 1e-2, 1e2, LOG),
    ]


def _of_answers() -> list[Statistic]:
    return [
        Statistic("confidence", (), "Probability of the answer.", 0, 1),
        Statistic("right", (), "1 where the answer is the photo's class, else 0.", 0, 1),
        Statistic("lens_confidence", (STREAM,), "Probability of the final answer, read after each block.", 0, 1),
        Statistic("lens_agreement", (STREAM,), "1 where the answer read after a block is the final one.", 0, 1),
    ]


def _of_fields(grid: PatchGrid) -> list[Statistic]:
    diagonal = hypot(*grid.image_size)
    return [
        Statistic("field_radius", (LAYER,), "Radius in pixels of the centre's gradient receptive field.", 0, diagonal),
        Statistic("field_area", (LAYER,), "Share of the picture that holds half of that field's mass.", 0, 1, ROOT),
    ]
