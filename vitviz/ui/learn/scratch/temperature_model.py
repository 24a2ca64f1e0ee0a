"""The temperature of the loaded model: attention, entropy of every head, drift of the class token and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from vitviz.attention.statistics import HeadStatistics
from vitviz.attention.view import attention_view
from vitviz.capture.edit import NO_EDIT
from vitviz.errors import VitvizError
from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve, Level
from vitviz.figures.line_chart import TITLED, line_chart
from vitviz.figures.overlay import overlay
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.scale import scale_for
from vitviz.figures.summary import describe_map
from vitviz.figures.theme import NEUTRAL, QUERY_ORANGE
from vitviz.labs import model_temperature as lab
from vitviz.labs.model_temperature import ModelTemperature
from vitviz.numbers import Signed, percent
from vitviz.pictures import lessons
from vitviz.trace import Trace
from vitviz.ui.choices.attention_from_scratch import FACTOR, FACTORS, HEAT_SWEEP, HEATED, factor_of
from vitviz.ui.furniture import tables
from vitviz.ui.furniture.panel import look, look_bar
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene, first_query
from vitviz.ui.text import _
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import map_words
from vitviz.ui.work import controls
from vitviz.ui.work.long_work import LongWork

SWEPT = tuple(factor_of(text) for text in FACTORS)


@dataclass(frozen=True, eq=False)
class Heated:
    """The photo through the model as it is and at another temperature."""

    factor: float
    layer: int | None
    """None for all layers."""
    plain: Trace
    trace: Trace
    before: HeadStatistics
    after: HeadStatistics

    @property
    def cosine(self) -> float:
        """Cosine between what both read."""
        return lab.drift(self.plain, self.trace)


def layer(scene: Scene) -> int | None:
    """Return the layer whose temperature changes, None for all; a layer that the model has not is told."""
    text = link.get(HEATED)
    if text == "all":
        return None
    if int(text) >= scene.vit.layers:
        link.put(HEATED.at("all"))
        st.warning(
            _("There is no layer {layer}: this model has layers 0 to {last}; all are changed.").format(
                layer=text, last=scene.vit.layers - 1
            )
        )
        return None
    return int(text)


def knobs(scene: Scene) -> None:
    """Draw the factor, and where it acts."""
    st.select_slider(
        _("Factor of the temperature √d"),
        FACTORS,
        format_func=lambda text: f"{factor_of(text):.3g} ×",
        **link.widget(FACTOR),
    )
    layer(scene)  # before the widget, which would refuse a layer that is none of its options
    st.selectbox(
        _("Where"),
        ["all", *map(str, range(scene.vit.layers))],
        format_func=lambda text: _("in all layers") if text == "all" else _("in layer {layer}").format(layer=text),
        **link.widget(HEATED),
    )


def heat(scene: Scene) -> Heated | None:
    """Return the photo at the chosen temperature; None, with a word, where the model cannot be run so."""
    factor, where = factor_of(link.get(FACTOR)), layer(scene)
    try:
        edit = lab.tempered_edit(scene.vit, factor, where)
        tempered = cache.traced(scene.model_key, scene.photo.digest, edit, scene.vit, scene.photo)
        before = cache.statistics(scene.model_key, scene.photo.digest, NO_EDIT, scene.original)
        after = cache.statistics(scene.model_key, scene.photo.digest, edit, tempered)
    except VitvizError as error:
        st.error(in_dashboard(error))
        return None
    return Heated(factor, where, scene.original, tempered, before, after)


def maps(scene: Scene, heated: Heated) -> None:
    """Draw where the query looks in the last layer, before and after, on one scale."""
    query, last = first_query(scene.vit), scene.vit.layers - 1
    views = [attention_view(trace, layer=last, query=query) for trace in (heated.plain, heated.trace)]
    scale = scale_for([view.values for view in views], "layer", uniform=views[0].uniform)
    titles = (_("unchanged"), _("at {factor:.3g} × √d").format(factor=heated.factor))
    for column, view, title in zip(st.columns(2), views, titles, strict=True):
        column.image(
            overlay(scene.picture, view.values, scale=scale, **look()),
            caption=title,
            width="stretch",
            output_format="JPEG",
            alt=describe_map(view.values, scene.vit.grid, view.uniform, labels=map_words()),
        )
    st.html(look_bar(scale, title=_("attention in the last layer, mean of the heads, one scale for both")))


def numbers(scene: Scene, heated: Heated) -> None:
    """Draw how far the class token and the answer moved, and how many tokens are attended to."""
    row = st.container(horizontal=True, gap="large")  # wraps where the column is narrow
    row.metric(
        _("Cosine"),
        f"{heated.cosine:.4f}",
        help=_("Between what is read (class token, or embedding) now and from the plain model."),
        width="content",
    )
    before, after = (float(np.exp(np.nanmean(statistics.entropy))) for statistics in (heated.before, heated.after))
    row.metric(
        _("Tokens attended"),
        f"{after:.0f}",
        delta=f"{Signed(after - before):+.0f}",
        delta_color="off",
        delta_arrow=_arrow(after - before),
        help=_("exp of the mean entropy of all heads, of {tokens} tokens.").format(tokens=scene.vit.grid.tokens),
        width="content",
    )
    if heated.trace.logits is not None and heated.plain.logits is not None:
        _answer(scene, row, heated.plain.logits, heated.trace.logits)


def _arrow(change: float) -> Literal["up", "down"]:
    """Return where the arrow at a change points: Streamlit knows a hyphen only, and the sign is a minus."""
    return "down" if change < 0 else "up"


def _answer(scene: Scene, row: DeltaGenerator, before: Tensor, after: Tensor) -> None:
    """Draw the probability that the plain model's answer has now."""
    best = int(before.argmax())
    first, second = (float(scene.vit.probabilities(logits)[best]) for logits in (before, after))
    row.metric(
        _("Plain answer"),
        percent(second),
        delta=_("{change:+.1f} points").format(change=Signed(100 * (second - first))),
        delta_color="off",
        delta_arrow=_arrow(second - first),
        help=_("Probability of {name}, the plain model's answer.").format(name=class_name(scene.vit, best)),
        width="content",
    )


