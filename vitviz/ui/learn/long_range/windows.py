"""Local windows over the board of the Long range page, and how deep a CNN must be to reach across a distance."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import TITLED, line_chart
from vitviz.figures.palettes import CNN_VERMILION, VIT_BLUE
from vitviz.figures.theme import QUERY_ORANGE
from vitviz.labs.long_range.contents import CELL_PIXELS, COLUMNS, ROWS, identity_of, is_half
from vitviz.labs.long_range.counter import AttentionCount
from vitviz.labs.long_range.windows import layers_to_hear, layers_to_see, slide
from vitviz.ui.choices.long_range import WINDOW
from vitviz.ui.components.window_counter import window_counter
from vitviz.ui.components.window_view import WindowView
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.long_range.board import Situation
from vitviz.ui.learn.long_range.verdicts import object_name
from vitviz.ui.reader import link
from vitviz.ui.text import _

KERNELS = (3, 5, 7)


def draw(situation: Situation, counter: AttentionCount) -> None:
    """Draw the windows that slide over the reader's board, and beside their count that of attention."""
    st.subheader(_("What do local windows count?"), anchor=False)
    st.markdown(
        _(
            "A counter that sees one window at a time adds one for every object of which the window holds a half. "
            "Guess what it will count for the board above, then let it run."
        )
    )
    st.select_slider(
        _("Side of the window (cells)"),
        ("1", "2", "4", "8"),
        help=_("8 is the whole board: then the counter is no longer local."),
        **link.widget(WINDOW),
    )
    view = view_of(situation)
    left, right = st.columns([3, 2], gap="large")
    with left:
        window_counter(view, key="range_windows")
    with right:
        alone = counter.tokens - 2 * counter.complete
        st.metric(_("Counted by the windows"), view.windows[-1].total)
        st.metric(_("Different objects, trace(A) for β → ∞"), counter.distinct)
        st.metric(_("Whole objects, n − trace(A)"), counter.complete)
        st.caption(
            _(
                "Whole objects: K = {whole}; single halves: {alone}. Windows that part every couple count "
                "2K + {alone} = {most}; attention on the same picture counts K + {alone} = {distinct} different "
                "objects, at any distance."
            ).format(whole=counter.complete, alone=alone, most=2 * counter.complete + alone, distinct=counter.distinct)
        )


def view_of(situation: Situation) -> WindowView:
    """Return the windows of the reader's side over the board, for the browser."""
    identities = {int(identity) for identity in identity_of(situation.board[is_half(situation.board)])}
    return WindowView(
        picture=situation.look.picture,
        rows=ROWS,
        columns=COLUMNS,
        windows=slide(situation.board, int(link.get(WINDOW))),
        names={identity: object_name(identity) for identity in identities},
    )


def draw_depth(situation: Situation) -> None:
    """Draw how many layers a CNN needs until one unit sees both bars, against the ViT's one."""
    st.subheader(_("How deep must a CNN be to reach across?"), anchor=False)
    chart(depth_figure(situation), key="range_depth")
    pixels = (situation.distance or 1) * CELL_PIXELS
    st.caption(
        _(
            "Layers of {kernel} × {kernel}, stride 1. For the {pixels} px from bar to bar: {see} layers until one "
            "unit's field holds both, {hear} until both lie where an untrained field listens (two standard deviations)."
            " Strides and dilation shorten that, at the price of places. The ViT's tokens see each other in one layer."
        ).format(kernel=3, pixels=pixels, see=layers_to_see(pixels, 3), hear=layers_to_hear(pixels, 3))
    )


def depth_figure(situation: Situation) -> go.Figure:
    """Return the layers needed against the distance: for kernels of several sizes, and the ViT's one."""
    distances = np.arange(CELL_PIXELS, COLUMNS * CELL_PIXELS, CELL_PIXELS)
    dashes = dict(zip(KERNELS, ("solid", "dash", "dot"), strict=True))
    curves = [
        Curve(
            _("CNN {kernel} × {kernel}: sees both").format(kernel=kernel),
            distances,
            [layers_to_see(int(distance), kernel) for distance in distances],
            CNN_VERMILION,
            dashes[kernel],
        )
        for kernel in KERNELS
    ]
    hears = [layers_to_hear(int(distance), KERNELS[0]) for distance in distances]
    pixels = (situation.distance or 1) * CELL_PIXELS
    return line_chart(
        [
            *curves,
            Curve(_("CNN 3 × 3: hears both, two standard deviations"), distances, hears, "#B0558F", "dash"),
            Curve(_("ViT: one layer of attention"), distances, np.ones(len(distances)), VIT_BLUE),
            Level(_("your distance"), pixels, upright=True, colour=QUERY_ORANGE),
        ],
        x=Axis(_("Distance (pixels)")),
        y=Axis(_("Layers"), log=True),
        hover=TITLED,
        legend=True,
        height=380,
    )
