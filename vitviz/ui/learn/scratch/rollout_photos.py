"""The receptive field of one token under two photos: the regions that hold half of its rollout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attention.rollout import rollout_row
from vitviz.capture.edit import NO_EDIT
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale
from vitviz.grid import PatchGrid
from vitviz.images import Photo
from vitviz.labs.regions import Regions, regions
from vitviz.numbers import percent
from vitviz.ui.choices.attention_from_scratch import ROLLED_PHOTO
from vitviz.ui.choices.shared import LAYER
from vitviz.ui.furniture.recipe import load_line, picture_expression
from vitviz.ui.kept import cache
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, gap, ngettext
from vitviz.ui.words.labels import token_title

HALF = 0.5
"""Of the rollout: what the regions hold; and the residual share, as Abnar and Zuidema set it."""


@dataclass(frozen=True, eq=False)
class TwoPhotos:
    """One token's rollout under two photos."""

    other: str
    """Name of the second photo."""
    token: int
    fields: tuple[NDArray[np.float64], NDArray[np.float64]]
    """(rows, columns) each."""
    halves: tuple[Regions, Regions]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the numbers behind the pictures."""
        return {"field": self.fields[0], "other_field": self.fields[1]}

    def code(self, scene: Scene) -> list[str]:
        """Return the Python of the first photo's regions."""
        return [
            "import vitviz",
            "from vitviz.examples import example",
            "from vitviz.labs.regions import regions",
            "",
            load_line(scene),
            f"trace = vitviz.trace(vit, {picture_expression(scene)})",
            f"row = vitviz.rollout_row(trace, {self.token}, end_layer={scene.layer}, residual={HALF})",
            "half = regions(vit.grid.to_map(row))",
            "print(half.patches, half.count)",
        ]


@st.cache_data(max_entries=64, show_spinner=False)
def _field(model_key: str, digest: str, layer: int, token: int, _scene: Scene, _photo: Photo) -> NDArray[np.float64]:
    trace = cache.traced(model_key, digest, NO_EDIT, _scene.vit, _photo)
    row = rollout_row(trace, token, end_layer=layer, residual=HALF)
    return np.asarray(_scene.vit.grid.to_map(row.double().cpu().numpy()))


def other_name(scene: Scene) -> str:
    """Return the second photo's name: the reader's choice, or the next example."""
    names = [name for name in photos.available() if name != scene.photo_name]
    wanted = link.get(ROLLED_PHOTO)
    return wanted if wanted in names else names[0]


def draw(scene: Scene) -> TwoPhotos:
    """Draw the knobs and both photos with the regions that hold half of the token's rollout."""
    _knobs(scene)
    grid = scene.vit.grid
    token = scene.original.token(len(grid.prefix) + int(scene.query) if scene.query.isdecimal() else scene.query)
    name = other_name(scene)
    other = photos.get(name)
    pair = ((scene.photo, scene.picture), (other, cache.picture(scene.model_key, other.digest, scene.vit, other)))
    fields = [_field(scene.model_key, photo.digest, scene.layer, token, scene, photo) for photo, _shown in pair]
    halves = [regions(field, HALF) for field in fields]
    titles = (photos.title(scene.photo_name), photos.title(name))
    for column, (_photo, picture), half, title in zip(st.columns([2, 2, 1])[:2], pair, halves, titles, strict=True):
        lit = overlay(picture, half.mask.astype(float), scale=Scale(0.0, 1.0), spotlight=True, opacity=0.8)
        told = ngettext(
            "{title}: half of its rollout lies in {share} of the patches ({patches} of {total}), in {count} region.",
            "{title}: half of its rollout lies in {share} of the patches ({patches} of {total}), in {count} separate "
            "regions.",
            half.count,
        ).format(
            title=title,
            share=percent(half.patches / grid.patches),
            patches=half.patches,
            total=grid.patches,
            count=half.count,
        )
        column.image(lit, width="stretch", output_format="JPEG", alt=told)
        column.caption(told)
    st.markdown(_verdict(halves[0], halves[1], _token_words(token, grid), scene.layer))
    return TwoPhotos(name, token, (fields[0], fields[1]), (halves[0], halves[1]))


def _verdict(first: Regions, second: Regions, token: str, layer: int) -> str:
    """Return in words how far the two fields differ, and whether they are in pieces."""
    same = first.overlap(second)
    told = _(
        "**{token}**, the same weights, layers 0 to {layer}: {overlap} of the patches in either picture are in both."
    )
    parts = [
        told.format(token=token, layer=layer, overlap=percent(same)),
        _("A convolution's field would be the same square in both."),
        _("This one is dynamic: it follows the photo.") if same < 1 else _("Here both fields are the same."),
    ]
    if max(first.count, second.count) > 1:
        parts.append(_("And it is in pieces, which no convolution's is."))
    return gap().join(parts)


def _token_words(token: int, grid: PatchGrid) -> str:
    if token < len(grid.prefix):
        return token_title(grid.prefix[token])
    row, column = grid.position(token - len(grid.prefix))
    return _("row {row}, column {column}").format(row=row + 1, column=column + 1)


def _knobs(scene: Scene) -> None:
    left, right = st.columns(2)
    with left:
        if scene.vit.layers > 1:
            st.slider(_("Up to layer"), 0, scene.vit.layers - 1, **link.widget(LAYER))
    names = [name for name in photos.available() if name != scene.photo_name]
    link.put(ROLLED_PHOTO.at(other_name(scene)))
    right.selectbox(_("Second photo"), names, format_func=photos.title, **link.widget(ROLLED_PHOTO))
