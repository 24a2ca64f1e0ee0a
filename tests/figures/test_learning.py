"""Figures of training runs and of the steps of a model: what is drawn, in words too, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.anatomy import activation_curves, filters, norm_curves, strip
from vitviz.figures.learning import Learner, learning_curves, mean_and_deviation, repeated_runs


def test_curves_have_their_band_their_level_and_their_words():
    line = Learner("ViT", [20, 200], [0.5, 0.75], deviations=[0.1, 0.05])
    made = learning_curves(
        [line], x_title="Digits", y_title="Accuracy", x_ticks=(20, 200), logarithmic=(True, False),
        percent=True, reference=("guessing", 0.1),
    )  # fmt: skip
    low, high, curve, level = made.data
    assert np.allclose(low.y, [0.4, 0.7])
    assert np.allclose(high.y, [0.6, 0.8])
    assert np.allclose(curve.y, [0.5, 0.75])
    assert np.allclose(level.y, 0.1)
    assert made.layout.xaxis.type == "log"
    assert "ViT: from 0.5 to 0.75" in alt_text(made)


def test_repeated_runs_have_a_dot_each_and_their_mean_and_deviation():
    made = repeated_runs({"alone": ([0.8, 0.9], "#0072B2"), "one": ([0.5], "#D55E00")}, y_title="y")
    assert [len(each.y) for each in made.data] == [2, 1, 2]
    assert np.allclose(made.data[-1].y, [0.85, 0.5])
    assert np.allclose(made.data[-1].error_y.array, [np.std([0.8, 0.9], ddof=1), 0])
    assert "2 points" in alt_text(made)


def test_mean_and_deviation_leave_missing_runs_out():
    mean, deviation = mean_and_deviation([[1.0, 3.0, np.nan], [5.0, np.nan, np.nan]])
    assert mean.tolist() == [2, 5]
    assert deviation == pytest.approx([np.sqrt(2), 0])


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


@pytest.mark.parametrize(("draw", "message"), [
    (lambda: learning_curves([], x_title="", y_title=""), "at least one curve; got none"),
    (lambda: learning_curves([Learner("a", [1], [1, 2])], x_title="", y_title=""), "2 values for 1"),
    (lambda: repeated_runs({}, y_title=""), "at least one group; got none"),
    (lambda: mean_and_deviation([[np.nan]]), "1 of 1 groups have no finished run"),
    (lambda: strip([1.0], rows=0), "A strip of 0 rows"),
    (lambda: filters(np.zeros((3, 4))), r"got shape \(3, 4\)"),
    (lambda: norm_curves({}, x_title="", y_title=""), "at least one line; got none"),
    (lambda: activation_curves([0, np.nan], {}, x_title="x", y_title="", x_range=(0, 1)), "NaN"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(draw, message):
    with pytest.raises(OptionError, match=message):
        draw()
