"""What local windows count on a board, and how deep a CNN must be until one of its units sees both sides of a distance.

Windows tile the board; each adds one for every object of which it holds a half. K objects whose halves lie in different
windows give 2K, a half without partner gives 1: no window can tell the two apart.

A unit of n layers of k × k kernels with stride 1 sees (k − 1) n + 1 pixels, so both ends of a distance of d pixels lie
in a field from n = ⌈d / (k − 1)⌉ on. In the field is not yet heard: with even weights the influence is a bell with the
variance n (k² − 1) / 12 (Luo et al. 2016), and the ends of d lie within two standard deviations of its middle from
n = ¾ d² / (k² − 1) on. In a ViT every token sees every other in one layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vitviz.errors import OptionError
from vitviz.labs.long_range.contents import Board, identity_of, is_half
from vitviz.record import Record


@dataclass(frozen=True)
class Window(Record):
    """One window of a board, in cells, and what has been counted when it has been looked at."""

    row: int
    column: int
    height: int
    width: int
    objects: tuple[int, ...]
    """The identities of which it holds a half, each once: it adds as many."""
    total: int
    """Counted so far, this window included."""


def slide(board: Board, side: int) -> tuple[Window, ...]:
    """Return the windows that tile a board (row, column), row by row, with the count that runs along.

    Raises OptionError for a side below 1.

    >>> import numpy as np
    >>> from vitviz.labs.long_range.contents import half
    >>> from vitviz.labs.long_range.windows import slide
    >>> board = np.array([[half(0, 0), 0, 0, half(0, 1)]])  # one object, cut in two
    >>> slide(board, 2)[-1].total, slide(board, 4)[-1].total
    (2, 1)
    """
    if side < 1:
        raise OptionError(
            "A window of {side} cells holds nothing; wanted 1 or more.",
            side=side,
        )
    windows: list[Window] = []
    total = 0
    for row in range(0, board.shape[0], side):
        for column in range(0, board.shape[1], side):
            cells = board[row : row + side, column : column + side]
            objects = tuple(int(identity) for identity in np.unique(identity_of(cells[is_half(cells)])))
            total += len(objects)
            windows.append(Window(row, column, cells.shape[0], cells.shape[1], objects, total))
    return tuple(windows)


def layers_to_see(distance: int, kernel: int) -> int:
    """Return how many layers of a kernel (odd, from 3) until one unit's field holds both ends of a distance in pixels.

    Raises OptionError for another kernel or a negative distance.

    >>> from vitviz.labs.long_range.windows import layers_to_see
    >>> layers_to_see(40, 3), layers_to_see(40, 7)
    (20, 7)
    """
    _check(distance, kernel)
    return math.ceil(distance / (kernel - 1))


def layers_to_hear(distance: int, kernel: int) -> int:
    """Return how many layers until both ends lie within two standard deviations of an untrained field's middle.

    Raises OptionError as ``layers_to_see``.

    >>> from vitviz.labs.long_range.windows import layers_to_hear
    >>> layers_to_hear(40, 3)
    150
    """
    _check(distance, kernel)
    return max(layers_to_see(distance, kernel), math.ceil(0.75 * distance**2 / (kernel**2 - 1)))


def _check(distance: int, kernel: int) -> None:
    if distance < 0 or kernel < 3 or kernel % 2 == 0:
        raise OptionError(
            "A distance of {distance} pixels and a kernel of {kernel}; wanted one from 0 and an odd kernel from 3.",
            distance=distance,
            kernel=kernel,
        )
