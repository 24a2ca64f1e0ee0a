"""Two maps laid on one grid: their difference and how far they agree on what comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vitviz.analysis.faithfulness import patch_values
from vitviz.analysis.faithfulness_checks import rank_correlation
from vitviz.errors import GridError, check_choice
from vitviz.grid import PatchGrid
from vitviz.images import Source
from vitviz.models.vit import ViT
from vitviz.record import Result

UNITS = ("share", "value")
"""Each map divided by the sum of its sizes, so that maps of any unit can be compared; or the values as they are."""


@dataclass(frozen=True, eq=False)
class MapComparison(Result):
    """Two maps on a common grid."""

    first: NDArray[np.float64]
    """(rows, columns)"""
    second: NDArray[np.float64]
    """(rows, columns)"""
    unit: str
    """One of UNITS."""
    correlation: float
    """Spearman's rank correlation over the cells, in [−1, 1]: 1 if both put the cells in the same order; NaN if a
    map is flat."""
    grids: tuple[tuple[int, int], tuple[int, int]]
    """Rows and columns that each map came with."""

    @property
    def difference(self) -> NDArray[np.float64]:
        """First minus second: (rows, columns)."""
        return self.first - self.second

    @property
    def resampled(self) -> bool:
        """Whether a map was laid on another grid than its own."""
        return self.grids[0] != self.grids[1]


def compare_maps(
    first: NDArray[Any], second: NDArray[Any], grids: tuple[PatchGrid, PatchGrid], *, unit: str = "share"
) -> MapComparison:
    """Return two maps on the coarser of their patch grids, with their difference and rank correlation.

    A map over pixels is summed inside each patch first. On another grid every cell gets the parts of the cells under
    it, by area, so that the sum stays. Raises GridError for a map that does not fit its grid.
    """
    check_choice("Unit", unit, UNITS)
    own = [
        patch_values(values, grid).reshape(grid.rows, grid.columns)
        for values, grid in zip((first, second), grids, strict=True)
    ]
    sizes = own[0].shape, own[1].shape
    common = min(sizes[0][0], sizes[1][0]), min(sizes[0][1], sizes[1][1])
    left, right = (_in_unit(resample(values, common), unit) for values in own)
    return MapComparison(left, right, unit, rank_correlation(left, right), (sizes[0], sizes[1]))


def resample(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return a map (rows, columns) on a grid of another shape over the same picture; the sum stays the same."""
    if values.ndim != 2:
        raise GridError(
            "A map has (rows, columns); got shape {shape}. Use PatchGrid.to_map.",
            shape=values.shape,
        )
    down, across = (_shares(have, want) for have, want in zip(values.shape, shape, strict=True))
    laid: NDArray[np.float64] = down @ values.astype(np.float64) @ across.T
    return laid


def _shares(have: int, want: int) -> NDArray[np.float64]:
    """Return the part of each of ``have`` equal cells that lies in each of ``want`` as long together: (want, have)."""
    edges, new = np.linspace(0, 1, have + 1), np.linspace(0, 1, want + 1)
    overlap = np.minimum(edges[1:], new[1:, None]) - np.maximum(edges[:-1], new[:-1, None])
    shares: NDArray[np.float64] = overlap.clip(min=0) * have
    return shares


def _in_unit(values: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    total = float(np.abs(values).sum())
    return values / total if unit == "share" and total else values


def same_crop(first: ViT, second: ViT, image: Source) -> Tensor:
    """Return the second model's input for exactly the part of a picture that the first one sees.

    Models crop differently; two maps can be laid on each other only if they are of one crop. The crop is taken at up
    to three times the first model's size, and resized to the second's. (3, height, width), normalised for the second.
    """
    height, width = second.image_size
    seen = Image.fromarray(first.frame(image)).resize((width, height), Image.Resampling.BICUBIC)
    values = torch.from_numpy(np.asarray(seen, np.float32) / 255).permute(2, 0, 1)
    mean, std = torch.tensor(second.mean), torch.tensor(second.std)
    return (values - mean[:, None, None]) / std[:, None, None]
