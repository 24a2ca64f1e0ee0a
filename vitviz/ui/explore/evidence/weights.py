"""Do the maps depend on the weights? Layers are replaced by random ones from the top, when asked for."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.analysis.faithfulness_checks import Randomisation, model_randomisation
from vitviz.attribution import attribute
from vitviz.models.vit import ViT
from vitviz.pictures.curves import randomisations
from vitviz.ui.explore.evidence import maps
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap
from vitviz.ui.work import controls, long_work
from vitviz.ui.work.long_work import LongWork


def draw(scene: Scene, aim: Aim, outcomes: list[Outcome]) -> None:
    """Draw the check of the maps that are there, or the button that asks for it."""
    shown = [outcome for outcome in outcomes if outcome.attribution is not None]
    if not shown:
        return
    st.subheader(_("Do the maps depend on the weights?"), anchor=False)
    st.markdown(
        _(
            "The model's layers are replaced by random ones, from its output down, and each map is made again. A map "
            "of what the model learned loses its order; one that keeps it would look the same for a model that knows "
            "nothing (Adebayo et al. 2018)."
        )
    )
    _button(scene, aim, [outcome for outcome in shown if checked(aim, outcome) is None])
    results = {
        _(outcome.method.label): randomisation
        for outcome in shown
        if (randomisation := checked(aim, outcome)) is not None
    }
    if results:
        _curves(results)


def _check(scene: Scene, aim: Aim, outcome: Outcome) -> LongWork[Randomisation]:
    """Return the check of one map."""
    name, knobs, pixels = outcome.method.name, maps.knobs(outcome.method), scene.original.pixels

    def explain(vit: ViT) -> NDArray[Any]:
        return attribute(name, vit, pixels, target=aim.target, batch_size=maps.BATCH, **knobs).values

    return LongWork(_key(aim, outcome), lambda report: model_randomisation(scene.vit, explain, progress=report))


def _key(aim: Aim, outcome: Outcome) -> Hashable:
    return ("weights", aim.key, outcome.work.key)


def _request(scene: Scene, aim: Aim) -> Hashable:
    return ("weights", scene.model_key, scene.photo.digest, aim.key)


def checked(aim: Aim, outcome: Outcome) -> Randomisation | None:
    """Return the check of a map, if it was made."""
    result: Randomisation | None = long_work.result(_key(aim, outcome))
    return result


def _button(scene: Scene, aim: Aim, left: list[Outcome]) -> None:
    note = (
        _("Makes {count} maps by each method, slow ones included.")
        if any(maps.slow(outcome.method) for outcome in left)
        else _("Makes {count} maps by each method.")
    )
    controls.ask(
        [_check(scene, aim, outcome) for outcome in left],
        _("Replace the weights"),
        name="weights",
        request=_request(scene, aim),
        icon=":material/casino:",
        note=note.format(count=scene.vit.layers + 3),
    )


def _curves(results: dict[str, Randomisation]) -> None:
    figure = randomisations(results, say=_)
    if figure is not None:
        chart(figure, key="weights")
    flat = [label for label, randomisation in results.items() if not np.isfinite(randomisation.correlations).all()]
    st.caption(
        _("1: the same order as the map of the true model; 0: nothing in common. Each stage keeps those before it.")
        + (gap() + _("Left out where a map is flat: {names}.").format(names=_(", ").join(flat)) if flat else "")
    )
