"""Pictures of the steps of a model: strips, filters, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.anatomy import filters, strip


def test_a_strip_reads_row_by_row_and_fills_up_with_white():
    picture = strip([1.0, 0.0, -1.0], rows=2, cell=3, height=4)
    assert picture.shape == (8, 6, 3)
    assert picture[0, 0, 0] > picture[0, 0, 2]  # red above zero
    assert picture[4, 0, 2] > picture[4, 0, 0]  # blue below
    assert (picture[4, 3] == 255).all()


def test_filters_are_grey_at_zero_and_laid_out_in_columns():
    sheet = filters(np.zeros((3, 3, 2, 2)), columns=2, pixels=4, gap=1)
    assert sheet.shape == (10, 10, 3)
    assert (sheet[0, 0] == 128).all()


@pytest.mark.parametrize(("make", "message"), [
    (lambda: strip([1.0], rows=0), "A strip of 0 rows"),
    (lambda: filters(np.zeros((3, 4))), r"got shape \(3, 4\)"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()
