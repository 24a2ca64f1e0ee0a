"""Shares of answers as text: one rounding on every page."""

import pytest

from vitviz.ui.furniture.strip import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1, "100%"),
        (0.126, "13%"),
        (0.1, "10%"),
        (0.09996, "10%"),  # not "10.00%"
        (0.0994, "9.94%"),
        (0.0004, "0.04%"),
        (0, "0.00%"),
    ],
)
def test_a_small_share_has_two_more_digits(share, text):
    assert percent(share) == text
