"""What was measured on held-out pictures: accuracy against distance, and a table of the networks."""

from __future__ import annotations

from math import log

import plotly.graph_objects as go
import streamlit as st

from vitviz.labs.long_range.contents import CELL_PIXELS
from vitviz.labs.long_range.results import NetworkResult, TaskResult, wilson
from vitviz.numbers import percent
from vitviz.pictures.networks import distances
from vitviz.ui.furniture import guessing, tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.learn.long_range import guesses
from vitviz.ui.learn.long_range.board import Situation
from vitviz.ui.learn.long_range.verdicts import network_names
from vitviz.ui.text import _


def beyond(measured: TaskResult) -> list[int]:
    """Return the distances (cells) at which no window of the small field holds both halves or bars."""
    field = measured.networks["limited"].field or 0
    return [distance for distance in measured.distances if distance * CELL_PIXELS >= field]


def figure(situation: Situation) -> go.Figure:
    """Return accuracy against distance with the small field marked."""
    measured = situation.results
    return distances(
        measured,
        current=None if situation.distance is None else situation.distance * CELL_PIXELS,
        extra=guessing.drawn(guesses.accuracy_curve(measured)),
        say=_,
    ).figure()


def draw(situation: Situation) -> None:
    """Draw the curves, what they say, and the table."""
    measured = situation.results
    st.subheader(_("How far does each network see?"), anchor=False)
    chart(figure(situation), key="range_curves")
    seeds = len(measured.networks["vit"].seeds)
    st.caption(
        _(
            "Accuracy on {images} new pictures a distance and training, all couples at that distance, answers equally "
            "frequent; mean and standard deviation of {seeds} trainings from different seeds. Orange: the distance "
            "of the "
            "chosen couple."
        ).format(images=measured.images, seeds=seeds)
    )
    st.markdown(_sentence(measured))
    if measured.alone:
        st.markdown(_alone_sentence(measured))
    tables.draw(
        {key: list(values) for key, values in table(measured).items()},
        alt=_("One row a network"),
    )
    st.caption(
        _(
            "All three have the same two losses (the answer, and for each half or bar whether it has its partner), "
            "steps and batches. ViT and large field practised on the same pictures, of all distances; the small field "
            "on as many whose couples it holds, for beyond it a couple looks like none. Cost is time of one CPU core. "
            "Cross-entropy is in nats beyond the small field; guessing costs {guess:.3f}."
        ).format(guess=log(1 / measured.chance))
    )


def _sentence(measured: TaskResult) -> str:
    """Return what the curves say, from their numbers."""
    names, far = network_names(measured), beyond(measured)
    parts = []
    for name, network in measured.networks.items():
        low, high = _far_interval(measured, network, far)
        near = float(network.mean[0])
        parts.append(
            _(
                "- **{name}**: {near} at {pixels} px; beyond the small field {far} (95% interval {low} to "
                "{high}{verdict})."
            ).format(
                name=names[name],
                near=percent(near),
                pixels=measured.pixels[0],
                far=percent(_far(measured, network, far)),
                low=percent(low),
                high=percent(high),
                verdict=_(", which holds guessing, {chance}").format(chance=percent(measured.chance))
                if low <= measured.chance <= high
                else "",
            )
        )
    return "\n".join(parts)


def _alone_sentence(measured: TaskResult) -> str:
    """Return what the CNNs do that were trained on one distance alone."""
    names = network_names(measured)
    parts = []
    for name in dict.fromkeys(run.network for run in measured.alone):
        shares = _(", ").join(
            _("{share} at {pixels} px").format(share=percent(run.accuracy), pixels=run.distance * CELL_PIXELS)
            for run in measured.alone
            if run.network == name
        )
        parts.append(f"{names[name]}: {shares}")
    return _("Practice does not widen a field. In trainings of their own, on one distance alone: {shares}.").format(
        shares=_("; ").join(parts)
    )


def _far(measured: TaskResult, network: NetworkResult, far: list[int]) -> float:
    return float(network.accuracy[:, _columns(measured, far)].mean())


def _far_interval(measured: TaskResult, network: NetworkResult, far: list[int]) -> tuple[float, float]:
    count = measured.images * len(network.seeds) * len(far)
    return wilson(_far(measured, network, far), count)


def _columns(measured: TaskResult, far: list[int]) -> list[int]:
    return [measured.distances.index(distance) for distance in far]


def table(measured: TaskResult) -> dict[str, list[object]]:
    """Return the networks' budgets and figures by column."""
    names, far = network_names(measured), _columns(measured, beyond(measured))
    rows = list(measured.networks.items())
    return {
        _("Network"): [names[name] for name, _network in rows],
        _("Parameters"): [network.parameters for _name, network in rows],
        _("Field of a cell (px)"): [
            _("the whole picture") if network.field is None else str(network.field) for _name, network in rows
        ],
        _("Training steps"): [network.steps[0] for _name, network in rows],
        _("Pictures seen"): [network.pictures[0] for _name, network in rows],
        _("Training cost (s, mean)"): [round(sum(network.seconds) / len(network.seconds)) for _name, network in rows],
        _("Accuracy, mixed distances"): [
            f"{percent(network.mixed_accuracy.mean())} ± {percent(_spread(network))}" for _name, network in rows
        ],
        _("Cross-entropy far away"): [f"{network.cross_entropy[:, far].mean():.3f}" for _name, network in rows],
    }


def _spread(network: NetworkResult) -> float:
    return float(network.mixed_accuracy.std(ddof=1)) if len(network.seeds) > 1 else 0.0
