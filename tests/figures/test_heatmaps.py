"""Matrices and differences: names, shared scales, zero in the middle."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.heatmaps import difference_map, token_matrix
from vitviz.figures.palettes import plotly_scale
from vitviz.figures.scale import Scale

MATRIX = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
NAMES = ["class", "0", "1"]
A = np.array([[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]])
B = np.array([[0.0, 0.3, 0.2], [0.3, 0.4, 0.1]])


def middle_colour(made: go.Figure) -> str:
    scale = made.layout.coloraxis2
    assert (scale.cmin + scale.cmax) / 2 == 0
    (colour,) = [colour for place, colour in scale.colorscale if place == 0.5]
    return str(colour)


def test_the_matrix_keeps_its_names_in_order():
    (cells,) = token_matrix(MATRIX, NAMES).data
    assert cells.x == cells.y == ("class", "0", "1")
    assert cells.z.dtype == np.float32
    assert cells.z[1, 1] == np.float32(0.8)


def test_patch_numbers_are_names_not_places():
    made = token_matrix(MATRIX, ["0", "1", "2"])
    assert (made.layout.xaxis.type, made.layout.yaxis.type) == ("category", "category")
    assert made.layout.yaxis.autorange == "reversed"


def test_queries_may_have_other_names():
    (cells,) = token_matrix(MATRIX[:1], NAMES, query_names=["class"]).data
    assert cells.y == ("class",)


def test_the_bar_has_true_ends_and_one_over_n():
    axis = token_matrix(MATRIX, NAMES).layout.coloraxis
    assert (axis.cmin, axis.cmax) == pytest.approx((0.1, 0.8))
    assert axis.colorbar.title.text == "Attention · 1/N = 33.3%"
    assert sorted(axis.colorbar.tickvals) == pytest.approx([0.1, 1 / 3, 0.8])
    assert set(axis.colorbar.ticktext) == {"10%", "", "80%"}


def test_the_scale_given_is_the_scale_shown():
    axis = token_matrix(MATRIX, NAMES, scale=Scale(0, 1, scope="absolute"), palette="cividis").layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, 1)
    assert [list(stop) for stop in axis.colorscale] == plotly_scale("cividis")


def test_the_difference_is_first_minus_second_on_one_scale():
    made = difference_map(A, B)
    left, right, difference = made.data
    assert left.coloraxis == right.coloraxis == "coloraxis"
    assert (made.layout.coloraxis.cmin, made.layout.coloraxis.cmax) == pytest.approx((0.0, 0.5))
    assert difference.z == pytest.approx(A - B, abs=1e-6)
    assert (made.layout.coloraxis2.cmin, made.layout.coloraxis2.cmax) == pytest.approx((-0.4, 0.4))
    assert [list(stop) for stop in made.layout.coloraxis2.colorscale] == plotly_scale("PuOr")
    assert middle_colour(made) == "rgb(247,247,247)"


def test_the_difference_of_equal_maps_is_all_middle_colour():
    made = difference_map(A, A)
    assert (made.data[2].z == 0).all()
    assert made.layout.coloraxis2.cmin < 0 < made.layout.coloraxis2.cmax
    assert middle_colour(made) == "rgb(247,247,247)"


def test_signed_maps_diverge_too():
    made = difference_map(A - 0.2, B - 0.2)
    assert [list(stop) for stop in made.layout.coloraxis.colorscale] == plotly_scale("RdBu")
    assert made.layout.coloraxis.cmin == -made.layout.coloraxis.cmax


def test_the_top_row_is_on_top_and_the_ground_is_transparent():
    made = difference_map(A, B, names=("L3·H2", "L3·H4"))
    assert made.layout.yaxis.range == (2.5, 0.5)
    assert made.layout.yaxis3.scaleanchor == "x3"
    assert [one.text for one in made.layout.annotations] == ["L3·H2", "L3·H4", "L3·H2 − L3·H4"]
    layout = json.loads(made.to_json())["layout"]
    assert layout["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert not layout.get("template", {}).get("layout")


def test_maps_in_words():
    text = alt_text(difference_map(A, B))
    assert text.startswith("A: 2 rows, 3 columns, smallest 0 at row 1, column 1, largest 0.5 at row 2, column 3.")
    assert "largest 0.8 at row 0, column 0." in alt_text(token_matrix(MATRIX, NAMES))
    assert "smallest 0.1 at row 0, column class," in alt_text(token_matrix(MATRIX, NAMES))


def test_an_empty_or_foreign_figure_has_no_words():
    with pytest.raises(OptionError, match="empty figure"):
        alt_text(go.Figure())
    with pytest.raises(OptionError, match="A Pie cannot be told"):
        alt_text(go.Figure(go.Pie(values=[1])))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: token_matrix(MATRIX, NAMES[:2]), r"shape \(3, 3\) for 2 query and 2 key names"),
        (lambda: token_matrix(MATRIX, ["a", "a", "b"]), "got 'a' more than once"),
        (lambda: token_matrix(MATRIX * np.nan, NAMES), "Attention: 9 of 9 values are NaN"),
        (lambda: difference_map(A, B.T), r"got \(2, 3\) and \(3, 2\)"),
        (lambda: difference_map(A[0], B[0]), r"got \(3,\) and \(3,\)"),
        (lambda: difference_map(A, B * np.inf), "B: "),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_errors_say_what_to_do(call, message):
    with pytest.raises(OptionError, match=message):
        call()
