"""Curves of removed patches: what is drawn, in which order and colour, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.palettes import PINNED
from vitviz.figures.removal_curves import random_curve, removal_curves

SHARES = [0.0, 0.5, 1.0]


def test_a_curve_a_map_in_the_order_given_and_the_band_behind_them():
    random = random_curve("random", SHARES, [0.9, 0.5, 0.1], [0.8, 0.4, 0.0], [1.0, 0.6, 0.2])
    made = removal_curves(SHARES, {"A": [0.9, 0.2, 0.1], "B <b>": [0.9, 0.7, 0.1]}, random=random)
    low, high, mean, first, second = made.data
    assert np.allclose(low.y, random.low)
    assert np.allclose(high.y, random.high)
    assert high.fill == "tonexty"
    assert (mean.name, mean.line.dash) == ("random", "dot")
    assert [first.name, second.name] == ["A", "B &lt;b&gt;"]
    assert [first.line.color, second.line.color] == list(PINNED[:2])
    assert np.allclose(first.x, SHARES)
    assert np.allclose(second.y, [0.9, 0.7, 0.1])
    assert "B <b>: from 0.9 to 0.1" in alt_text(made)


@pytest.mark.parametrize(
    ("curves", "message"), [({}, "got none"), ({"A": [1.0, 0.0]}, "'A' has x of shape .3,. and y of shape .2,.;")]
)
def test_no_curve_and_a_curve_of_other_steps_are_refused(curves, message):
    with pytest.raises(OptionError, match=message):
        removal_curves(SHARES, curves)


def test_a_curve_with_gaps_is_refused():
    with pytest.raises(OptionError, match="1 of 3 values are NaN"):
        removal_curves(SHARES, {"A": [1.0, float("nan"), 0.0]})
