"""The closed forms of the Long range page: what one attention layer counts, and what added-up evidence cannot tell."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level, Point
from vitviz.figures.line_chart import line_chart
from vitviz.labs.long_range.contents import ORIENTATIONS, identity_of, is_half
from vitviz.labs.long_range.counter import AttentionCount, count, local_count
from vitviz.labs.long_range.evidence import added_evidence
from vitviz.numbers import percent, scientific
from vitviz.pictures import lessons
from vitviz.ui.choices.long_range import BETA, MOST_BETA
from vitviz.ui.furniture import lesson
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.long_range import windows
from vitviz.ui.learn.long_range.board import Situation
from vitviz.ui.reader import link
from vitviz.ui.text import _


def counted(situation: Situation) -> AttentionCount:
    """Return what one attention layer counts among the halves of the picture at the chosen β."""
    cells = situation.board.reshape(-1)
    halves = cells[is_half(cells)]
    return count([int(identity) for identity in identity_of(halves)], link.get(BETA))


def draw(situation: Situation) -> AttentionCount | None:
    """Draw the closed form that belongs to the task."""
    st.subheader(_("Why it works: the closed form"), anchor=False)
    if situation.task.name == "occluder":
        _draw_added_evidence()
        windows.draw_depth(situation)
        return None
    counter = counted(situation)
    lesson.formula(
        r"A_{ii}=\frac{1}{m+(n-m)\,e^{-\beta}},\qquad n-\operatorname{trace}(A)"
        r"\;\xrightarrow{\;\beta\to\infty\;}\;" + lesson.words(_("whole objects")),
        {
            r"A_{ii}": _("attention of half i to itself"),
            "n": _("halves in the picture"),
            "m": _("halves of the same identity, itself included"),
            r"\beta": _("score of two halves of one identity; 0 for all others"),
        },
    )
    st.slider(_("β: how strongly a half looks for its identity"), 0.0, MOST_BETA, step=0.1, **link.widget(BETA))
    left, right = st.columns(2, gap="large")
    with left:
        chart(lessons.counted(counter, say=_).figure(), key="range_matrix")
    with right:
        chart(curve_figure(counter), key="range_count")
    _say(counter)
    windows.draw(situation, counter)
    return counter


def _say(counter: AttentionCount) -> None:
    columns = st.columns(4)
    columns[0].metric("trace(A)", f"{counter.trace:.3f}", help=_("Tends to the number of identities."))
    columns[1].metric("n − trace(A)", f"{counter.pairs:.3f}", help=_("Tends to the whole objects."))
    columns[2].metric(_("Whole objects"), counter.complete)
    columns[3].metric(_("Error at this β"), scientific(-counter.error))
    whole, n = counter.complete, counter.tokens
    st.caption(
        _(
            "This layer is made by hand from the halves of the picture above, no network is involved. Whole objects: "
            "{whole}. A counter of windows that each hold one half finds {double} for them, twice as many, because "
            "every window that holds a half counts one; where both halves share a window it finds {whole}. Halves "
            "without a partner, {alone} here, add nothing to n − trace(A)."
        ).format(double=_windows(whole), whole=whole, alone=n - 2 * whole)
    )


def _windows(whole: int) -> int:
    """Return what a counter of windows finds for objects whose halves lie in different windows."""
    return local_count([3.0 * place for place in range(whole)], [3.0 * place + 1.5 for place in range(whole)], 1.0)


def curve_figure(counter: AttentionCount) -> go.Figure:
    """Return n − trace(A) against β."""
    betas = np.linspace(0, MOST_BETA, 61)
    pairs = [count(counter.identities, float(beta)).pairs for beta in betas]
    return line_chart(
        [
            Level(_("whole objects"), count(counter.identities, math.inf).pairs, number="%{y}"),
            Curve("n − trace(A)", betas, pairs, kind="line"),
            Point("", counter.beta, counter.pairs),
        ],
        x=Axis("β"),
        y=Axis("n − trace(A)", from_zero=True),
        hover="β = %{x:.2f}: %{y:.3f}",
        height=320,
    )


def _draw_added_evidence() -> None:
    evidence = added_evidence(ORIENTATIONS)
    lesson.formula(
        r"F(x)=b+\sum_{w} f(w),\qquad \left.\frac{d}{d\varepsilon}\,\mathbb{E}\,L(\tfrac12+\varepsilon F)\right|_{0}"
        r"=\sum_w \mathbb{E}\big[(\tfrac12-y)\,f(w)\big]=0",
        {
            "w": _("one window of the picture"),
            "f": _("the evidence that it adds"),
            "y": _("the right answer, 0 or 1"),
            "L": _("cross-entropy"),
        },
    )
    columns = st.columns(3)
    columns[0].metric(_("Largest slope, computed"), scientific(abs(evidence.gradient).max(), 1))
    columns[1].metric(_("Best cross-entropy"), f"{math.log(2):.3f}")
    columns[2].metric(_("Best accuracy of a threshold"), percent(evidence.threshold_accuracy))
    st.markdown(
        _(
            "Each bar alone has every orientation equally often, whatever the answer. Then no window's evidence "
            "pulls the "
            "sum either way: the slope of the loss at “50%” is zero along every such sum, and because the loss is "
            "convex, "
            "“50%” is the best that training can find. The *probabilities* stay at chance; a clever threshold on "
            "such a sum "
            "could still be right {share} of the time with {count} orientations, but cross-entropy does not "
            "lead there."
        ).format(share=percent(evidence.threshold_accuracy), count=ORIENTATIONS)
    )
