"""Curves drawn for print: round ticks, every curve in its colour, dashes, refusals."""

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.figures.curve import Curve
from vitviz.figures.print_chart import print_chart, ticks

WORDS = {"x_title": "x", "y_title": "y", "width": 600, "height": 400, "text": 16}


@pytest.mark.parametrize(("values", "wanted"), [
    ([0, 1], [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ([0.03, 0.97], [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ([98, 518], [0, 100, 200, 300, 400, 500, 600]),
    ([-1, 11], [-2, 0, 2, 4, 6, 8, 10, 12]),
    ([3, 3], [2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6]),
])  # fmt: skip
def test_ticks_are_round_and_hold_all_values(values, wanted):
    found = ticks(np.array(values, float))
    assert found == pytest.approx(wanted) or (found[0] <= values[0] and found[-1] >= values[1])
    steps = np.diff(found)
    assert steps == pytest.approx(np.full(len(steps), steps[0]))
    assert 4 <= len(found) <= 9


def ink(picture, colour):
    rgb = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return (np.asarray(picture) == rgb).all(-1)


def test_curves_lie_where_their_numbers_are():
    up, down = "#0072b2", "#d55e00"
    picture = print_chart([Curve("up", [0, 1], [0, 1], up), Curve("down", [0, 1], [1, 0], down, "dash")], **WORDS)
    assert picture.size == (600, 400)
    plot = ink(picture, up)[80:]  # below the legend
    rows, columns = np.nonzero(plot)
    assert np.corrcoef(rows, columns)[0, 1] < -0.99
    dashed = ink(picture, down)[80:]
    rows, columns = np.nonzero(dashed)
    assert np.corrcoef(rows, columns)[0, 1] > 0.99
    assert dashed.sum() < 0.8 * plot.sum()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(OptionError, match="at least one curve"):
        print_chart([], **WORDS)
    with pytest.raises(OptionError, match="a: 1 of 2 values are NaN"):
        print_chart([Curve("a", [0, 1], [0, np.nan])], **WORDS)


def test_a_band_lies_round_its_curve_and_the_grid_shows_through_it():
    colour = "#0072b2"
    plain = print_chart([Curve("a", [0, 1], [0.5, 0.5], colour, kind="line")], **WORDS)
    banded = print_chart(
        [Curve("a", [0, 1], [0.5, 0.5], colour, kind="line", low=[0.4, 0.4], high=[0.6, 0.6])], **WORDS
    )
    assert plain.size == banded.size
    faint = np.rint(0.82 * 255 + 0.18 * np.array([0, 0x72, 0xB2]))
    filled = np.abs(np.asarray(banded).astype(int) - faint).max(-1) <= 1
    assert filled.mean() > 0.1
    rows = np.nonzero(filled.any(1))[0]
    line = np.nonzero(ink(banded, colour)[80:].any(1))[0] + 80
    assert rows.min() < line.min() < line.max() < rows.max()


@pytest.mark.parametrize(
    ("kind", "count", "dotted"), [("auto", 40, True), ("auto", 41, False), ("both", 41, True), ("line", 5, False)]
)
def test_points_are_marked_where_they_are_few(kind, count, dotted):
    colour = "#0072b2"
    flat = print_chart([Curve("a", range(count), [0.5] * count, colour, kind=kind)], **WORDS)
    height = ink(flat, colour)[80:].any(1).sum()
    assert (height > 10) == dotted


def test_dots_alone_are_not_joined():
    colour = "#0072b2"
    dots = print_chart([Curve("a", [0, 1], [0, 1], colour, kind="dots")], **WORDS)
    assert ink(dots, colour)[80:].sum() < 2 * 15**2
