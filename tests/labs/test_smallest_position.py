"""Four patches: the closed form, all six arrangements, the limits, and no positions."""

import math

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.smallest_position import ARRANGEMENTS, contents, run


def test_there_are_six_arrangements_and_the_diagonals_come_first():
    assert ARRANGEMENTS[:2] == ("ABBA", "BAAB")
    assert len(set(ARRANGEMENTS)) == 6
    assert all(contents(each).sum() == 0 for each in ARRANGEMENTS)


def test_by_hand():
    """For c = log 3: diagonal places get 3/8 each, the others 1/8; tanh(c/2) is one half."""
    result = run(math.log(3))
    assert np.allclose(result.attention, [3 / 8, 1 / 8, 1 / 8, 3 / 8])
    assert np.allclose(result.outputs, [0.5, -0.5, 0, 0, 0, 0])


@pytest.mark.parametrize("weight", [-math.inf, -1000.0, -6.0, -0.3, 0.0, 1e-9, 0.5, 2.0, 6.0, 1000.0, math.inf])
def test_attention_gives_the_closed_form(weight):
    result = run(weight)
    assert result.largest_difference <= 1e-12
    assert result.outputs[0] == pytest.approx(math.tanh(weight / 2), abs=1e-12)
    assert np.abs(result.outputs[2:]).max() == pytest.approx(0, abs=1e-15)
    assert result.attention.sum() == pytest.approx(1)


@pytest.mark.parametrize("weight", [-5.0, 0.0, 5.0, math.inf])
def test_without_positions_all_six_are_zero(weight):
    result = run(weight, positions=False)
    assert np.allclose(result.attention, 0.25)
    assert np.abs(result.outputs).max() == 0
    assert result.largest_difference == 0


def test_messages():
    with pytest.raises(OptionError, match="weight must be a number; got nan"):
        run(math.nan)
    with pytest.raises(OptionError, match="'AAAB' is no arrangement; wanted two A and two B"):
        contents("AAAB")
