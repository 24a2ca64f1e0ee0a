"""The line chart: curves, bands, levels, points, marks, logarithmic axes, and what it refuses."""

import re

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.axes import Axis, layer_axis
from vitviz.figures.curve import Curve, Level, Point, Shade, spread
from vitviz.figures.line_chart import LAYER, TITLED, line_chart
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE, TYPE, enlarged
from vitviz.pictures.curves import bands

AXES = {"x": Axis("Patch (pixels)"), "y": Axis("Object (pixels)")}
FORMULA = Curve("formula", [4, 16], [3, 6], kind="line")
COUNTED = Curve("counted", [4, 16], [3.1, 5.9], CNN_VERMILION, kind="dots", low=[3, 5], high=[4, 7])


def test_curves_are_what_was_given_and_all_bands_lie_behind_them():
    figure = line_chart([FORMULA, COUNTED], **AXES)
    assert [trace.name for trace in figure.data] == [None, None, "formula", "counted"]
    low, high, line, dots = figure.data
    assert (low.y.tolist(), high.y.tolist(), high.fill) == ([3, 5], [4, 7], "tonexty")
    assert high.fillcolor == "rgba(213,94,0,0.18)"
    assert {low.hoverinfo, high.hoverinfo, low.showlegend, high.showlegend} == {"skip", False}
    assert (line.mode, dots.mode) == ("lines", "markers")
    assert (line.y.tolist(), line.line.color, dots.marker.color) == ([3, 6], VIT_BLUE, CNN_VERMILION)
    assert figure.layout.xaxis.type is None


@pytest.mark.parametrize(("kind", "count", "mode"), [
    ("auto", 40, "lines+markers"), ("auto", 41, "lines"),
    ("both", 41, "lines+markers"), ("line", 3, "lines"), ("dots", 41, "markers"),
])  # fmt: skip
def test_the_points_of_a_line_are_marked_where_they_are_few(kind, count, mode):
    (curve,) = line_chart([Curve("a", range(count), range(count), kind=kind)], **AXES).data
    assert curve.mode == mode


def test_items_keep_their_order_and_levels_reach_from_side_to_side():
    items = [Level("k", 5.0), FORMULA, Level("now", 8.0, upright=True, colour=QUERY_ORANGE), Point("here", 20, 7)]
    flat, line, upright, point = line_chart(items, **AXES).data
    assert [flat.name, line.name, upright.name, point.name] == ["k", "formula", "now", "here"]
    assert (flat.x.tolist(), flat.y.tolist(), flat.line.color) == ([4, 20], [5, 5], NEUTRAL)
    assert (upright.x.tolist(), upright.y.tolist(), upright.line.color) == ([8, 8], [3, 7], QUERY_ORANGE)
    assert (point.marker.color, point.x.tolist()) == (QUERY_ORANGE, [20])


def test_levels_run_to_the_ends_of_an_axis_that_has_its_own():
    level = line_chart([FORMULA, Level("k", 5)], x=Axis("x", span=(0, 100)), y=Axis("y")).data[-1]
    assert level.x.tolist() == [0, 100]


def test_what_a_level_and_a_point_tell_and_whether_they_are_listed():
    items = [FORMULA, Level("name", 5), Level("guess", 5, number="%{y:.3~p}"), Level("mark", 5, number=None)]
    items += [Point("knob", 4, 3, listed=False), Point("", 4, 3)]
    figure = line_chart(items, **AXES)
    _line, name, guess, mark, knob, silent = figure.data
    assert (name.hovertemplate, guess.hovertemplate) == ("name<extra></extra>", "guess: %{y:.3~p}<extra></extra>")
    assert (mark.hoverinfo, silent.hoverinfo, knob.hoverinfo) == ("skip", "skip", None)
    assert (knob.showlegend, silent.showlegend) == (False, False)
    told = alt_text(figure)
    assert "mark" not in told
    assert "guess: 5 throughout" in told
    assert "knob" in told


