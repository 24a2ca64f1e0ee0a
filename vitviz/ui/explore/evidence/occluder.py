"""The square of the occlusion map on its way over the photo, as a film: what goes, and what the score loses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attribution import Attribution
from vitviz.attribution.attribute import PREVIEW
from vitviz.figures.palettes import levels
from vitviz.numbers import number
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import Box, FilmPanel, FilmView
from vitviz.ui.explore.evidence.maps import Outcome
from vitviz.ui.explore.evidence.target import Aim
from vitviz.ui.furniture import viewer
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import replacement_names

_MOST = 400
"""Frames of a film; of finer grids every second place or fewer are shown."""
_DARKNESS = 0.85


def draw(scene: Scene, aim: Aim, outcomes: Sequence[Outcome]) -> None:
    """Draw the film under the maps if the occlusion map is there, whole, and made of squares that do not overlap."""
    for outcome in outcomes:
        made = outcome.attribution
        if outcome.method.name != "occlusion" or made is None or PREVIEW in made.notes or not made.values.any():
            continue
        st.subheader(_("The square on its way"), anchor=False)
        if made.knobs["stride"] < made.knobs["window"]:
            st.caption(
                _(
                    "Squares overlap with these settings, so the map holds means and not what one square does: for the "
                    "film, let the step be as long as the window."
                )
            )
            return
        film(view(scene, aim, made), key="occluder_film")


def view(scene: Scene, aim: Aim, made: Attribution) -> FilmView:
    """Return the film: a frame a place of the square, row by row."""
    grid, side = scene.vit.grid, made.knobs["window"]
    corners = [(top, left) for top in range(0, grid.rows, side) for left in range(0, grid.columns, side)]
    corners = corners[:: -(-len(corners) // _MOST)]
    lit = np.full((len(corners), grid.rows, grid.columns), 255, np.uint8)
    for frame, (top, left) in enumerate(corners):
        lit[frame, top : top + side, left : left + side] = 0
    falls: NDArray[np.float32] = made.values
    whole = np.repeat(levels(falls, 0, float(falls.max()) or 1.0)[None], len(corners), axis=0)
    boxes: tuple[Box, ...] = tuple(
        (left / grid.columns, top / grid.rows, (left + side) / grid.columns, (top + side) / grid.rows)
        for top, left in corners
    )
    told = tuple(_told(float(falls[corner])) for corner in corners)
    filling = replacement_names()[made.knobs["replacement"]]
    covered = (_("put in its place: {what}").format(what=filling),) * len(corners)
    return FilmView(
        name=_("What the score loses without one square"),
        photo=viewer.photo_file(scene),
        size=grid.image_size,
        panels=(
            FilmPanel(title=_("This square is taken away"), levels=lit, captions=covered, boxes=boxes),
            FilmPanel(
                title=_("How much the score of {label} falls").format(label=aim.label),
                levels=whole,
                captions=told,
                boxes=boxes,
            ),
        ),
        frames=tuple(_("row {row}, column {column}").format(row=top + 1, column=left + 1) for top, left in corners),
        ends=("0", number(float(falls.max()))),
        start=min(range(len(corners)), key=lambda frame: -falls[corners[frame]]),
        opacity=_DARKNESS,
    )


def _told(fall: float) -> str:
    return (_("falls by {much}") if fall >= 0 else _("rises by {much}")).format(much=number(abs(fall)))
