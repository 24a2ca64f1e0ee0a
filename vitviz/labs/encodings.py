"""Position encodings side by side on one grid: learned, sine–cosine in one and two dimensions, rotary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.position_kinds import ROTARY, SINE_COSINE_1D, SINE_COSINE_2D
from vitviz.analysis.positions import ReadOut, cosine_similarity, position_read_out, position_similarity
from vitviz.analysis.sine_cosine import sine_cosine_1d, sine_cosine_2d
from vitviz.argument import checked
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.record import Result

ROTARY_BASE = 100.0
"""Base of the rotary frequencies of a grid (Heo et al. 2024, section 3.1); the sine–cosine encodings have 10,000."""
FEWEST_PLACES = 10
"""Places that a read-out needs to be fitted on some of them and tried on the others."""

Table = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Encoding(Result):
    """One encoding of the places of a grid."""

    kind: str
    """"learned", "sine-cosine-1d", "sine-cosine-2d", "rotary" or "relative"."""
    model: str
    """Name of the model that it was read from; empty for one computed from its formula."""
    grid: PatchGrid
    """The places."""
    similarity: Table
    """(patch, patch): cosines, or for rotary the kernel, the mean cosine of the angle differences."""
    read_out: ReadOut | None
    """R² of a linear read-out of row and column; None with too few places or no vector a place."""

    def map(self, patch: int) -> Table:
        """Return the similarity of a place to all others: (rows, columns)."""
        laid_out: Table = self.grid.to_map(self.similarity[patch])
        return laid_out


@checked
def run(grid: PatchGrid, *, channels: int = 384, vit: ViT | None = None) -> tuple[Encoding, ...]:
    """Return the encodings of a grid: that of ``vit`` first, if it has one, and then the three formulas.

    ``channels`` is the width of the computed ones, a multiple of 4. A model's own encoding that is one of the
    formulas stands beside it, as a check. Raises OptionError for another width, or a model with another grid.
    """
    if channels < 4 or channels % 4:
        raise OptionError(
            f"Encodings of {channels} channels cannot be compared; wanted a multiple of 4. 384 is a ViT-S."
        )
    if vit is not None and (vit.grid.rows, vit.grid.columns) != (grid.rows, grid.columns):
        raise OptionError(
            f"{vit.name} has {vit.grid.rows} × {vit.grid.columns} places; wanted {grid.rows} × {grid.columns}. "
            "Pass the model's own grid."
        )
    line, plane = (sine_cosine_1d(grid.patches, channels), sine_cosine_2d(grid.rows, grid.columns, channels))
    turned = rotary_vectors(grid, channels)
    computed = (
        _computed(SINE_COSINE_1D, line, grid),
        _computed(SINE_COSINE_2D, plane, grid),
        _computed(ROTARY, turned, grid),
    )
    own = () if vit is None else _own(vit)
    return (*own, *computed)


@checked
def rotary_vectors(grid: PatchGrid, channels: int, *, base: float = ROTARY_BASE) -> Tensor:
    """Return the rotation of every place as sines and cosines of its angles: (patch, channel).

    Half of the frequencies turn with the row, half with the column; the angle of frequency i is the place times
    base^(−i / count). The product of two vectors is the mean cosine of the angle differences, up to a factor, which
    is what rotary positions leave of the product of a query and a key on average.
    """
    return sine_cosine_2d(grid.rows, grid.columns, channels, temperature=base)


def _computed(kind: str, vectors: Tensor, grid: PatchGrid) -> Encoding:
    table = cosine_similarity(vectors).float().numpy()
    return Encoding(kind, "", grid, table, _read_out(vectors.numpy(), grid))


def _own(vit: ViT) -> tuple[Encoding, ...]:
    similarity = position_similarity(vit)
    if similarity.values is None:
        return ()
    read_out = None if similarity.vectors is None else _read_out(similarity.vectors, vit.grid)
    return (Encoding(similarity.kind, vit.name, vit.grid, similarity.values, read_out),)


def _read_out(vectors: Table, grid: PatchGrid) -> ReadOut | None:
    return None if grid.patches < FEWEST_PLACES else position_read_out(vectors, grid)
