"""Figures of the Long range page: what is drawn, in which colours, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.long_range import Answers, count_curve, distance_curves, verdict_bars
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE

PIXELS = [8, 16, 24]


def test_curves_have_their_bands_the_level_of_guessing_and_the_field():
    made = distance_curves(
        PIXELS,
        [
            Answers("ViT", [1.0, 0.99, 0.98], [0.0, 0.01, 0.05]),
            Answers("CNN", [1.0, 0.5, 0.25], None, CNN_VERMILION, dashed=True),
        ],
        chance=("guessing", 0.25),
        field=("beyond the field", 20),
        current=16,
    )
    low, high, guess, vit, cnn = made.data
    assert np.allclose(low.y, [1.0, 0.98, 0.93])
    assert np.allclose(high.y, [1, 1, 1])  # an accuracy is not above 1
    assert np.allclose(guess.y, 0.25)
    assert (vit.line.color, vit.line.dash) == (VIT_BLUE, "solid")
    assert (cnn.line.color, cnn.line.dash) == (CNN_VERMILION, "dash")
    rectangle, line = made.layout.shapes
    assert (rectangle.x0, rectangle.x1, line.x0) == (20, 28, 16)
    assert "CNN: from 1 to 0.25" in alt_text(made)


@pytest.mark.parametrize("curves", [[], [Answers("ViT", [1.0])]])
def test_curves_of_another_length_are_refused(curves):
    with pytest.raises(OptionError, match="than the 3 distances"):
        distance_curves(PIXELS, curves, chance=("guessing", 0.5))


def test_bars_one_a_network_and_the_right_answer_is_bold():
    made = verdict_bars(["0 <b>", "1"], [Answers("ViT", [0.2, 0.8]), Answers("CNN", [0.5, 0.5], dashed=True)], truth=1)
    assert [bar.name for bar in made.data] == ["ViT", "CNN"]
    assert made.layout.yaxis.ticktext == ("0 &lt;b&gt;", "<b>1</b>")
    assert made.data[1].marker.pattern.shape == "/"
    assert "ViT: 0 <b> 20.0%, 1 80.0%." in alt_text(made)


@pytest.mark.parametrize("values", [[0.5], [0.5, 1.2], [-0.1, 1.1]])
def test_what_is_no_probability_is_refused(values):
    with pytest.raises(OptionError, match="wanted one an answer"):
        verdict_bars(["0", "1"], [Answers("ViT", values)], truth=0)


def test_the_count_tends_to_its_limit_and_the_chosen_beta_is_marked():
    made = count_curve([0, 1, 2], [1.0, 2.0, 2.9], limit=("whole", 3.0), current=(1, 2.0))
    exact, line, point = made.data
    assert np.allclose(exact.y, 3)
    assert np.allclose(line.y, [1, 2, 2.9])
    assert (point.x, point.y) == ((1,), (2.0,))