@pytest.mark.parametrize(("hover", "wanted"), [
    ({}, "a<br>%{x:.4g}: %{y:.4g}<extra></extra>"),
    ({"hover": TITLED}, "a<br>Size &lt;px> %{x:.4g}: %{y:.4g}<extra></extra>"),
    ({"hover": LAYER}, "a<br>Size &lt;px> %{x}: %{y:.4g}<extra></extra>"),
    ({"hover": "{name}<br>%{x:.0f} px: %{y:.3~p}"}, "a<br>%{x:.0f} px: %{y:.3~p}<extra></extra>"),
    ({"hover": "%{x:.0f} px"}, "%{x:.0f} px<extra></extra>"),
])  # fmt: skip
def test_what_the_pointer_tells(hover, wanted):
    (curve,) = line_chart([Curve("a", [1], [2])], x=Axis("Size <px>"), y=Axis("y"), **hover).data
    assert curve.hovertemplate.replace("&gt;", ">") == wanted


def test_points_have_names_of_their_own_and_names_are_never_markup():
    curve = Curve("a<b", [0.5, 1], [1, 2], point_names=["l<0", "l1"])
    (drawn,) = line_chart([curve], x=Axis("x"), y=Axis("y"), hover="%{customdata}: %{y}").data
    assert (drawn.name, list(drawn.customdata)) == ("a&lt;b", ["l&lt;0", "l1"])


def test_one_curve_has_a_legend_only_where_it_is_asked_for():
    assert not line_chart([FORMULA], **AXES).layout.showlegend
    assert line_chart([FORMULA], **AXES, legend=True).layout.showlegend
    assert line_chart([FORMULA, Level("k", 5)], **AXES).layout.showlegend


def test_a_mark_and_a_shade_in_the_measure_of_the_axis():
    figure = line_chart([FORMULA], x=Axis("x", log=True), y=Axis("y"), shade=Shade("blind", 1, 100), mark=8)
    assert figure.layout.annotations[0].x == pytest.approx(1)  # log10 of √(1 · 100)
    rectangle, line = figure.layout.shapes
    assert (rectangle.x0, rectangle.x1, line.x0, line.line.color) == (1, 100, 8, QUERY_ORANGE)


@pytest.mark.parametrize(("axis", "values", "wanted"), [
    (Axis("x"), (0, 9), {}),
    (Axis("x", ".0%", span=(0, 1.03)), (0, 1), {"tickformat": ".0%", "range": [0, 1.03]}),
    (Axis("x", from_zero=True), (3, 9), {"rangemode": "tozero"}),
    (Axis("x", ticks=(4, 0.5)), (0, 9), {"tickvals": [4, 0.5], "ticktext": ["4", "0.5"]}),
    (Axis("x", ticks=(0, 1), tick_names=("a", "<b>")), (0, 1), {"tickvals": [0, 1], "ticktext": ["a", "&lt;b&gt;"]}),
    (Axis("x", log=True), (1, 1000), {"type": "log", "dtick": "D2", "tickformat": "~g"}),
    (Axis("x", log=True), (1, 1001), {"type": "log", "dtick": 1, "exponentformat": "power"}),
    (Axis("x", log=True), (1e-4, 1e4), {"type": "log", "dtick": 2, "exponentformat": "power"}),
    (Axis("x", log=True, marks="powers"), (1, 100), {"type": "log", "dtick": "D2", "exponentformat": "power"}),
    (Axis("x", log=True, marks="powers"), (1, 1000), {"type": "log", "dtick": 1, "exponentformat": "power"}),
    (Axis("x", log=True, marks="auto"), (1, 1000), {"type": "log"}),
    (Axis("x", log=True, span=(1, 100)), (2, 3), {"type": "log", "dtick": "D2", "tickformat": "~g", "range": [0, 2]}),
    (layer_axis("x", 16), (0, 15), {"tickformat": "d", "dtick": 1}),
    (layer_axis("x", 17), (0, 16), {"tickformat": "d"}),
])  # fmt: skip
def test_axes_in_the_words_of_plotly(axis, values, wanted):
    common = {"title", "gridcolor", "linecolor", "zerolinecolor", "automargin", "tickfont"}
    settings = axis.settings(values)
    assert {name: value for name, value in settings.items() if name not in common} == wanted
    assert settings["title"]["text"] == "x"
    assert settings["tickfont"] == {"color": "#767676", "size": TYPE}  # 4.5:1 on white and on the dark theme's ground


