"""Moves: what a drag does, boards as texts, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.long_range import counting, moves, occluder
from vitviz.labs.long_range.contents import BAND, COLUMNS, DOT, EMPTY, ROWS, bar, half, is_bar


def halves(**cells):
    board = np.full((ROWS, COLUMNS), EMPTY)
    for cell, content in cells.items():
        board.flat[int(cell[1:])] = content
    return board


def bars(left=1, right=4, row=2, first=0, second=0):
    board = np.full((ROWS, COLUMNS), EMPTY)
    board[:, left + 1 : right] = BAND
    board[row, left], board[row, right] = bar(first), bar(second)
    return board


def test_a_half_moves_and_keeps_its_partner():
    board = halves(c0=half(3, 0), c1=half(3, 1), c9=half(5, 0))
    after = moves.moved(board, 1, 31)
    assert after.flat[31] == half(3, 1)
    assert after.flat[1] == EMPTY
    assert board.flat[1] == half(3, 1)  # the board that was given stays
    assert counting.label(after[None]).tolist() == counting.label(board[None]).tolist() == [1]
    assert moves.partner_cell(after, 0) == 31
    assert moves.partner_cell(after, 9) is None
    assert moves.distance(0, 31) == 7


def test_a_bar_takes_the_other_along_and_the_band_grows():
    board = bars(second=2)
    board[0, 6] = DOT
    after = moves.moved(board, 2 * COLUMNS + 4, 0 * COLUMNS + 7)
    assert is_bar(after[0, 1])
    assert after[0, 7] == bar(2)
    assert (after[:, 2:7] == BAND).all()
    assert (after == DOT).sum() == 1  # the dot that the band would hide found another cell
    assert occluder.label(after[None])[0] == 0
    assert moves.board_of(moves.text_of(after)).tolist() == after.tolist()


def test_turning_a_bar_all_round_brings_it_back():
    board = bars()
    cell = 2 * COLUMNS + 1
    turned = moves.turned(board, cell)
    assert occluder.label(turned[None])[0] == 0
    for _ in range(5):
        turned = moves.turned(turned, cell)
    assert np.array_equal(turned, board)


@pytest.mark.parametrize("sample", [counting.sample, occluder.sample])
def test_every_board_survives_its_text(sample):
    for board in sample(30, generator=np.random.default_rng(0)):
        assert np.array_equal(moves.board_of(moves.text_of(board)), board)


@pytest.mark.parametrize(
    ("start", "end", "message"), [(1, 0, "Cell 1 holds nothing"), (0, 5, "cell 5 is taken"), (0, 32, "no cell 32")]
)
def test_a_half_cannot_go_everywhere(start, end, message):
    with pytest.raises(OptionError, match=message):
        moves.moved(halves(c0=half(3, 0), c5=half(4, 1)), start, end)


@pytest.mark.parametrize("column", [4, 6])
def test_a_bar_stays_on_its_side(column):
    with pytest.raises(OptionError, match="past the other bar"):
        moves.moved(bars(), 2 * COLUMNS + 1, column)


def test_nothing_but_a_bar_turns():
    with pytest.raises(OptionError, match="No bar lies in cell 0"):
        moves.turned(bars(), 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 31,
        "0" * 32,
        "z" * 32,
        "11" + "0" * 30,  # a half twice
        moves.text_of(bars())[:-1] + "1",  # a half beside bars
        moves.text_of(bars()).replace(moves.text_of(bars(2, 3))[18], "0", 1),  # one bar
        moves.text_of(halves(c0=half(0, 0), c1=DOT)),
    ],
)
def test_a_text_that_is_no_board_is_refused(text):
    with pytest.raises(OptionError, match="digits from 0|none of ours"):
        moves.board_of(text)
