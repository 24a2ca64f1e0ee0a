"""Counting: boards with couples of halves, of which some match. How many objects are whole?

Three couples (a left and a right half each) lie at chosen distances. In a matching couple both halves are of the
same kind of object; otherwise the two kinds differ, and no other half completes them. So the number of halves, and
where they lie, are the same for every answer: only a comparison of the two halves of a couple tells.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.labs.long_range.contents import COLUMNS, EMPTY, IDENTITIES, ROWS, Board, half, is_half, partner_of

COUPLES = 3
"""Couples of halves on a board; the answer is 0 to COUPLES."""
MOST_DISTRACTORS = 2
"""Most halves without a couple."""
LONGEST = COLUMNS - 1
"""Largest distance of two cells, counted along the longer of the two axes."""


def sample(
    count: int,
    *,
    generator: np.random.Generator,
    distance: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    distractors: ArrayLike | None = None,
) -> Board:
    """Return random boards (image, row, column).

    ``distance``: cells between the halves of a couple along the longer axis, 1 to 7, for all couples; left out, every
    couple draws its own. ``pairs``: matching couples, 0 to 3. ``distractors``: 0 to 2. What is left out is drawn
    uniformly. Couple 0 is the one that matches first. Raises OptionError for a value out of range.
    """
    distances = wanted_values("distance", distance, (1, LONGEST), (count, COUPLES), generator)
    matching = wanted_values("pairs", pairs, (0, COUPLES), (count,), generator)
    extra = wanted_values("distractors", distractors, (0, MOST_DISTRACTORS), (count,), generator)
    cells = _places(distances, generator)  # (image, couple, side)
    order = generator.permuted(np.tile(np.arange(IDENTITIES), (count, 1)), axis=1)
    left = order[:, :COUPLES]
    right = np.where(np.arange(COUPLES) < matching[:, None], left, order[:, COUPLES : 2 * COUPLES])
    boards = np.full((count, ROWS * COLUMNS), EMPTY)
    rows = np.arange(count)[:, None]
    boards[rows, cells[:, :, 0]] = half(left, 0)
    boards[rows, cells[:, :, 1]] = half(right, 1)
    _scatter(boards, extra, order[:, 2 * COUPLES :], generator)
    return boards.reshape(count, ROWS, COLUMNS)


def label(boards: Board) -> NDArray[np.int64]:
    """Return how many objects are whole, (image,): kinds of which a left and a right half lie on the board."""
    flat = boards.reshape(len(boards), -1)
    present = np.stack([(flat == code).any(1) for code in range(half(0, 0), half(IDENTITIES, 0))], 1)
    both: NDArray[np.int64] = (present[:, 0::2] & present[:, 1::2]).sum(1)
    return both


def has_partner(boards: Board) -> NDArray[np.bool_]:
    """Return for each cell whether a half lies there whose other half lies anywhere on the board."""
    flat = boards.reshape(len(boards), -1)
    there = (partner_of(flat)[:, :, None] == flat[:, None, :]).any(2)  # (image, cell)
    partnered: NDArray[np.bool_] = is_half(boards) & there.reshape(boards.shape)
    return partnered


@cache
def couples_at(distance: int) -> NDArray[np.int64]:
    """Return all ordered pairs of cells whose rows or columns are ``distance`` apart and neither more: (pair, 2)."""
    row, column = np.divmod(np.arange(ROWS * COLUMNS), COLUMNS)
    apart = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column))
    return np.argwhere(apart == distance)


def _places(distances: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return cells (image, couple, side) with the wanted distances, no cell twice; clashing boards are drawn again."""
    cells = np.zeros((len(distances), COUPLES, 2), np.int64)
    open_ = np.arange(len(distances))
    while len(open_):
        for distance in range(1, LONGEST + 1):
            image, couple = np.nonzero(distances[open_] == distance)
            choices = couples_at(distance)
            cells[open_[image], couple] = choices[generator.integers(len(choices), size=len(image))]
        ordered = np.sort(cells[open_].reshape(len(open_), -1), axis=1)
        open_ = open_[(np.diff(ordered, axis=1) == 0).any(1)]
    return cells


def _scatter(
    boards: Board, extra: NDArray[np.int64], identities: NDArray[np.int64], generator: np.random.Generator
) -> None:
    """Lay ``extra`` halves without a couple into empty cells of flat boards."""
    image, number, cell = empty_cells(boards, extra, generator)
    sides = generator.integers(2, size=(len(boards), MOST_DISTRACTORS))
    boards[image, cell] = half(identities[image, number], sides[image, number])


def empty_cells(
    boards: Board, extra: NDArray[np.int64], generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return board, number and cell of each of ``extra`` distractors (board,): random empty cells of flat boards."""
    priority = generator.random(boards.shape)
    priority[boards != EMPTY] = 2.0
    free = np.argsort(priority, axis=1)[:, :MOST_DISTRACTORS]
    image, number = np.nonzero(np.arange(MOST_DISTRACTORS) < extra[:, None])
    return image, number, free[image, number]


def wanted_values(
    name: str, value: ArrayLike | None, limits: tuple[int, int], shape: tuple[int, ...], generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return given values in the shape of the boards, or random ones within the limits, both ends included.

    Raises OptionError for values outside the limits.
    """
    low, high = limits
    if value is None:
        return generator.integers(low, high + 1, size=shape)
    given = np.asarray(value, np.int64)
    if given.min() < low or given.max() > high:
        raise OptionError(
            "The {name} is {number}; wanted {low} to {high}. Choose another.",
            name=name,
            number=given.min() if given.min() < low else given.max(),
            low=low,
            high=high,
        )
    return np.broadcast_to(given.reshape(given.shape + (1,) * (len(shape) - given.ndim)), shape)
