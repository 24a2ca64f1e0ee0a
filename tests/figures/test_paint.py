"""Numbers, cells and bytes that all pictures share."""

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import OptionError
from vitviz.figures.lettering import typeface_for
from vitviz.figures.paint import bar_height, cell_index, draw_bar, paint_map
from vitviz.figures.palettes import table
from vitviz.figures.scale import Scale
from vitviz.numbers import number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.0, "0"), (0.0312, "0.0312"), (5.52e-6, "5.52e−6"), (1e-12, "1e−12"), (2e9, "2e9"), (-0.5, "−0.5")],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_cells_share_the_pixels_evenly():
    assert cell_index(6, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert cell_index(5, 2).tolist() == [0, 0, 0, 1, 1]
    with pytest.raises(OptionError, match="4 cells do not fit into 3 pixels"):
        cell_index(3, 4)


def test_smoothing_a_flat_map_changes_nothing():
    painted = paint_map(np.full((2, 3), 0.5), Scale(0, 1), height=10, width=12, interpolated=True)
    assert (painted == table("viridis")[128]).all()


def test_the_bar_runs_through_the_palette_from_left_to_right():
    scale = Scale(0.0, 1.0, 0.25)
    picture = Image.new("RGB", (300, bar_height(scale, 12) + 4), (255, 255, 255))
    draw_bar(picture, (20, 0), 256, scale, typeface_for("0"), size=12)
    bar = np.asarray(picture)[4, 20:276]
    assert (bar == table("viridis")).all()
    notch = np.asarray(picture)[13]  # just under the bar: the mark of 1/N at a quarter of it
    dark = np.flatnonzero((notch < 100).all(axis=-1))
    assert abs(dark.mean() - (20 + 255 * 0.25)) < 2