def entropy_figure(heated: Heated) -> go.Figure:
    """Return the entropy of every head of each layer, a dot each, and the mean of the layer, before and after."""
    lines = []
    for name, entropy, colour, aside in (
        (_("unchanged"), heated.before.entropy, NEUTRAL, -0.12),
        (_("at {factor:.3g} × √d").format(factor=heated.factor), heated.after.entropy, VIT_BLUE, 0.12),
    ):
        places = np.nonzero(np.isfinite(entropy))[0] + aside
        dots = entropy[np.isfinite(entropy)]
        lines.append(Curve(_("{name}, each head").format(name=name), places, dots, colour, kind="dots"))
        lines.append(Curve(name, np.arange(len(entropy)), np.nanmean(entropy, 1), colour, kind="line"))
    return line_chart(
        [*lines, Level(_("uniform"), heated.before.uniform_entropy)],
        x=Axis(_("Layer")),
        y=Axis(_("Entropy of the attention (nats)")),
        hover=TITLED,
        height=360,
    )


def ask_sweep(scene: Scene) -> ModelTemperature | None:
    """Draw the switch of the sweep over all factors, and return it if it is there."""
    where = layer(scene)
    work = LongWork(
        ("heat_sweep", scene.model_key, scene.photo.digest, where),
        lambda report: lab.run(scene.vit, scene.photo.image, factors=SWEPT, layer=where, progress=report),
    )
    return controls.switch(
        work,
        HEAT_SWEEP,
        label=_("Measure all {count} temperatures").format(count=len(SWEPT)),
        help=_("One pass of the model each: a few seconds."),
    )


def sweep_figure(sweep: ModelTemperature) -> go.Figure:
    """Return the drift of what is read, and the probability of the plain answer, against the factor."""
    factor = Level(_("your factor"), factor_of(link.get(FACTOR)), upright=True, colour=QUERY_ORANGE)
    return lessons.sweep(sweep, extra=[factor], say=_).figure()


def sweep_table(scene: Scene, sweep: ModelTemperature) -> None:
    """Draw one row a factor: entropy, drift, answer."""
    mean = sweep.entropy.mean(1)  # (factor,)
    rows: dict[str, list[Any]] = {
        _("Factor"): [f"{factor:.3g}" for factor in sweep.factors],
        _("Mean entropy (nats)"): [f"{value:.2f}" for value in mean],
        _("exp(H)"): [f"{value:.0f}" for value in np.exp(mean)],
        _("Cosine"): [f"{value:.4f}" for value in sweep.cosine],
    }
    if sweep.top:
        rows[_("Answer")] = [class_name(scene.vit, best) for best in sweep.top]
        rows[_("Plain answer")] = [percent(value) for value in sweep.probability]
    tables.draw(rows, alt=_("One row a temperature"))
