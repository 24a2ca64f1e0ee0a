"""Boards: labels against a slow count, distances, balance, and that nothing but the couples tells the answer."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.long_range import contents, counting, occluder, tasks
from vitviz.labs.long_range.contents import BAND, COLUMNS, DOT, EMPTY, IDENTITIES, ORIENTATIONS
from vitviz.labs.long_range.moves import distance, partner_cell

COUNT = 400


def boards(task, **options):
    return tasks.find(task).sample(COUNT, generator=np.random.default_rng(3), **options)


def slow_count(board):
    halves = [int(each) for each in board.reshape(-1) if contents.is_half(each)]
    kinds = [(contents.identity_of(each), contents.side_of(each)) for each in halves]
    return sum((kind, 0) in kinds and (kind, 1) in kinds for kind in range(IDENTITIES))


@pytest.mark.parametrize("task", ["counting", "occluder"])
def test_one_seed_gives_one_sample(task):
    assert np.array_equal(boards(task), boards(task))


def test_the_label_is_the_number_of_whole_objects():
    made = boards("counting")
    assert counting.label(made).tolist() == [slow_count(board) for board in made]
    assert set(counting.label(made)) == {0, 1, 2, 3}


@pytest.mark.parametrize("pairs", [0, 3])
@pytest.mark.parametrize("apart", [1, 4, 7])
def test_couples_lie_at_the_distance_and_as_many_match_as_wanted(pairs, apart):
    made = boards("counting", distance=apart, pairs=pairs)
    assert (counting.label(made) == pairs).all()
    for board in made[:40]:
        for cell in np.flatnonzero(counting.has_partner(board[None])[0]):
            assert distance(int(cell), partner_cell(board, int(cell))) == apart


def test_the_number_of_halves_their_sides_and_places_do_not_reveal_the_count():
    for extra in (0, 2):
        for pairs in range(4):
            made = boards("counting", pairs=pairs, distractors=extra)
            assert (contents.is_half(made).sum((1, 2)) == 2 * counting.COUPLES + extra).all()
    places = [
        contents.is_half(
            counting.sample(50, generator=np.random.default_rng(1), distance=3, pairs=pairs, distractors=2)
        )
        for pairs in range(4)
    ]
    assert all(np.array_equal(places[0], each) for each in places)  # one seed, one layout


def test_a_window_without_a_whole_couple_looks_alike_for_every_count():
    """Every half of every identity is as frequent whatever the count: a share of 1/16 within its sampling error."""
    many = np.random.default_rng(5)
    for pairs in range(4):
        made = counting.sample(3000, generator=many, distance=5, pairs=pairs, distractors=0)
        codes = made[contents.is_half(made)] - contents.FIRST_HALF
        share = np.bincount(codes, minlength=2 * IDENTITIES) / len(codes)
        assert np.abs(share - 1 / (2 * IDENTITIES)).max() < 5 * np.sqrt(1 / 16 / len(codes))


def test_bars_lie_beside_the_band_and_match_as_wanted():
    for match in (0, 1):
        made = boards("occluder", distance=4, pairs=match, distractors=2)
        assert (occluder.label(made) == match).all()
        assert ((made == BAND).any(1).sum(1) == 3).all()
        assert ((made == DOT).sum((1, 2)) == 2).all()
        for board in made[:40]:
            (row, left), (other, right) = np.argwhere(contents.is_bar(board))
            assert (row, right - left) == (other, 4)
            assert (board[:, left + 1 : right] == BAND).all()


def test_each_bar_has_every_orientation_whatever_the_answer():
    for match in (0, 1):
        made = occluder.sample(3000, generator=np.random.default_rng(2), distance=7, pairs=match)
        for column in (0, COLUMNS - 1):
            codes = made[:, :, column][contents.is_bar(made[:, :, column])] - contents.FIRST_BAR
            share = np.bincount(codes, minlength=ORIENTATIONS) / len(codes)
            assert np.abs(share - 1 / ORIENTATIONS).max() < 5 * np.sqrt(1 / 6 / 3000)


@pytest.mark.parametrize("task", ["counting", "occluder"])
def test_answers_are_balanced(task):
    result = tasks.find(task)
    labels = result.label(result.sample(4000, generator=np.random.default_rng(4)))
    share = np.bincount(labels) / 4000
    assert np.abs(share - 1 / result.answers).max() < 0.035


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distance": 0}, "distance is 0; wanted 1 to 7"),
        ({"distance": [8] * COUNT}, "distance is 8; wanted 1 to 7"),
        ({"pairs": 4}, "pairs is 4; wanted 0 to 3"),
        ({"distractors": 3}, "distractors is 3; wanted 0 to 2"),
    ],
)
def test_values_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        boards("counting", **options)


def test_an_unknown_task_is_refused():
    with pytest.raises(OptionError, match="counting"):
        tasks.find("flying")


def test_names_say_what_a_cell_holds():
    assert contents.name_of(EMPTY) == "empty"
    assert contents.name_of(contents.half(0, 0)) == "left half of the blue disc"
    assert contents.name_of(contents.half(7, 1)) == "right half of the pink frame"
    assert contents.name_of(contents.bar(5)) == "bar at 150°"
    assert contents.partner_of(contents.half(7, 1)) == contents.half(7, 0)
