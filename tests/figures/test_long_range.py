"""Figures of the Long range page: what is drawn, in which colours, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.curve import Curve
from vitviz.figures.long_range import distance_curves
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE

PIXELS = [8, 16, 24]


def test_curves_have_their_bands_the_level_of_guessing_and_the_field():
    made = distance_curves(
        [
            Curve("ViT", PIXELS, [1.0, 0.99, 0.98], low=[1.0, 0.98, 0.93], high=[1, 1, 1]),
            Curve("CNN", PIXELS, [1.0, 0.5, 0.25], CNN_VERMILION, "dash"),
        ],
        chance=("guessing", 0.25),
        field=("beyond the field", 20),
        current=16,
    )
    low, high, guess, vit, cnn = made.data
    assert np.allclose(low.y, [1.0, 0.98, 0.93])
    assert np.allclose(guess.y, 0.25)
    assert (vit.line.color, vit.line.dash) == (VIT_BLUE, "solid")
    assert (cnn.line.color, cnn.line.dash) == (CNN_VERMILION, "dash")
    rectangle, line = made.layout.shapes
    assert (rectangle.x0, rectangle.x1, line.x0) == (20, 28, 16)
    assert made.layout.xaxis.tickvals == (8, 16, 24)
    assert "CNN: from 1 to 0.25" in alt_text(made)


def test_without_a_curve_there_is_no_figure():
    with pytest.raises(OptionError, match="at least one curve; got none"):
        distance_curves([], chance=("guessing", 0.5))
