"""The Evidence page: which methods are shown, their maps from the shelf, and what is computed when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attribution import METHODS, Attribution, Method, attribute, why_not
from vitviz.attribution.attribute import find_method
from vitviz.errors import UnsupportedModelError
from vitviz.figures.overlay import grey
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.trace import Trace, trace
from vitviz.ui.choices.evidence import KNOBS, METHOD_NAMES, METHOD_SEPARATOR, NO_METHOD, knobs_of
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.kept import cache, shelf
from vitviz.ui.kept.jobs import Report
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.work import long_work
from vitviz.ui.work.long_work import LongWork, previewed

_FIRST = ("class_attention", "rollout", "gradient_rollout", "legrad", "saliency", "token_grad_cam")
SHOWN_FIRST = 4
BATCH = 4
"""Pictures that long work runs at once: a turn at the model is short, and other readers wait no longer than that."""
_BRIGHTEST = 99  # percentile of a map over pixels that gets the last colour: single pixels stand far above the rest


@dataclass(frozen=True, eq=False)
class Outcome:
    """What there is to show of one method: its map, why there can be none, or neither yet."""

    method: Method
    work: LongWork[Attribution]
    """What makes the map."""
    attribution: Attribution | None
    reason: str | None

    @property
    def waits(self) -> bool:
        """Whether a map that takes long can be asked for."""
        return self.attribution is None and self.reason is None and slow(self.method)


def slow(method: Method) -> bool:
    """Return whether a method needs many passes, so that it waits to be asked for."""
    return method.passes is not None


def estimate(scene: Scene, method: Method) -> float:
    """Return about how many seconds a slow method takes with the reader's knobs, on this machine."""
    if method.passes is None:
        return 0.0
    turned = method.choose(knobs(method), scene.vit.layers)
    return method.passes(turned, scene.trace.grid) * cache.pass_seconds(scene.model_key, scene.vit)


def methods(scene: Scene) -> list[Method]:
    """Return the methods that the reader chose, by default the first four quick ones that can serve the model."""
    chosen = link.get(METHOD_NAMES)
    if chosen == NO_METHOD:
        return []
    if chosen:
        names = dict.fromkeys(chosen.split(METHOD_SEPARATOR))
    else:
        names = dict.fromkeys([name for name in _FIRST if why_not(name, scene.vit) is None])
        names = dict.fromkeys(list(names)[:SHOWN_FIRST])
    return [find_method(name) for name in names]


def choose_methods(shown: list[Method]) -> None:
    """Draw the list of methods."""
    key = "evidence_methods"

    def keep(names: list[str]) -> None:
        link.put(METHOD_NAMES.at(METHOD_SEPARATOR.join(names) or NO_METHOD))

    st.multiselect(
        _("Methods"),
        [method.name for method in METHODS],
        format_func=lambda name: _(find_method(name).label) + (" ⏱" if slow(find_method(name)) else ""),
        placeholder=_("Choose one or more"),
        help=_("Those with a clock run the model many times and wait until you ask for them."),
        key=key,
        on_change=link.tie(key, [method.name for method in shown], keep),
    )


def knobs(method: Method) -> dict[str, Any]:
    """Return the knobs that the reader turned."""
    return knobs_of(link.get(KNOBS)).get(method.name, {})


def turn(method: Method, name: str, value: Any) -> None:
    """Set a knob; at its default it leaves the link."""
    turned = knobs_of(link.get(KNOBS))
    turned.setdefault(method.name, {})[name] = value
    defaults = {knob.name: knob.default for knob in method.knobs}
    parts = [
        f"{owner}:{knob}:{setting:g}" if isinstance(setting, float) else f"{owner}:{knob}:{setting}"
        for owner, settings in turned.items()
        for knob, setting in settings.items()
        if owner != method.name or setting != defaults[knob]
    ]
    link.put(KNOBS.at("~".join(parts)))


def outcome(scene: Scene, aim: Aim, method: Method, *, beside: Sequence[Method] = ()) -> Outcome:
    """Return what there is of a method for this photo, model, target and knobs; a quick map is computed now.

    ``beside`` are the methods that the same passes are to serve.
    """
    work = _work(scene, aim, method, beside)
    attribution: Attribution | None = long_work.result(work.key)
    reason = why_not(method.name, scene.vit)
    if attribution is None and reason is None and not slow(method):
        with st.spinner(_("Explaining …")):
            attribution = long_work.at_once(work)
        reason = long_work.refusal(work.key)
    return Outcome(method, work, attribution, reason)


def _work(scene: Scene, aim: Aim, method: Method, beside: Sequence[Method]) -> LongWork[Attribution]:
    """Return what makes the map of a method."""
    target = aim.key if method.targeted else "any"
    turned = knobs(method)
    key = ("map", scene.model_key, scene.photo.digest, method.name, target, tuple(sorted(turned.items())))

    def compute(report: Report) -> Attribution:
        recorded = passes(scene, aim, [method, *beside])
        looks = previewed(report) if slow(method) else {"progress": report}
        return attribute(method.name, scene.vit, recorded, target=aim.target, batch_size=BATCH, **looks, **turned)

    return LongWork(key, compute)


def passes(scene: Scene, aim: Aim, served: Sequence[Method]) -> Trace:
    """Return the recorded passes that the first of some methods reads: with gradients, one trace for all of a target.

    Raises UnsupportedModelError for a model that cannot give the gradients that the first method reads.
    """
    first = served[0]
    if not (first.backward or first.layer_scores):
        return scene.original
    key = ("passes", scene.model_key, scene.photo.digest, aim.key)
    kept: Trace | None = shelf.passes().get(key)
    if kept is None or (first.layer_scores and not kept.layer_gradients):
        layered = any(method.layer_scores for method in served)
        try:
            kept = trace(scene.vit, scene.original.pixels, target=aim.target, layer_scores=layered)
        except UnsupportedModelError:
            if first.layer_scores or not layered:
                raise
            kept = trace(scene.vit, scene.original.pixels, target=aim.target)  # only LeGrad cannot serve the model
        shelf.passes().put(key, kept)
    return kept


def vanishes() -> str:
    """Return what is said of a map whose target has no gradient to speak of."""
    return _("The target has next to no gradient at this picture, so the map is little but rounding: explain another.")


def colours(attribution: Attribution, method: Method) -> tuple[Scale, float]:
    """Return the scale of a map and its largest size: signed maps about 0, others from 0."""
    sizes = np.abs(attribution.values)
    most = float(sizes.max())
    top = float(np.percentile(sizes, _BRIGHTEST)) if method.pixelwise else most
    top = top or most or 1.0
    return Scale(-top if method.signed else 0.0, top, signed=method.signed, shares=method.shares), most


def background(scene: Scene, method: Method) -> NDArray[np.uint8]:
    """Return the photo under a map, grey where colours mean signs."""
    return grey(scene.picture) if method.signed else scene.picture


def panel(scene: Scene, method: Method, attribution: Attribution, colouring: dict[str, Any]) -> Panel:
    """Return a map over its photo, for the page and for print; ``colouring`` is the reader's ``look``."""
    scale, _most = colours(attribution, method)
    return Panel(
        label=_(method.label), photo=background(scene, method), map=attribution.values, scale=scale, **colouring
    )
