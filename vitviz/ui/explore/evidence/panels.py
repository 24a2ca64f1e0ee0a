"""Maps side by side: one panel a method, with its colours in numbers, what it found and what it is."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from vitviz.attribution import Attribution, Knob, Method
from vitviz.attribution.attribute import PREVIEW
from vitviz.figures.scale import Scale
from vitviz.numbers import number, percent
from vitviz.trace.default import VANISHES
from vitviz.ui.explore.evidence import maps
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.furniture.panel import empty_panel, look, map_panel, title
from vitviz.ui.kept.jobs import JobView
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.labels import about, duration, fusion_names, replacement_names
from vitviz.ui.work import controls

_ROW = 4


def draw(scene: Scene, aim: Aim, shown: list[Method]) -> list[Outcome]:
    """Draw a panel for each method and return what there is."""
    outcomes: list[Outcome] = []
    for start in range(0, len(shown), _ROW):
        row = shown[start : start + _ROW]
        columns = st.columns(_ROW if len(shown) > _ROW else max(3, len(row)), gap="medium")
        for column, method in zip(columns, row, strict=False):
            with column.container(key=f"panel_{method.name}"):
                outcomes.append(panel(scene, aim, method))
    return outcomes


def panel(scene: Scene, aim: Aim, method: Method) -> Outcome:
    """Draw one method: its map, a button where it is slow, or why there is none."""
    title(_(method.label))
    outcome = maps.outcome(scene, aim, method, beside=maps.methods(scene))
    if outcome.reason is not None:
        refused(outcome, plain(outcome.reason), name=method.name)
    elif outcome.attribution is None:
        _ask(scene, aim, outcome)
    else:
        _map(scene, aim, method, outcome.attribution)
    card(scene, method)
    return outcome


def refused(outcome: Outcome, told: str, *, name: str) -> None:
    """Draw why there is no map, and the button that tries again what might come to something."""
    st.warning(told, icon=":material/block:")
    controls.try_again(outcome.work.key, name)


def _ask(scene: Scene, aim: Aim, outcome: Outcome) -> None:
    """Draw the button that starts a slow method, or its progress, the map so far and the button that stops it."""
    took = about(maps.estimate(scene, outcome.method))

    def draw(view: JobView | None) -> None:
        if view is not None and view.result is not None:
            _map(scene, aim, outcome.method, view.result)
        else:
            empty_panel(scene.picture, _("Not computed yet: about {duration}").format(duration=took))

    note = _("Takes {cost}.").format(cost=_(outcome.method.cost))
    controls.ask([outcome.work], _("Compute"), name=outcome.method.name, note=note, draw=draw)


def ask_for_all(scene: Scene, outcomes: list[Outcome]) -> None:
    """Draw the button that computes all maps that wait, where there are several."""
    waiting = [outcome for outcome in outcomes if outcome.waits]
    if len(waiting) < 2:
        return
    whole = about(sum(maps.estimate(scene, outcome.method) for outcome in waiting))
    label = _("Compute all {count}: about {duration}").format(count=len(waiting), duration=whole)
    request = ("all", *(outcome.work.key for outcome in outcomes if maps.slow(outcome.method)))
    controls.ask([outcome.work for outcome in waiting], label, name="all", request=request)


def _map(scene: Scene, aim: Aim, method: Method, attribution: Attribution) -> None:
    scale, most = maps.colours(attribution, method)
    map_panel(
        maps.panel(scene, method, attribution, look(signed=method.signed)),
        alt=_in_words(method, attribution),
        titled=False,
    )
    st.caption("  \n".join(_facts(aim, method, attribution, scale, most)))


def _in_words(method: Method, attribution: Attribution) -> str:
    row, column = np.unravel_index(int(attribution.values.argmax()), attribution.values.shape)
    return _("{method}: the largest value is in row {row}, column {column} of {rows} × {columns}").format(
        method=_(method.label),
        row=row + 1,
        column=column + 1,
        rows=attribution.values.shape[0],
        columns=attribution.values.shape[1],
    )


def _facts(aim: Aim, method: Method, attribution: Attribution, scale: Scale, most: float) -> list[str]:
    """Return what is said under a map, a line each."""
    target = _("the same for every answer")
    if method.targeted:
        target = _("for **{target}**").format(target=plain(aim.label))
    kind = _("red for, blue against") if method.signed else _("no sign")
    took = _("{kind} · {duration}") if maps.slow(method) else _("{kind} · {duration} after the model's pass")
    facts = [target, took.format(kind=kind, duration=duration(attribution.seconds))]
    if PREVIEW in attribution.notes:
        facts.append(_("**A preview**: it gets finer while you look."))
    if attribution.sampling_error is not None and most:
        share = percent(attribution.sampling_error / most)
        facts.append(_("standard error from sampling: {share} of the largest value").format(share=share))
    if most > scale.high:
        facts.append(_("brightest 1% of the pixels: up to {most}").format(most=number(most)))
    if not most:
        facts.append(_("The map is zero everywhere: this method finds nothing for this target."))
    if VANISHES in attribution.notes:
        facts.append(maps.vanishes())
    if attribution.completeness_gap is not None:
        facts.append(
            _("adds up to the change of the score but for {gap}").format(gap=number(attribution.completeness_gap))
        )
    return facts


def card(scene: Scene, method: Method) -> None:
    """Draw what a method is, behind a button, with its knobs."""
    with st.popover(_("About"), icon=":material/info:", key=f"about_{method.name}"):
        st.markdown(_(method.summary))
        st.markdown(f"`{method.formula}`")
        st.markdown(
            _("**Paper** {paper}  \n**Cost** {cost}  \n**Limits** {limits}").format(
                paper=plain(method.paper), cost=plain(_(method.cost)), limits=plain(_(method.limits))
            )
        )
        for knob in method.knobs:
            _knob(scene, method, knob)


def _knob(scene: Scene, method: Method, knob: Knob) -> None:
    """Draw the widget of a knob from its record."""
    key = f"knob_{method.name}_{knob.name}"
    last = scene.vit.layers - 1
    value: Any = maps.knobs(method).get(knob.name, last if knob.kind == "layer" else knob.default)
    high: float = last if knob.kind == "layer" else knob.high
    low: float = 0 if knob.kind == "layer" else knob.low
    if knob.kind != "choice":
        value = min(value, high)
    chosen = link.tie(key, value, partial(maps.turn, method, knob.name))
    shared: dict[str, Any] = {"key": key, "help": _(knob.help), "on_change": chosen}
    if knob.kind == "choice":
        words = fusion_names() if knob.name == "head_fusion" else replacement_names()
        st.selectbox(_(knob.label), knob.choices, format_func=words.__getitem__, **shared)
    elif knob.kind == "number":
        st.slider(_(knob.label), float(low), float(high), step=0.01, format="percent", **shared)  # all are shares
    else:
        st.number_input(_(knob.label), int(low), int(high), step=1, **shared)