def test_marks_that_are_none_are_refused():
    with pytest.raises(OptionError, match="Marks of an axis 'tens' is unknown"):
        Axis("x", log=True, marks="tens")


def test_a_band_from_mean_and_deviation():
    band = spread([0.5, 0.75], [0.1, 0.05])
    assert np.allclose(band["low"], [0.4, 0.7])
    assert np.allclose(band["high"], [0.6, 0.8])


def test_a_chart_is_told_in_words():
    assert "formula: from 3 to 6" in alt_text(line_chart([FORMULA, COUNTED], **AXES))


@pytest.mark.parametrize(("items", "log", "message"), [
    ([], False, "at least one curve; got none"),
    ([Level("k", 1)], False, "at least one curve; got none"),
    ([Curve("a", [1, 2], [1])], False, "'a' has x of shape .2,. and y of shape .1,."),
    ([Curve("a", [1, 2], [1, 2], point_names=["x"])], False, "'a' has 1 names for 2 points"),
    ([Curve("a", [1, 2], [1, 2], low=[0], high=[2, 3])], False, "band of 'a' has edges of shape .1,. and .2,. for 2"),
    ([Curve("a", [0, 2], [1, 2])], True, "logarithmic axis has no place for 0, in 'a'"),
    ([Curve("a", [1, 2], [1, 2]), Point("b", -1, 1)], True, "logarithmic axis has no place for -1, in 'b'"),
    ([Curve("a", [1, 2], [1, np.nan])], False, "a: 1 of 2 values are NaN or infinite"),
])  # fmt: skip
def test_what_cannot_be_drawn_is_refused(items, log, message):
    with pytest.raises(OptionError, match=message):
        line_chart(items, x=Axis("x", log=log), y=Axis("y"))


@pytest.mark.parametrize(("look", "message"), [
    ({"dash": "wavy"}, "Dash 'wavy' is unknown"), ({"kind": "steps"}, "Kind of curve 'steps' is unknown"),
])  # fmt: skip
def test_a_look_that_is_none_is_refused(look, message):
    with pytest.raises(OptionError, match=message):
        Curve("a", [1], [1], **look)


def test_a_figure_for_a_projector_is_a_larger_copy():
    usual = line_chart([Curve("a", [0, 1], [0, 1])], x=Axis("x"), y=Axis("y"), height=300)
    large = enlarged(usual, 2 * TYPE)
    written = large.layout
    sizes = [written.font, written.legend.font, written.hoverlabel.font]
    sizes += [part.font for axis in (written.xaxis, written.yaxis) for part in [axis.title]]
    sizes += [written.xaxis.tickfont, written.yaxis.tickfont]
    assert {font.size for font in sizes} == {2 * TYPE}
    assert not re.search("colorbar|coloraxis", large.to_json()), "a chart without a colour bar gets none"
    assert (written.height, usual.layout.height, usual.layout.xaxis.tickfont.size) == (600, 300, TYPE)


def test_of_many_layers_some_are_named_and_the_pointer_names_all() -> None:
    names = ["input", *(f"layer {layer}" for layer in range(12))]
    chart = bands(np.linspace(0, 1, 5), np.zeros((13, 5)), names)
    assert chart is not None
    listed = [curve.name for curve in chart.data if curve.showlegend is not False]
    assert listed == ["input", "layer 3", "layer 7", "layer 11"]
    assert [curve.hovertemplate.split("<br>")[0] for curve in chart.data] == names
