"""Repeated runs: their dots, mean and deviation, in words too, and what is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.repeated_runs import mean_and_deviation, repeated_runs


def test_repeated_runs_have_a_dot_each_and_their_mean_and_deviation():
    made = repeated_runs({"alone": ([0.8, 0.9], "#0072B2"), "one": ([0.5], "#D55E00")}, y_title="y")
    assert [len(trace.x) for trace in made.data] == [2, 1, 2]
    assert np.allclose(made.data[-1].y, [0.85, 0.5])
    assert np.allclose(made.data[-1].error_y.array, [np.std([0.8, 0.9], ddof=1), 0])
    assert "2 points" in alt_text(made)


def test_names_of_groups_stand_in_short_lines_in_both_languages():
    names = ("ViT, labels alone", "ViT，仅用标签", "CNN，教师", "Hinton's loss")
    made = repeated_runs({name: ([0.5], "#0072B2") for name in names}, y_title="y")
    assert list(made.layout.xaxis.ticktext) == [
        "ViT,<br>labels<br>alone",
        "ViT，<br>仅用标签",
        "CNN，<br>教师",
        "Hinton's<br>loss",
    ]


def test_mean_and_deviation_leave_missing_runs_out():
    mean, deviation = mean_and_deviation([[1.0, 3.0, np.nan], [5.0, np.nan, np.nan]])
    assert mean.tolist() == [2, 5]
    assert deviation == pytest.approx([np.sqrt(2), 0])


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="at least one group; got none"):
        repeated_runs({}, y_title="")
    with pytest.raises(OptionError, match="1 of 1 groups have no finished run"):
        mean_and_deviation([[np.nan]])
