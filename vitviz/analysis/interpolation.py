"""Position vectors on another grid: bicubic with and without antialiasing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vitviz.analysis.position_kinds import positions_of
from vitviz.analysis.positions import cosine_similarity
from vitviz.argument import checked
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.record import Result

USERS = {
    True: "bicubic with antialiasing: timm, and DINOv2 with registers",
    False: "bicubic without antialiasing: DeiT, DINO, and DINOv2 without registers",
}
"""Who interpolates how. The two differ most where the grid shrinks.

They differ a little where it grows, too: torch's cubic kernel has the parameter −½ with antialiasing, −¾ without.
"""


@dataclass(frozen=True, eq=False)
class InterpolatedPositions(Result):
    """The position vectors of a model before and after they were brought to another grid."""

    before: PatchGrid
    after: PatchGrid
    similarity_before: NDArray[np.float32]
    """(patch, patch) cosine on the model's own grid."""
    similarity_after: dict[bool, NDArray[np.float32]]
    """(patch, patch) cosine on the new grid, with antialiasing (True) and without (False)."""
    difference: float
    """Root mean square difference of the two ways, as a share of the root mean square vector component."""


def interpolate_positions(
    vectors: Tensor, grid: PatchGrid, rows: int, columns: int, *, antialias: bool = True
) -> Tensor:
    """Return position vectors (patch, channel) of a grid on rows × columns patches, by bicubic interpolation.

    The same grid gives the same vectors, bit for bit. Raises GridError for a grid without patches.
    """
    if min(rows, columns) < 1:
        raise GridError(
            "A grid of {rows} × {columns} patches has none; wanted at least one row and column.",
            rows=rows,
            columns=columns,
        )
    if (rows, columns) == (grid.rows, grid.columns):
        return vectors
    plane = grid.to_map(vectors.mT)[None].float()  # (1, channel, rows, columns)
    resized = functional.interpolate(plane, size=(rows, columns), mode="bicubic", antialias=antialias)
    return resized[0].flatten(1).mT.to(vectors.dtype)


@checked
def interpolated_similarity(vit: ViT, rows: int, columns: int) -> InterpolatedPositions:
    """Return what interpolation to another grid does to the position vectors of a model, both ways.

    Raises OptionError for a model whose positions are not vectors added to the tokens.

    >>> vitviz.interpolated_similarity(vit, 8, 8).after
    PatchGrid(rows=8, columns=8, patch_size=(14, 14), prefix=('class',))
    """
    positions = positions_of(vit)
    if positions.added is None:
        have = ", ".join(positions.kinds) or "no positions"
        raise OptionError(
            "{name} adds no position vectors to its tokens (it has {have}), so nothing is "
            "interpolated. Choose a model with learned or sine–cosine positions.",
            name=vit.name,
            have=have,
        )
    ways = {way: interpolate_positions(positions.added, vit.grid, rows, columns, antialias=way) for way in USERS}
    after = PatchGrid(rows, columns, vit.grid.patch_size, vit.grid.prefix)
    apart = (ways[True] - ways[False]).float().square().mean().sqrt()
    size = ways[True].float().square().mean().sqrt()
    similar = {way: _table(cosine_similarity(vectors)) for way, vectors in ways.items()}
    return InterpolatedPositions(
        vit.grid, after, _table(cosine_similarity(positions.added)), similar, float(apart / size)
    )


def _table(values: Tensor) -> NDArray[np.float32]:
    table: NDArray[np.float32] = values.to(torch.float32).cpu().numpy()
    return table
