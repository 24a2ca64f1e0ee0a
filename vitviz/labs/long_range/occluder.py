"""Occluder: boards with a bar on either side of a band that hides what lies between. Are the bars parallel?

The bars lie in one row, next to the band. Half of the boards match; in the other half the second bar has any other
orientation. Each bar alone has every orientation equally often whatever the answer, so only a comparison tells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.labs.long_range.contents import BAND, COLUMNS, DOT, EMPTY, ORIENTATIONS, ROWS, Board, bar, is_bar
from vitviz.labs.long_range.counting import MOST_DISTRACTORS, empty_cells, wanted_values

WIDEST = COLUMNS - 2
"""Most columns that the band can hide; the bars need one each."""


def sample(
    count: int,
    *,
    generator: np.random.Generator,
    distance: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    distractors: ArrayLike | None = None,
) -> Board:
    """Return random boards (image, row, column).

    ``distance``: cells from bar to bar, 1 to 7, so that the band is ``distance`` − 1 columns wide. ``pairs``: 1 where
    the bars match, 0 where they do not. ``distractors``: dots outside the band, 0 to 2. What is left out is drawn
    uniformly. Raises OptionError for a value out of range.
    """
    distances = wanted_values("distance", distance, (1, WIDEST + 1), (count, 1), generator)[:, 0]
    same = wanted_values("pairs", pairs, (0, 1), (count,), generator)
    extra = wanted_values("distractors", distractors, (0, MOST_DISTRACTORS), (count,), generator)
    first = generator.integers(0, COLUMNS - distances)  # column of the left bar
    row = generator.integers(ROWS, size=count)
    turn = np.where(same == 1, 0, generator.integers(1, ORIENTATIONS, size=count))
    left = generator.integers(ORIENTATIONS, size=count)
    columns = np.arange(COLUMNS)
    hidden = (columns > first[:, None]) & (columns < (first + distances)[:, None])
    boards = np.where(hidden[:, None, :], BAND, EMPTY).repeat(ROWS, axis=1)
    image = np.arange(count)
    boards[image, row, first] = bar(left)
    boards[image, row, first + distances] = bar((left + turn) % ORIENTATIONS)
    _dots(boards, extra, generator)
    return boards


def label(boards: Board) -> NDArray[np.int64]:
    """Return 1 where all bars of a board have one orientation, 0 where not: (image,)."""
    flat = boards.reshape(len(boards), -1)
    kinds = np.stack([(flat == bar(turn)).any(1) for turn in range(ORIENTATIONS)], 1).sum(1)
    result: NDArray[np.int64] = (kinds <= 1).astype(np.int64)
    return result


def has_partner(boards: Board) -> NDArray[np.bool_]:
    """Return for each cell whether a bar lies there and the bars of its board match."""
    partnered: NDArray[np.bool_] = is_bar(boards) & (label(boards) == 1)[:, None, None]
    return partnered


def _dots(boards: Board, extra: NDArray[np.int64], generator: np.random.Generator) -> None:
    flat = boards.reshape(len(boards), -1)
    image, _number, cell = empty_cells(flat, extra, generator)
    flat[image, cell] = DOT
