"""The logit lens on the Tokens page: the answer after each block, and the patches that speak for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from vitviz.analysis.lens import ClassEvidence, LogitLens
from vitviz.errors import VitvizError
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.numbers import percent
from vitviz.pictures import curves
from vitviz.ui.choices.tokens import LENS_CLASS
from vitviz.ui.explore.tokens.second_photo import Seen
from vitviz.ui.furniture import tables
from vitviz.ui.furniture.charts import chart
from vitviz.ui.furniture.panel import map_panel
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, plain
from vitviz.ui.words.class_names import class_name
from vitviz.ui.words.errors import in_dashboard


@dataclass(frozen=True, eq=False)
class Reading:
    """What the classifier reads from the tokens."""

    lens: LogitLens
    evidence: ClassEvidence


def draw(scene: Scene, here: Seen) -> Reading | None:
    """Draw the answers after every block and the evidence map; None for a model without a classifier."""
    st.subheader(_("What would the classifier answer after each block?"), anchor=False)
    try:
        lens = cache.logit_lens(scene.model_key, here.photo.digest, scene.vit, here.trace)
    except VitvizError as error:
        st.info(_("Not applicable. {reason}").format(reason=plain(in_dashboard(error))))
        return None
    chosen = _class(scene, lens)
    evidence = cache.class_evidence(scene.model_key, here.photo.digest, chosen, scene.layer, scene.vit, here.trace)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _curves(scene, lens, chosen)
        _table(scene, lens)
    with right:
        _choose(scene, lens)
        _map(scene, here, evidence)
    return Reading(lens, evidence)


def _class(scene: Scene, lens: LogitLens) -> int:
    """Return the class whose evidence is mapped; one that the model has not is told and left out."""
    asked, classes = link.get(LENS_CLASS), lens.logits.shape[1]
    if asked and int(asked) >= classes:
        text = _("There is no class {asked}: this model has classes 0 to {last}; its answer is shown.")
        st.warning(plain(text.format(asked=asked, last=classes - 1)), icon=":material/info:")
        link.put(LENS_CLASS.at(""))
        asked = ""
    return int(asked) if asked else lens.final


def _best(lens: LogitLens, count: int) -> list[int]:
    """Return the classes that are best in the end, best first."""
    return [int(index) for index in lens.logits[-1].argsort()[::-1][:count]]


def _curves(scene: Scene, lens: LogitLens, chosen: int) -> None:
    classes = list(dict.fromkeys([*_best(lens, 3), chosen]))
    names = [class_name(scene.vit, index) for index in classes]
    figure = curves.lens(lens, classes=classes, names=names, say=_).figure()
    chart(figure, key="lens_curve")
    st.caption(
        _(
            "The last norm and the classifier, applied to the stream after each block; the last point is the real "
            "answer. From layer {layer} on the answer is the final one. The classifier was not made for earlier "
            "layers: read when the curve rises, not its height."
        ).format(layer=lens.decided - 1)
    )


def _table(scene: Scene, lens: LogitLens) -> None:
    shares = lens.probabilities
    rows: dict[str, list[Any]] = {
        _("After layer"): [_("input"), *(str(layer) for layer in range(len(lens.top) - 1))],
        _("Best answer"): [class_name(scene.vit, index) for index in lens.top],
        _("Probability"): [percent(shares[row, best]) for row, best in enumerate(lens.top)],
    }
    with st.expander(_("Best answer after each layer"), key="lens_answers"):
        tables.draw(rows, alt=_("One row a layer"))


def _choose(scene: Scene, lens: LogitLens) -> None:
    asked = link.get(LENS_CLASS)
    listed = [str(index) for index in _best(lens, 5)[1:]]
    more = [asked] if asked and asked not in listed else []
    st.selectbox(
        _("Evidence for"),
        ["", *listed, *more],
        format_func=lambda text: class_name(scene.vit, int(text) if text else lens.final),
        **link.widget(LENS_CLASS),
    )


def _map(scene: Scene, here: Seen, evidence: ClassEvidence) -> None:
    name = class_name(scene.vit, evidence.class_index)
    share = float((evidence.best == evidence.class_index).mean())
    panel = Panel(photo=here.picture, map=evidence.values, scale=evidence_scale(evidence), opacity=0.65)
    map_panel(panel, alt=_("Which patches speak for {name}").format(name=name))
    st.caption(
        _(
            "What the classifier reads from each patch token alone after layer {layer}: the logit of **{name}** above "
            "the mean of all classes. {share} of the patches speak for it most. A classifier of the class token "
            "was never trained on patches."
        ).format(layer=evidence.layer, name=plain(name), share=percent(share))
    )


def evidence_scale(evidence: ClassEvidence) -> Scale:
    """Return the colours of an evidence map: symmetric about zero."""
    top = float(np.abs(evidence.values).max()) or 1.0
    return Scale(-top, top, signed=True)
