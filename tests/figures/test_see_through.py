"""A sheet without a ground of its own: laid on any ground it is what was drawn on that ground."""

import numpy as np
import pytest
from PIL import Image

from vitviz.figures.anatomy import filters
from vitviz.figures.arrangements import arrangement_sheet
from vitviz.figures.see_through import GREY_INK, see_through


def arrangements(ground):
    return arrangement_sheet(["ABBA"], [0.5, 0.0, 0.25, 0.25], ["+1"], per_row=1, background=ground, ink=GREY_INK)


def columns(ground):
    return Image.fromarray(filters(np.random.default_rng(0).normal(size=(3, 3, 4, 4)), columns=2, ground=ground))


@pytest.mark.parametrize("draw", [arrangements, columns])
@pytest.mark.parametrize("ground", [(255, 255, 255), (3, 4, 6), (200, 30, 90)])
def test_a_clear_sheet_on_a_ground_is_the_sheet_drawn_on_it(draw, ground):
    clear, drawn = see_through(draw), np.asarray(draw(ground)).astype(int)
    below = Image.new("RGBA", clear.size, (*ground, 255))
    laid = np.asarray(Image.alpha_composite(below, clear).convert("RGB")).astype(int)
    assert np.abs(laid - drawn).max() <= 3
    assert np.asarray(clear)[..., 3].min() == 0
