"""The Start page's picture: where the class token looks after each block."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attention.view import MapView, attention_view
from vitviz.figures.export import html_of_png
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, print_figure
from vitviz.figures.summary import describe_map
from vitviz.ui import snippets, viewer
from vitviz.ui.scene import Scene, default_query
from vitviz.ui.show import Export
from vitviz.ui.text import _

_IN_A_ROW = 6
_DARKNESS = 0.72


def layer_maps(scene: Scene) -> list[MapView]:
    """Return the mean attention of the class token (or the middle patch) in every layer."""
    query = default_query(scene.vit)
    return [
        attention_view(scene.trace, layer=layer, query=query) for layer in range(scene.trace.layers)
    ]


def draw(scene: Scene, maps: list[MapView]) -> None:
    """Draw the photo with its patch grid, and one map a layer."""
    grid = scene.trace.grid
    photo, layers = st.columns([2, 5], gap="medium")
    flat = np.zeros((grid.rows, grid.columns), np.float32)
    ruled = overlay(scene.picture, flat, scale=Scale(0, 1), opacity=0, grid_lines=True)
    photo.image(ruled, width="stretch", output_format="JPEG", alt=_("The photo, cut into patches"))
    photo.caption(
        _(
            "The picture becomes {patches} patches of {side} × {side} pixels. Each is one token."
        ).format(patches=grid.patches, side=grid.patch_size[0])
    )
    layers.markdown(
        _(
            "What the class token looks at in each layer, and how many times the even share its strongest patch gets:"
        )
        if "class" in grid.prefix
        else _(
            "What the middle patch looks at in each layer, and how many times the even share its strongest patch gets:"
        )
    )
    for start in range(0, len(maps), _IN_A_ROW):
        for offset, column in enumerate(layers.columns(_IN_A_ROW, gap="small")):
            if start + offset < len(maps):
                _tile(column, scene, maps[start + offset], start + offset)


def _tile(column: Any, scene: Scene, shown: MapView, layer: int) -> None:
    lit = overlay(
        scene.picture,
        shown.values,
        scale=_scale(shown),
        spotlight=True,
        opacity=_DARKNESS,
        query=shown.cell,
    )
    column.image(
        lit,
        width="stretch",
        output_format="JPEG",
        alt=describe_map(shown.values, scene.trace.grid, shown.uniform),
    )
    column.caption(
        _("**Layer {layer}** · {times:.0f} ×").format(
            layer=layer, times=shown.strongest[1] / shown.uniform
        )
    )


def _scale(shown: MapView) -> Scale:
    return Scale(0, shown.top_of_scale, shown.uniform)


def export(scene: Scene, maps: list[MapView]) -> Export:
    """Return the files of the Start page."""
    title = _("Where the class token looks, layer by layer")

    def png() -> bytes:
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
        return print_figure(panels, title=title, caption=viewer.caption(scene), columns=4)

    def arrays() -> dict[str, NDArray[Any]]:
        return {"maps": np.stack([shown.values for shown in maps]), "picture": scene.picture}

    return Export(
        name="vitviz-layers",
        settings=snippets.settings(scene, "attention", query=default_query(scene.vit)),
        png=png,
        arrays=arrays,
        html=lambda told: html_of_png(png(), title, viewer.caption(scene), told),
    )
