"""Contents: what lies in each cell of a long-range picture, as one whole number a cell.

A picture is a board of 4 × 8 cells of 8 × 8 pixels, the patches of the ViT. A board is an array (row, column), a batch
of them (image, row, column). Labels, rendering and moves all read the board, so a picture and its label cannot
disagree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Board = NDArray[np.int64]
"""Contents of the cells: (row, column), or (image, row, column)."""

ROWS, COLUMNS = 4, 8
"""Cells of a board from top to bottom and from left to right."""
CELL_PIXELS = 8
"""Height and width of a cell in pixels."""
IMAGE_SIZE = (ROWS * CELL_PIXELS, COLUMNS * CELL_PIXELS)
"""Height and width of a picture in pixels."""
SHAPES = ("disc", "frame")
COLOURS = ("blue", "orange", "green", "pink")
IDENTITIES = len(SHAPES) * len(COLOURS)
"""How many kinds of object there are: shape × colour."""
ORIENTATIONS = 6
"""How many orientations a bar has, 180° / 6 = 30° apart."""

EMPTY = 0
FIRST_HALF = 1
FIRST_BAR = FIRST_HALF + 2 * IDENTITIES
DOT = FIRST_BAR + ORIENTATIONS
BAND = DOT + 1
CODES = BAND + 1
"""How many different contents there are."""


def half(identity: Any, side: Any) -> Any:
    """Return the content of a half: the left (side 0) or right (side 1) half of an object. Also for arrays."""
    return FIRST_HALF + 2 * identity + side


def bar(orientation: Any) -> Any:
    """Return the content of a bar with an orientation from 0 to ORIENTATIONS − 1. Also for arrays."""
    return FIRST_BAR + orientation


def is_half(board: Board) -> NDArray[np.bool_]:
    """Return where halves lie, in the shape of the board."""
    return (board >= FIRST_HALF) & (board < FIRST_BAR)


def is_bar(board: Board) -> NDArray[np.bool_]:
    """Return where bars lie, in the shape of the board."""
    return (board >= FIRST_BAR) & (board < DOT)


def identity_of(content: Any) -> Any:
    """Return the kind of object (0 to IDENTITIES − 1) that a half belongs to. Also for arrays."""
    return (content - FIRST_HALF) // 2


def side_of(content: Any) -> Any:
    """Return 0 for a left half, 1 for a right half. Also for arrays."""
    return (content - FIRST_HALF) % 2


def partner_of(content: Any) -> Any:
    """Return the content of the half that completes a half. Also for arrays."""
    return half(identity_of(content), 1 - side_of(content))


def name_of(content: int) -> str:
    """Return a content in words, such as "left half of the blue disc" or "bar at 30°"."""
    if FIRST_HALF <= content < FIRST_BAR:
        identity = identity_of(content)
        shape, colour = SHAPES[identity // len(COLOURS)], COLOURS[identity % len(COLOURS)]
        return f"{('left', 'right')[side_of(content)]} half of the {colour} {shape}"
    if FIRST_BAR <= content < DOT:
        return f"bar at {(content - FIRST_BAR) * 180 // ORIENTATIONS}°"
    return {EMPTY: "empty", DOT: "dot", BAND: "band"}[int(content)]
