"""A receptive field over a photo: shares by hand, means of squares, boxes where they belong."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.field import VERMILION, cell_means, dashed_box, field_overlay, relative_field


def test_shares_are_of_the_strongest_pixel():
    values = [[4.0, 2.0], [0.4, 0.0]]
    linear, scale = relative_field(values, "linear")
    assert np.allclose(linear, [[1, 0.5], [0.1, 0]])
    assert (scale.low, scale.high) == (0, 1)
    log, scale = relative_field(values, "log")
    assert np.allclose(log, [[0, np.log10(0.5)], [-1, -3]])
    assert (scale.low, scale.high) == (-3, 0)


@pytest.mark.parametrize("values", [[[0.0, 0.0]], [[-1.0, 2.0]], [[np.nan, 1.0]]])
def test_what_is_no_field_is_refused(values):
    with pytest.raises(OptionError, match="wanted finite numbers, none negative"):
        relative_field(values)


def test_squares_are_means_and_must_fit():
    assert np.allclose(cell_means([[1, 3, 0, 0], [5, 7, 0, 8]], 2), [[4, 2]])
    with pytest.raises(OptionError, match="Squares of 3 pixels do not fill a map of 2 × 4"):
        cell_means(np.ones((2, 4)), 3)


def test_the_boxes_stand_where_the_pixels_are():
    photo = np.zeros((400, 400, 3), np.uint8)
    values = np.ones((40, 40))
    shown = field_overlay(photo, values, opacity=0, place=(20, 10, 24, 14))
    inside = (shown == (255, 122, 0)).all(-1)
    rows, columns = np.nonzero(inside)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (100, 139, 200, 239)
    box = dashed_box(photo, (100, 50, 300, 250))
    rows, columns = np.nonzero((box == VERMILION).all(-1))
    assert (rows.min(), columns.min()) == (50, 100)
    assert rows.max() <= 249
    assert columns.max() <= 299
