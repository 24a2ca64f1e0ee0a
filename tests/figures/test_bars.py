"""Bars and dots: the numbers that reach Plotly, their types and their marks; and what all figures share."""

import json

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text, direction
from vitviz.figures.axes import Axis
from vitviz.figures.bars import Verdict, answers_bar, histogram, verdict_bars
from vitviz.figures.curve import Curve
from vitviz.figures.head_scatter import distance_scatter
from vitviz.figures.line_chart import line_chart
from vitviz.figures.theme import QUERY_ORANGE, TRANSPARENT, TYPE

DISTANCE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def curve(values):
    return line_chart([Curve("ViT", range(len(values)), values)], x=Axis("Layer"), y=Axis("Distance"))


def figures():
    return {
        "curve": curve([1.0, 2.0, 3.0]),
        "scatter": distance_scatter(DISTANCE),
        "bars": answers_bar(["cat", "dog"], [0.7, 0.3]),
        "histogram": histogram([1.0, 2.0, 2.0], x_title="Norm"),
    }


@pytest.mark.parametrize("kind", ["curve", "scatter", "bars", "histogram"])
def test_every_figure_is_transparent_and_without_a_template(kind):
    made = figures()[kind]
    written = json.loads(made.to_json())["layout"]
    assert written["paper_bgcolor"] == written["plot_bgcolor"] == TRANSPARENT
    assert not written.get("template", {}).get("layout")
    assert written["font"] == {"size": TYPE}, "the family and the colour are the page's"
    assert max(written["margin"].values()) <= 30


@pytest.mark.parametrize("kind", ["curve", "scatter", "bars", "histogram"])
def test_numbers_travel_as_binary_of_four_bytes_at_most(kind):
    trace = json.loads(figures()[kind].to_json())["data"][0]
    arrays = [value for value in trace.values() if isinstance(value, dict) and "bdata" in value]
    assert arrays
    assert {one["dtype"] for one in arrays} <= {"f4", "i1", "i2", "i4", "u1"}


def test_one_dot_a_head_with_its_name_and_its_place():
    (dots,) = distance_scatter(DISTANCE).data
    assert dots.text == ("L0·H0", "L0·H1", "L0·H2", "L1·H0", "L1·H1", "L1·H2")
    assert dots.x.tolist() == [0, 0, 0, 1, 1, 1]
    assert dots.y.tolist() == [1, 2, 3, 4, 5, 6]
    assert dots.customdata[4].tolist() == [1, 1]
    assert set(dots.marker.symbol) == {"circle"}


def test_the_selected_head_has_an_orange_ring_and_ticked_heads_are_crosses():
    dots, ring = distance_scatter(DISTANCE, selected=(1, 2), ticked=[(0, 1)]).data
    assert (ring.x, ring.y.tolist()) == ((1,), [6])
    assert ring.marker.color == QUERY_ORANGE
    assert [place for place, symbol in enumerate(dots.marker.symbol) if symbol != "circle"] == [1]


def test_pixels_are_named_in_axis_and_hover():
    made = distance_scatter(DISTANCE, unit="pixels")
    assert made.layout.yaxis.title.text == "Mean attention distance (pixels)"
    assert "pixels" in made.data[0].hovertemplate


def test_answers_keep_two_classes_of_one_name_apart():
    made = answers_bar(["crane", "crane"], [0.6, 0.4], [0.5, 0.5])
    before, after = made.data
    assert before.y.tolist() == after.y.tolist() == [0, 1]
    assert made.layout.yaxis.ticktext == ("crane", "crane")
    assert made.layout.showlegend
    assert made.layout.yaxis.autorange == "reversed"


def test_names_are_never_markup():
    made = answers_bar(["<b>bold</b> & co"], [1.0])
    assert made.layout.yaxis.ticktext == ("&lt;b&gt;bold&lt;/b&gt; &amp; co",)
    assert "<b>bold</b> & co" in alt_text(made)


def test_bars_one_a_network_and_the_right_answer_is_bold():
    made = verdict_bars(["0 <b>", "1"], [Verdict("ViT", [0.2, 0.8]), Verdict("CNN", [0.5, 0.5], hatched=True)], truth=1)
    assert [bar.name for bar in made.data] == ["ViT", "CNN"]
    assert made.layout.yaxis.ticktext == ("0 &lt;b&gt;", "<b>1</b>")
    assert made.data[1].marker.pattern.shape == "/"
    assert "ViT: 0 <b> 20%, 1 80%." in alt_text(made)


@pytest.mark.parametrize("values", [[0.5], [0.5, 1.2], [-0.1, 1.1]])
def test_what_is_no_probability_is_refused(values):
    with pytest.raises(OptionError, match="wanted one an answer"):
        verdict_bars(["0", "1"], [Verdict("ViT", values)], truth=0)


def test_a_histogram_counts_here():
    made = histogram([0.0, 0.1, 0.9, 1.0], x_title="Cosine", bins=2, mark=("limit", 0.5))
    assert made.data[0].y.tolist() == [2, 2]
    assert made.data[0].x.tolist() == pytest.approx([0.25, 0.75])
    assert made.layout.shapes[0].x0 == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: distance_scatter(DISTANCE[0]), r"got shape \(3,\)"),
        (lambda: distance_scatter(DISTANCE, selected=(2, 0)), "Layer 2 does not exist; there are 2"),
        (lambda: distance_scatter(DISTANCE, ticked=[(0, 3)]), "Head 3 does not exist; there are 3"),
        (lambda: answers_bar(["a"], [0.5, 0.5]), "for 1 names"),
        (lambda: answers_bar(["a"], [12.0]), "run from 12 to 12.*softmax"),
        (lambda: histogram([1.0], x_title="x", bins=0), "at least one bin; got 0"),
        (lambda: histogram([], x_title="Norm"), "Norm: 0 of 0 values"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(OptionError, match=message):
        call()


def test_words_for_a_rising_curve():
    text = alt_text(curve([3.0, 1.0, 4.0, 8.0]))
    assert text == ("Distance against Layer. ViT: from 3 to 8, smallest 1 at Layer 1, largest 8 at Layer 3; it rises.")


def test_words_for_dots_leave_the_ring_out():
    text = alt_text(distance_scatter(DISTANCE, selected=(0, 0)))
    assert text == (
        "Mean attention distance (patches) against Layer. 6 points, smallest 1 at L0·H0, largest 6 at L1·H2; it rises."
    )


def test_words_for_bars_histograms_and_constants():
    assert alt_text(answers_bar(["cat", "dog"], [0.7, 0.3])).endswith("before: cat 70%, dog 30%.")
    assert "4 values from 0 to 1; the fullest bin, 3, is near 0.25." in alt_text(
        histogram([0.0, 0.1, 0.2, 1.0], x_title="Cosine", bins=2)
    )
    assert "ViT: 2 throughout." in alt_text(curve([2.0, 2.0]))


@pytest.mark.parametrize(
    ("values", "wanted"), [([1, 2, 3], "rising"), ([3, 2, 1], "falling"), ([1, 0, 1], "level"), ([2, 2, 2], "level")]
)
def test_direction_by_hand(values, wanted):
    assert direction(np.arange(3.0), np.array(values, dtype=float)) == wanted
