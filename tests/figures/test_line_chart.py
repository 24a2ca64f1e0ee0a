"""Line charts: lines, bands, levels, the reader's point, logarithmic axes and what they refuse."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.alt import alt_text
from vitviz.figures.line_chart import Level, Line, Point, Shade, line_chart

TITLES = {"x_title": "Patch (pixels)", "y_title": "Object (pixels)"}


def made(**options):
    lines = [
        Line("formula", [4, 16], [3, 6]),
        Line("counted", [4, 16], [3.1, 5.9], kind="dots", low=[3, 5], high=[4, 7]),
    ]
    return line_chart(lines, **TITLES, **options)


def test_lines_are_what_was_given_and_a_band_lies_round_its_line():
    figure = made()
    names = [trace.name for trace in figure.data]
    assert names == [None, None, "formula", "counted"]
    assert [trace.mode for trace in figure.data[2:]] == ["lines", "markers"]
    assert figure.data[2].y.tolist() == [3, 6]
    assert figure.data[1].fill == "tonexty"
    assert figure.layout.xaxis.type is None


def test_levels_reach_from_side_to_side_and_the_point_is_orange():
    figure = made(levels=[Level("k", 5.0), Level("now", 8.0, upright=True)], point=Point("here", 8, 7))
    flat, upright, point = figure.data[-3:]
    assert (flat.x.tolist(), flat.y.tolist()) == ([4, 16], [5, 5])
    assert upright.x.tolist() == [8, 8]
    assert upright.y.tolist() == pytest.approx([3, 7])
    assert point.marker.color == "#FF7A00"


def test_logarithmic_axes_and_a_shade_in_their_measure():
    figure = made(log_x=True, log_y=True, shade=Shade("blind", 1, 100), ticks=(4, 16))
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert figure.layout.annotations[0].x == pytest.approx(1)  # log10 of √(1 · 100)
    assert figure.layout.xaxis.ticktext == ("4", "16")


def test_a_chart_is_told_in_words():
    assert "formula: from 3 to 6" in alt_text(made())


@pytest.mark.parametrize(("lines", "options", "message"), [
    ([], {}, "at least one line; got none"),
    ([Line("a", [1, 2], [1])], {}, "'a' has x of shape .2,. and y of shape .1,."),
    ([Line("a", [0, 2], [1, 2])], {"log_x": True}, "logarithmic axis has no place for 0"),
    ([Line("a", [1, 2], [1, np.nan])], {}, "NaN or infinite"),
])  # fmt: skip
def test_messages(lines, options, message):
    with pytest.raises(OptionError, match=message):
        line_chart(lines, **TITLES, **options)
