"""Laws as curves: what is drawn is what was given, and what a logarithm cannot show is refused."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.scaling import Law, scaling

TITLES = {"x_title": "Tokens", "y_title": "MACs"}


def test_curves_points_and_marks_are_where_they_were_put():
    made = scaling(
        [1, 10],
        [Law("a", [2, 20], "#0072B2", low=[1, 10], high=[3, 30]), Law("b", [4, 4], "#000000", dashed=True, dots=True)],
        log_x=True, log_y=True, points={"now": (5, 10)}, marks={"half": 2}, **TITLES,
    )  # fmt: skip
    names = [trace.name for trace in made.data]
    assert names == [None, None, "half", "a", "b", "now"]
    assert np.allclose(made.data[2].y, [2, 20])
    assert (made.layout.xaxis.type, made.layout.yaxis.type) == ("log", "log")
    assert made.data[4].mode == "lines+markers"
    assert made.data[5].x.tolist() == [5]
    told = alt_text(made)
    assert "a: from 2 to 20" in told
    assert "half" not in told


def test_the_ends_of_a_logarithmic_axis_are_given_in_the_unit_of_the_values():
    made = scaling([1, 2], [Law("a", [2, 20], "#0072B2")], log_y=True, y_range=(1, 100), **TITLES)
    assert list(made.layout.yaxis.range) == [0, 2]
    assert list(scaling([1, 2], [Law("a", [2, 3], "#0072B2")], y_range=(1, 5), **TITLES).layout.yaxis.range) == [1, 5]


@pytest.mark.parametrize(
    ("x", "values", "message"),
    [
        ([1, 2], [0, 1], "no place for 0 and below; got such values in a"),
        ([0, 2], [1, 1], "got such values in the places"),
        ([1, 2], [1, 2, 3], "than the 2 places: a"),
        ([1, 2], [1, np.inf], "1 of 2 values are NaN or infinite"),
    ],
)
def test_what_cannot_be_drawn_is_told(x, values, message):
    with pytest.raises(OptionError, match=message):
        scaling(x, [Law("a", values, "#0072B2")], log_x=True, log_y=True, **TITLES)
    with pytest.raises(OptionError, match="none given"):
        scaling([1, 2], [], **TITLES)
