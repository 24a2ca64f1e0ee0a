"""Moves: what a reader does to a board, and a board as a text for a link.

No move changes how many halves or bars lie on the board.
"""

from __future__ import annotations

import numpy as np

from vitviz.errors import OptionError
from vitviz.labs.long_range.contents import (
    BAND,
    CODES,
    COLUMNS,
    DOT,
    EMPTY,
    FIRST_BAR,
    ORIENTATIONS,
    ROWS,
    Board,
    is_bar,
    is_half,
    partner_of,
)

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
assert len(_DIGITS) >= CODES


def moved(board: Board, start: int, end: int) -> Board:
    """Return a board (row, column) on which what lay in cell ``start`` lies in cell ``end``; cells count row by row.

    A half, or a dot, moves to an empty cell. A bar takes the other bar to its row, and the band between them grows or
    shrinks; dots that it would hide move to empty cells. Raises OptionError where nothing lies at ``start``, ``end``
    is not free, or a bar would pass the other.
    """
    cells = board.reshape(-1)
    for cell in (start, end):
        if not 0 <= cell < cells.size:
            raise OptionError("There is no cell {cell}; wanted 0 to {last}.", cell=cell, last=cells.size - 1)
    if is_bar(cells[start]):
        return _moved_bar(board, start, end)
    if cells[start] in (EMPTY, BAND) or (cells[end] != EMPTY and start != end):
        raise OptionError(
            "Cell {start} holds nothing to move, or cell {end} is taken; wanted a half or a dot, and an empty cell.",
            start=start,
            end=end,
        )
    result = cells.copy()
    result[start], result[end] = EMPTY, cells[start]
    return result.reshape(board.shape)


def turned(board: Board, cell: int) -> Board:
    """Return a board on which the bar in a cell is turned by one step; raises OptionError where no bar lies."""
    cells = board.reshape(-1).copy()
    if not is_bar(cells[cell]):
        raise OptionError("No bar lies in cell {cell}; choose one of the two bars.", cell=cell)
    cells[cell] = FIRST_BAR + (cells[cell] - FIRST_BAR + 1) % ORIENTATIONS
    return cells.reshape(board.shape)


def partner_cell(board: Board, cell: int) -> int | None:
    """Return the cell of the other half of the half in a cell, or of the other bar; None where there is none."""
    cells = board.reshape(-1)
    if is_half(cells[cell]):
        partners = np.flatnonzero(cells == partner_of(cells[cell]))
    elif is_bar(cells[cell]):
        partners = np.flatnonzero(is_bar(cells) & (np.arange(cells.size) != cell))
    else:
        partners = np.array([], int)
    return int(partners[0]) if len(partners) else None


def distance(cell: int, other: int) -> int:
    """Return how many cells two cells lie apart along the longer of the two axes."""
    (row, column), (other_row, other_column) = divmod(cell, COLUMNS), divmod(other, COLUMNS)
    return max(abs(row - other_row), abs(column - other_column))


def text_of(board: Board) -> str:
    """Return a board as a text of one digit a cell, row by row."""
    return "".join(_DIGITS[content] for content in board.reshape(-1))


def board_of(text: str) -> Board:
    """Return the board of a text that ``text_of`` made.

    Raises OptionError for another length, an unknown digit, or a board that no move leads to: a half twice, halves
    and bars together, or bars that do not lie beside the band in one row.
    """
    if len(text) != ROWS * COLUMNS or any(digit not in _DIGITS[:CODES] for digit in text):
        raise OptionError(
            "A board is written as {count} digits from 0 to {last}, one a cell; got {given}.",
            count=ROWS * COLUMNS,
            last=_DIGITS[CODES - 1],
            given=repr(text),
        )
    board = np.array([_DIGITS.index(digit) for digit in text], np.int64).reshape(ROWS, COLUMNS)
    halves, bars = board[is_half(board)], np.argwhere(is_bar(board))
    if len(bars):
        sound = len(bars) == 2 and not len(halves) and _is_banded(board, bars)
    else:
        sound = len(halves) >= 1 and len(set(halves.tolist())) == len(halves)
        sound = sound and not np.isin(board, (BAND, DOT)).any()
    if not sound:
        raise OptionError(
            "The board {given} is none of ours; wanted halves of which none occurs twice, "
            "or two bars in one row with the band between them. Draw a new one.",
            given=repr(text),
        )
    return board


def _is_banded(board: Board, bars: Board) -> bool:
    (row, left), (other, right) = bars
    hidden = np.zeros(board.shape, bool)
    hidden[:, left + 1 : right] = True
    return bool(row == other and ((board == BAND) == hidden).all())


def _moved_bar(board: Board, start: int, end: int) -> Board:
    other = partner_cell(board, start)
    column, other_column = end % COLUMNS, (other or 0) % COLUMNS
    if other is None or (start % COLUMNS < other_column) != (column < other_column) or column == other_column:
        raise OptionError(
            "A bar cannot move from cell {start} to cell {end}, past the other bar; keep it on its side.",
            start=start,
            end=end,
        )
    row, cells = end // COLUMNS, board.reshape(-1)
    left, right = sorted((column, other_column))
    result = np.full(board.shape, EMPTY)
    result[:, left + 1 : right] = BAND
    result[row, column], result[row, other_column] = cells[start], cells[other]
    flat = result.reshape(-1)
    homeless = []
    for cell in np.flatnonzero(cells == DOT):
        if flat[cell] == EMPTY:
            flat[cell] = DOT
        else:
            homeless.append(cell)
    for _cell, free in zip(homeless, np.flatnonzero(flat == EMPTY), strict=False):
        flat[free] = DOT
    return result
