"""The Start page's picture: where the class token looks after each block."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from vitviz.attention.view import MapView, attention_view
from vitviz.figures.export import html_of_png
from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.figures.summary import describe_map
from vitviz.ui.furniture import settings, viewer
from vitviz.ui.furniture.show import Export
from vitviz.ui.reader.scene import Scene, first_query
from vitviz.ui.text import _, language
from vitviz.ui.words.labels import map_words

_TILE_PIXELS = 104
_DARKNESS = 0.72


def layer_maps(scene: Scene) -> list[MapView]:
    """Return the mean attention of the class token (or the middle patch) in every layer."""
    query = first_query(scene.vit)
    return [attention_view(scene.trace, layer=layer, query=query) for layer in range(scene.trace.layers)]


def draw(scene: Scene, maps: list[MapView]) -> None:
    """Draw the photo with its patch grid, and one map a layer."""
    grid = scene.trace.grid
    edit = str(scene.trace.edit.describe())
    ruled, *tiles = _pictures(scene.model_key, scene.photo.digest, edit, scene, maps)
    photo, layers = st.columns([2, 5], gap="medium")
    photo.image(ruled, width="stretch", alt=_("The photo, cut into patches"))
    photo.caption(
        _("The picture becomes {patches} patches of {side} × {side} pixels. Each is one token.").format(
            patches=grid.patches, side=grid.patch_size[0]
        )
    )
    layers.markdown(
        _("What {query} looks at in each layer, and how many times the even share its strongest patch gets:").format(
            query=query_words(scene)
        )
    )
    layers.image(
        tiles,
        caption=[
            _("Layer {layer} · {times:.0f} ×").format(layer=layer, times=shown.strongest[1] / shown.uniform)
            for layer, shown in enumerate(maps)
        ],
        width=_TILE_PIXELS,
        alt=[describe_map(shown.values, grid, shown.uniform, labels=map_words()) for shown in maps],
    )


def query_words(scene: Scene) -> str:
    """Return what the Start page follows: the class token, or the middle patch of a model without one."""
    return _("the class token") if "class" in scene.trace.grid.prefix else _("the middle patch")


@st.cache_data(max_entries=24, show_spinner=False)
def _pictures(model_key: str, digest: str, edit: str, _scene: Scene, _maps: list[MapView]) -> list[bytes]:
    """Return the photo with its patch grid and one lit photo a layer, as JPEG files."""
    grid = _scene.trace.grid
    flat = np.zeros((grid.rows, grid.columns), np.float32)
    ruled = overlay(_scene.picture, flat, scale=Scale(0, 1), opacity=0, grid_lines=True)
    small = np.asarray(Image.fromarray(_scene.picture).resize(_tile_size(_scene)))
    lit = [
        overlay(small, shown.values, scale=_scale(shown), spotlight=True, opacity=_DARKNESS, query=shown.cell)
        for shown in _maps
    ]
    return [jpeg_bytes(picture) for picture in (ruled, *lit)]


def _tile_size(scene: Scene) -> tuple[int, int]:
    """Return (width, height) of a tile at twice its size on the page, whole pixels a patch."""
    grid = scene.trace.grid
    side = max(1, 2 * _TILE_PIXELS // grid.columns)
    return side * grid.columns, side * grid.rows


def _scale(shown: MapView) -> Scale:
    return Scale(0, shown.top_of_scale, shown.uniform)


def export(scene: Scene, maps: list[MapView]) -> Export:
    """Return the files of the Start page."""
    title = _("Where {query} looks, layer by layer").format(query=query_words(scene))

    def png(**size: Unpack[PrintSize]) -> bytes:
        panels = [
            Panel(
                label=_("Layer {layer}").format(layer=layer),
                photo=scene.picture,
                map=shown.values,
                scale=_scale(shown),
                spotlight=True,
                opacity=_DARKNESS,
            )
            for layer, shown in enumerate(maps)
        ]
        return print_figure(panels, title=viewer.titled(scene, title), caption=viewer.caption(scene), columns=4, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        return {"maps": np.stack([shown.values for shown in maps]), "picture": scene.picture}

    return Export(
        name="vitviz-layers",
        settings=settings.settings(scene, "layers", query=first_query(scene.vit)),
        png=png,
        arrays=arrays,
        html=lambda told: html_of_png(
            png(), viewer.titled(scene, title), viewer.caption(scene), told, language=language()
        ),
    )
