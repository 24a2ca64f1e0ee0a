"""The temperature of the loaded model as a film: where the class token looks from cold to hot."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.figures.palettes import levels
from vitviz.labs.model_temperature import ModelTemperature
from vitviz.numbers import percent
from vitviz.ui.choices.attention_from_scratch import FACTOR, FACTORS
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import FilmPanel, FilmView
from vitviz.ui.furniture import viewer
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, ngettext
from vitviz.ui.words.class_names import class_name

_DARKNESS = 0.75


def draw(scene: Scene, sweep: ModelTemperature) -> None:
    """Draw the film of all temperatures; its button takes one over to the pictures above."""
    film(view(scene, sweep), key="heat_film", on_choose=lambda frame: link.put(FACTOR.at(FACTORS[frame])))
    st.caption(
        _(
            "The last layer, mean of the heads, each frame lit up to its own strongest patch: cold attention is a few "
            "patches, hot attention the whole picture."
        )
    )


def view(scene: Scene, sweep: ModelTemperature) -> FilmView:
    """Return the film, a frame a factor; it opens on the reader's."""
    title = _("Where the model looks, from cold to hot")
    lit = [levels(values, 0, float(values.max()) or 1.0) for values in sweep.maps]
    grid = scene.vit.grid
    return FilmView(
        name=title,
        photo=viewer.photo_file(scene),
        size=grid.image_size,
        panels=(FilmPanel(title=title, levels=np.stack(lit), captions=_captions(scene, sweep)),),
        frames=tuple(_("{factor} × √d").format(factor=f"{factor:.3g}") for factor in sweep.factors),
        ends=("0", _("strongest of its frame")),
        start=FACTORS.index(link.get(FACTOR)),
        tiles=True,
        choose=_("Use this temperature above"),
        opacity=_DARKNESS,
    )


def _captions(scene: Scene, sweep: ModelTemperature) -> tuple[str, ...]:
    told = []
    for at, entropy in enumerate(sweep.entropy.mean(1)):
        count = round(float(np.exp(entropy)))
        words = ngettext("heads attend to {count} token", "heads attend to {count} tokens", count).format(count=count)
        if sweep.top:
            name, share = class_name(scene.vit, sweep.top[at]), percent(sweep.probability[at])
            words = _("{words} · answer {name} · plain answer {share}").format(words=words, name=name, share=share)
        told.append(words)
    return tuple(told)
