"""The smallest picture in which places matter: four patches, six arrangements, from its question to its files."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.arrangements import arrangement_sheet
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Point
from vitviz.figures.line_chart import TITLED, line_chart
from vitviz.figures.see_through import GREY_INK, see_through
from vitviz.figures.theme import NEUTRAL
from vitviz.labs import smallest_position as lab
from vitviz.labs.smallest_position import ARRANGEMENTS, SmallestPosition
from vitviz.numbers import Signed, scientific
from vitviz.ui.choices.attention_from_scratch import LIKING, PAGE
from vitviz.ui.furniture import guessing, lesson, sheet_figures
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.scratch import guesses
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _

_SECOND = "#B0558F"


def draw(scene: Scene) -> lesson.Result | None:
    """Draw the experiment; it needs no model, and the next one puts the question to the loaded one."""
    title = _("Can attention tell where a patch lies?")
    lesson.question(
        title,
        _(
            "Four patches, two of content A and two of content B. Does A lie on the diagonal? One query, with "
            "positions and without, reads each of the six arrangements."
        ),
    )
    st.slider(
        _("Weight c of the query on the diagonal"),
        -8.0,
        8.0,
        step=0.1,
        help=_("The query's product with the position keys of places 0 and 3; 0 with the others."),
        **link.widget(LIKING),
    )
    if not guessing.guided(guesses.places(), figure=_empty):
        return None
    weight = float(link.get(LIKING))
    with_places, without = lab.run(weight), lab.run(weight, positions=False)
    left, right = st.container(key="apart").columns(2, gap="large")
    with left:
        st.subheader(_("Keys are the places"), anchor=False)
        _sheet(with_places)
    with right:
        st.subheader(_("Keys without places"), anchor=False)
        _sheet(without)
    figure = _curve(weight, with_places)
    chart(figure, key="places_curve")
    _numbers(with_places, without)
    _words()
    return lesson.Result(
        PAGE,
        title,
        {"experiment": "places", "weight": weight},
        _code(weight),
        lambda: {
            "outputs": with_places.outputs,
            "formula": with_places.formula,
            "attention": with_places.attention,
            "outputs_without_positions": without.outputs,
        },
        lambda: {title: figure},
    )


def _sheet(smallest: SmallestPosition) -> None:
    labels = [f"{Signed(value + 0.0):+.3f}" for value in smallest.outputs]
    sheet = see_through(
        lambda ground: arrangement_sheet(ARRANGEMENTS, smallest.attention, labels, background=ground, ink=GREY_INK)
    )
    words = ", ".join(f"{arrangement}: {label}" for arrangement, label in zip(ARRANGEMENTS, labels, strict=True))
    st.image(np.asarray(sheet), width="stretch", output_format="PNG", alt=words)
    st.caption(
        _(
            "Letters are contents, colours are attention, the number is the output: the mean of A = +1 and B = −1 "
            "under the attention."
        )
    )


def _empty() -> str:
    """Return the six arrangements under even attention, without their outputs, for the sheet of a class."""
    sheet = arrangement_sheet(ARRANGEMENTS, np.full(4, 0.25), ["?"] * len(ARRANGEMENTS), per_row=6)
    return sheet_figures.picture(sheet, _("The six arrangements of two A and two B"))


def _curve(weight: float, smallest: SmallestPosition) -> go.Figure:
    """Return the outputs against the weight: closed form as a line, computed attention as dots."""
    line, dots = np.linspace(-8, 8, 161), np.linspace(-8, 8, 17)
    counted = np.stack([lab.run(float(dot)).outputs for dot in dots])  # (weight, arrangement)
    return line_chart(
        [
            Curve(_("A on the diagonal: tanh(c/2)"), line, np.tanh(line / 2), kind="line"),
            Curve(_("B on the diagonal: −tanh(c/2)"), line, -np.tanh(line / 2), _SECOND, kind="line"),
            Curve(_("the four others: 0"), line, np.zeros_like(line), NEUTRAL, kind="line"),
            Curve(_("computed by attention"), dots, counted[:, 0], kind="dots"),
            Curve(_("computed"), dots, counted[:, 1], _SECOND, kind="dots"),
            Point(_("your c"), weight, float(smallest.outputs[0])),
            *guessing.drawn(guesses.places_curve()),
        ],
        x=Axis(_("Weight c")),
        y=Axis(_("Output")),
        hover=TITLED,
        height=360,
    )


def _numbers(with_places: SmallestPosition, without: SmallestPosition) -> None:
    first, second, third = st.columns(3)
    first.metric(_("Output for A on the diagonal"), f"{Signed(with_places.outputs[0] + 0.0):+.4f}")
    second.metric(
        _("Largest difference from tanh(c/2)"),
        scientific(with_places.largest_difference, 1),
        help=_("Over all six arrangements; what is left is rounding."),
    )
    third.metric(
        _("Without positions, all six"),
        scientific(float(np.abs(without.outputs).max()), 1),
        help=_("The largest size of an output: two A and two B under uniform attention are 0."),
    )


def _words() -> None:
    lesson.formula(
        r"y = \sum_i a_i\,x_i = \pm\tanh\frac{c}{2},\qquad a_i = \frac{e^{c\,[i \in \mathrm{diagonal}]}}{2e^c + 2}",
        {
            "y": _("output of the class query"),
            "x_i": _("content of place i: A = +1, B = −1"),
            "a_i": _("attention to place i"),
            "c": _("weight of the query on the diagonal places"),
        },
    )
    lesson.try_next(
        [
            _("Set c to 0: the query likes no place, and all six outputs are 0, with positions too."),
            _("Make c negative: the off-diagonal is looked at, and the signs change."),
            (_("What does order mean to the loaded model? Shuffled patches"), PAGE, {"scratch": "order"}),
        ]
    )
    lesson.caveat(
        _(
            "One query of one head answers one question about places: diagonal or not. It cannot tell the four other "
            "arrangements apart, all of them give 0. Here the query and the keys are set by hand; a network must learn "
            "both, and mixes content and place in one vector."
        )
    )


def _code(weight: float) -> str:
    return (
        "from vitviz.labs import smallest_position\n\n"
        f"smallest = smallest_position.run({weight!r})\n"
        "values = smallest.outputs  # in the order of smallest_position.ARRANGEMENTS\n"
        "print(smallest.formula, smallest.largest_difference)\n"
        f"print(smallest_position.run({weight!r}, positions=False).outputs)  # all 0\n"
        "smallest.image()\n"
    )
