"""The mosaic of positions: every map at its place, the selected one outlined; curves over distance."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.mosaic import mosaic
from vitviz.figures.palettes import QUERY, colour
from vitviz.figures.scale import Scale

SCALE = Scale(-1, 1, signed=True)


def test_every_map_stands_at_its_place():
    maps = np.linspace(-1, 1, 2 * 3 * 2 * 3).reshape(2, 3, 2, 3)
    sheet = np.asarray(mosaic(maps, scale=SCALE, width=3 * (3 * 100 + 3), gap=3))
    for row in range(2):
        for column in range(3):
            corner = sheet[row * 203 + 50, column * 303 + 50]
            assert np.array_equal(corner, colour(maps[row, column, :1, :1], "RdBu", -1, 1)[0, 0])


def test_the_selected_map_is_outlined():
    maps = np.zeros((4, 4, 4, 4))
    plain = np.asarray(mosaic(maps, scale=SCALE))
    marked = np.asarray(mosaic(maps, scale=SCALE, selected=(1, 2)))
    alone = np.asarray(mosaic(maps, scale=SCALE, selected=(1, 2), bar=False))
    assert (alone == marked[: alone.shape[0]]).all()
    changed = (plain != marked).any(-1)
    rows, columns = np.nonzero(changed)
    assert (marked[changed] == QUERY).all()
    assert 200 < rows.min() < 220
    assert 420 < columns.min() < 440


def test_other_shapes_are_refused():
    with pytest.raises(OptionError, match="rows, columns, map rows, map columns"):
        mosaic(np.zeros((4, 4)), scale=SCALE)
