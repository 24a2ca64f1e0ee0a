"""What the Compare page says of a rank correlation: three readings, the number in the sentence."""

import math

import pytest

from vitviz.numbers import Signed
from vitviz.ui.choices.compare import KINDS
from vitviz.ui.explore.compare.maps import reading

ORDERS = {
    1.0: "much alike",
    0.8: "much alike",
    0.796: "much alike",  # shown as +0.80
    0.79: "agree in part",
    0.51: "agree in part",
    0.3: "agree in part",
    0.29: "little in common",
    0.0: "little in common",
    -0.29: "little in common",
    -0.3: "tend to be opposite",
    -1.0: "tend to be opposite",
}
MEANINGS = {
    "random": ("Much of this map", "Part of this map", "changes with the weights"),
    "class": ("says little about", "Part of this map", "depends on the class that"),
    "photo": ("whatever is there", "a method with places", "a low value is usual"),
    "model": ("rank the patches alike", "agree on some", "rank the patches differently"),
}


@pytest.mark.parametrize(("correlation", "orders"), ORDERS.items())
def test_the_number_and_how_far_the_orders_agree_are_said(correlation, orders):
    for against in KINDS:
        said = reading(correlation, against)
        assert said.startswith(f"Rank correlation {Signed(round(correlation, 2)):+.2f}: ")
        assert orders in said


@pytest.mark.parametrize("against", KINDS)
def test_what_it_means_depends_on_what_is_compared(against):
    for correlation, meaning in zip((0.9, 0.51, 0.1), MEANINGS[against], strict=True):
        assert meaning in reading(correlation, against)
    assert MEANINGS[against][2] in reading(-0.9, against)
    assert reading(math.nan, against) == "A map without differences has no order to compare."
