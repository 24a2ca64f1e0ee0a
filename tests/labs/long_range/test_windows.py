"""Local windows: counts by hand, 2K where couples are parted, and depths against the field's own formula."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.long_range import tasks
from vitviz.labs.long_range.contents import half, identity_of, is_half
from vitviz.labs.long_range.counter import count
from vitviz.labs.long_range.windows import layers_to_hear, layers_to_see, slide


def test_windows_by_hand():
    board = np.zeros((4, 8), int)
    board[0, 0], board[0, 1], board[3, 7] = half(2, 0), half(2, 1), half(5, 0)
    first = slide(board, 2)[0]
    assert (first.objects, first.total, first.height, first.width) == ((2,), 1, 2, 2)  # both halves in one window
    assert [slide(board, side)[-1].total for side in (1, 2, 4, 8)] == [3, 2, 2, 2]
    assert [len(slide(board, side)) for side in (1, 2, 4, 8)] == [32, 8, 2, 1]


@pytest.mark.parametrize("seed", range(5))
def test_parted_couples_count_twice_and_the_whole_board_is_the_trace(seed):
    board = tasks.find("counting").sample(1, generator=np.random.default_rng(seed), distance=4, pairs=2, distractors=1)[
        0
    ]
    identities = [int(identity) for identity in identity_of(board[is_half(board)])]
    exact = count(identities, float("inf"))
    assert slide(board, 1)[-1].total == len(identities) == 2 * exact.complete + (exact.tokens - 2 * exact.complete)
    assert slide(board, 8)[-1].total == exact.distinct == pytest.approx(exact.trace)


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_the_layers_are_the_fewest_whose_field_holds_both_ends(kernel):
    for distance in (8, 24, 40, 56):
        layers = layers_to_see(distance, kernel)
        assert (kernel - 1) * layers + 1 >= distance + 1 > (kernel - 1) * (layers - 1) + 1
        deep = layers_to_hear(distance, kernel)
        assert 2 * np.sqrt(deep * (kernel**2 - 1) / 12) >= distance / 2 or deep == layers
    with pytest.raises(OptionError, match="an odd kernel from 3"):
        layers_to_see(8, 4)
    with pytest.raises(OptionError, match="wanted 1 or more"):
        slide(np.zeros((4, 8), int), 0)
