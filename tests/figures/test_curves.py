"""Curves, dots and bars: the numbers that reach Plotly, their types and their marks."""

import json

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text, direction
from vitviz.figures.curves import Series, answers_bar, distance_scatter, histogram, layer_curve
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.figures.theme import QUERY_ORANGE, TRANSPARENT

DISTANCE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def figures():
    return {
        "curve": layer_curve([Series("ViT", [1.0, 2.0, 3.0])], y_title="Entropy (nats)"),
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
    assert "font" not in written
    assert max(written["margin"].values()) <= 30


@pytest.mark.parametrize("kind", ["curve", "scatter", "bars", "histogram"])
def test_numbers_travel_as_binary_of_four_bytes_at_most(kind):
    trace = json.loads(figures()[kind].to_json())["data"][0]
    arrays = [value for value in trace.values() if isinstance(value, dict) and "bdata" in value]
    assert arrays
    assert {one["dtype"] for one in arrays} <= {"f4", "i1", "i2", "i4", "u1"}


def test_a_curve_with_a_band_and_a_reference():
    made = layer_curve(
        [Series("ViT", [1.0, 2.0], low=[0.5, 1.5], high=[1.5, 2.5]), Series("CNN", [2.0, 1.0], colour=CNN_VERMILION)],
        y_title="Distance (patches)",
        reference=("uniform", 1.8),
        first_layer=-1,
    )
    low, high, vit, cnn, level = made.data
    assert (low.hoverinfo, high.fill) == ("skip", "tonexty")
    assert high.fillcolor == "rgba(0,114,178,0.18)"
    assert vit.x.tolist() == [-1, 0]
    assert (vit.line.color, cnn.line.color) == (VIT_BLUE, CNN_VERMILION)
    assert level.y.tolist() == pytest.approx([1.8, 1.8])
    assert made.layout.yaxis.title.text == "Distance (patches)"
    assert made.layout.showlegend


def test_a_single_curve_needs_no_legend():
    assert not layer_curve([Series("ViT", [1.0, 2.0])], y_title="Entropy").layout.showlegend


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


def test_a_histogram_counts_here():
    made = histogram([0.0, 0.1, 0.9, 1.0], x_title="Cosine", bins=2, mark=("limit", 0.5))
    assert made.data[0].y.tolist() == [2, 2]
    assert made.data[0].x.tolist() == pytest.approx([0.25, 0.75])
    assert made.layout.shapes[0].x0 == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layer_curve([], y_title="x"), "at least one series"),
        (lambda: layer_curve([Series("a", [1.0]), Series("b", [1.0, 2.0])], y_title="x"), r"\[1, 2\] layers"),
        (lambda: layer_curve([Series("a", [1.0, np.nan])], y_title="x"), "a: 1 of 2 values are NaN"),
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
    text = alt_text(layer_curve([Series("ViT", [3.0, 1.0, 4.0, 8.0])], y_title="Distance"))
    assert text == ("Distance against Layer. ViT: from 3 to 8, smallest 1 at Layer 1, largest 8 at Layer 3; it rises.")


def test_words_for_dots_leave_the_ring_out():
    text = alt_text(distance_scatter(DISTANCE, selected=(0, 0)))
    assert text == (
        "Mean attention distance (patches) against Layer. 6 points, smallest 1 at L0·H0, largest 6 at L1·H2; it rises."
    )


def test_words_for_bars_histograms_and_constants():
    assert alt_text(answers_bar(["cat", "dog"], [0.7, 0.3])).endswith("before: cat 70.0%, dog 30.0%.")
    assert "4 values from 0 to 1; the fullest bin, 3, is near 0.25." in alt_text(
        histogram([0.0, 0.1, 0.2, 1.0], x_title="Cosine", bins=2)
    )
    assert "flat: 2 throughout." in alt_text(layer_curve([Series("flat", [2.0, 2.0])], y_title="x"))


@pytest.mark.parametrize(
    ("values", "wanted"), [([1, 2, 3], "rising"), ([3, 2, 1], "falling"), ([1, 0, 1], "level"), ([2, 2, 2], "level")]
)
def test_direction_by_hand(values, wanted):
    assert direction(np.arange(3.0), np.array(values, dtype=float)) == wanted
