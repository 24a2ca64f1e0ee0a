"""Another input size: positions interpolated to the new grid, or cut off, and what that does to the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.input_sizes import SIZES, Resize, SizedAnswer, input_size_steps, resized, rounded_size
from vitviz.analysis.interpolation import interpolate_positions
from vitviz.analysis.position_kinds import positions_of
from vitviz.analysis.positions import cosine_similarity
from vitviz.analysis.truncated_positions import truncate_positions, truncated
from vitviz.errors import OptionError, StoppedError
from vitviz.grid import PatchGrid
from vitviz.models.inputs import Picture
from vitviz.models.vit import ViT
from vitviz.record import Result

Map = NDArray[np.float32]


@dataclass(frozen=True)
class InputSizes(Result):
    """One picture at several input sizes, with both kinds of positions."""

    interpolated: tuple[SizedAnswer, ...]
    """Smallest size first; at the model's own size both are the model as it is."""
    truncated: tuple[SizedAnswer, ...]
    """The same with the table cut off; shorter if the work was stopped."""


def compare_sizes(
    vit: ViT,
    image: Picture,
    *,
    sizes: Sequence[int] = SIZES,
    progress: Callable[[int, int, InputSizes], bool | None] | None = None,
) -> InputSizes:
    """Run a picture through a model at several sizes, with interpolated and with truncated positions.

    ``progress`` is called with (passes done, passes in all, the result so far); returning False stops the work.
    Raises OptionError for sizes that cannot be used, UnsupportedModelError for a model without one table of positions,
    StoppedError if ``progress`` says so.
    """
    total = 2 * len({rounded_size(vit, size) for size in sizes})
    measured: dict[Resize, list[SizedAnswer]] = {resized: [], truncated: []}

    def result() -> InputSizes:
        return InputSizes(tuple(measured[resized]), tuple(measured[truncated]))

    for resize, answers in measured.items():
        for answer in input_size_steps(vit, image, sizes=sizes, resize=resize):
            answers.append(answer)
            done = sum(map(len, measured.values()))
            if progress is not None and progress(done, total, result()) is False:
                raise StoppedError(
                    "Stopped after {done} of {total} passes, as asked. Start again for the rest.",
                    done=done,
                    total=total,
                )
    return result()


@dataclass(frozen=True, eq=False)
class PositionMaps(Result):
    """How alike the middle place of a grid and all its places are, by their position vectors."""

    native: Map
    """(rows, columns) cosine on the model's own grid."""
    interpolated: Map
    """(new rows, new columns) cosine after bicubic interpolation."""
    truncated: Map
    """(new rows, new columns) cosine with the table cut off; places without a vector are NaN."""
    identity_gap: float
    """Largest difference of the vectors after interpolation to the model's own grid: 0, exactly."""


def position_maps(vit: ViT, rows: int, columns: int) -> PositionMaps:
    """Return what the position vectors of a model say about a grid of rows × columns patches, square or not.

    Raises OptionError for a model whose positions are not vectors added to the tokens, GridError for an empty grid.
    """
    added = positions_of(vit).added
    if added is None:
        raise OptionError(
            "{name} adds no position vectors to its tokens, so there is no table to bring to another "
            "grid. Choose a model with learned positions, such as the shipped one.",
            name=vit.name,
        )
    new = PatchGrid(rows, columns, vit.grid.patch_size)
    same = interpolate_positions(added, vit.grid, vit.grid.rows, vit.grid.columns)
    return PositionMaps(
        _middle(added, vit.grid),
        _middle(interpolate_positions(added, vit.grid, rows, columns), new),
        _middle(truncate_positions(added, new.patches), new),
        float((same - added).abs().max()),
    )


def _middle(vectors: Tensor, grid: PatchGrid) -> Map:
    place = grid.rows // 2 * grid.columns + grid.columns // 2
    map_: Map = grid.to_map(cosine_similarity(vectors)[place]).float().cpu().numpy().copy()
    there = grid.to_map(vectors.abs().sum(-1)).cpu().numpy() > 0
    map_[~there | ~there[grid.position(place)]] = np.nan
    return map_
