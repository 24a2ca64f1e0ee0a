"""The rollout of the pinned token as layers are added, as a film."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.ui.choices.rollout import END, START
from vitviz.ui.choices.shared import OPACITY, PALETTE
from vitviz.ui.components.even_share import lit_levels
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import FilmPanel, FilmView
from vitviz.ui.explore.rollout import maps
from vitviz.ui.furniture import viewer
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import token_title


def draw(scene: Scene, options: dict[str, Any]) -> FilmView:
    """Draw the film and return it: what a token comes from is lit, and grows from a few patches to most of the picture.

    It opens in between unless the reader chose a depth: at the model's last layer nothing is left to be seen spreading.
    """
    start = options["start_layer"]
    shares = [view.values for view in maps.depth_maps(scene, options)]
    evenly = [evenly_spread(values) for values in shares]
    opening = options["end_layer"] - start if link.get(END) >= 0 else halfway(evenly)
    shown = view(scene, shares, evenly, start=start, shown=opening)
    film(shown, key="rollout_film", on_choose=lambda frame: link.put(START.at(start), END.at(start + frame)))
    st.caption(
        _(
            "The rollout of the pinned token as layers are added. Spread evenly, it would lie on as many patches as "
            "these: {first:,.1f} after the first layer, {last:,.1f} after the last."
        ).format(first=evenly[0], last=evenly[-1])
    )
    return shown


def view(scene: Scene, shares: list[NDArray[np.float32]], evenly: list[float], *, start: int, shown: int) -> FilmView:
    """Return the film of maps (rows, columns), one a depth; ``shown`` is the frame that it opens on."""
    title = _title(scene)
    captions = tuple(_("as if spread over {count:,.1f} patches").format(count=count) for count in evenly)
    grid = scene.trace.grid
    return FilmView(
        name=title,
        photo=viewer.photo_file(scene),
        size=grid.image_size,
        panels=(FilmPanel(title=title, levels=lit_levels(np.stack(shares), grid.tokens), captions=captions),),
        frames=tuple(_("Layers {start}–{end}").format(start=start, end=start + at) for at in range(len(shares))),
        ends=("0", _("the even share or more")),
        start=shown,
        mark=viewer.query_box(scene),
        tiles=True,
        choose=_("Use this depth below"),
        palette=link.get(PALETTE),
        opacity=link.get(OPACITY),
    )


def halfway(evenly: list[float]) -> int:
    """Return the frame at which a map has spread half of its way, by factors, from the first frame to the last."""
    middle = (evenly[0] * evenly[-1]) ** 0.5
    return min(range(len(evenly)), key=lambda frame: abs(np.log(evenly[frame] / middle)))


def evenly_spread(values: NDArray[np.float32]) -> float:
    """Return on how many patches a map would lie if it were spread evenly: the exponential of its entropy."""
    shares = values[values > 0].astype(np.float64)
    shares /= shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _title(scene: Scene) -> str:
    if scene.patch is None:
        return _("Rollout from the {token}").format(token=token_title(scene.query))
    row, column = scene.trace.grid.position(scene.patch)
    return _("Rollout from row {row}, column {column}").format(row=row + 1, column=column + 1)
