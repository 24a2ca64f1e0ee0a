"""The Start page's picture: where the class token looks after each block."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attention.view import MapView, attention_view
from vitviz.figures.palettes import levels
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.ui.components.film import film
from vitviz.ui.components.film_view import FilmPanel, FilmView
from vitviz.ui.components.standalone import standalone_html
from vitviz.ui.furniture import settings, viewer
from vitviz.ui.furniture.show import Export
from vitviz.ui.reader.scene import Scene, first_query
from vitviz.ui.text import _, language

_DARKNESS = 0.72


def layer_maps(scene: Scene) -> list[MapView]:
    """Return the mean attention of the class token (or the middle patch) in every layer."""
    query = first_query(scene.vit)
    return [attention_view(scene.trace, layer=layer, query=query) for layer in range(scene.trace.layers)]


def draw(scene: Scene, maps: list[MapView]) -> None:
    """Draw the photo cut into patches and, played on it and beside it, one map a layer."""
    film(view(scene, maps), key="layer_film")
    grid = scene.trace.grid
    st.caption(
        _(
            "The picture becomes {patches} patches of {side} × {side} pixels; each is one token. Each layer is lit up "
            "to its own strongest patch, and says how many times the even share that one gets."
        ).format(patches=grid.patches, side=grid.patch_size[0])
    )


def view(scene: Scene, maps: list[MapView]) -> FilmView:
    """Return the film: the photo with all its patches lit, then a frame a layer, each on its own scale."""
    grid = scene.trace.grid
    lit = [levels(shown.values, 0, shown.top_of_scale) for shown in maps]
    whole = np.full_like(lit[0], 255)
    told = [_("strongest patch {times:.0f} × even").format(times=shown.strongest[1] / shown.uniform) for shown in maps]
    title = _("Where {query} looks, layer by layer").format(query=query_words(scene))
    first = _("{patches} patches, each one token").format(patches=grid.patches)
    return FilmView(
        name=title,
        photo=viewer.photo_file(scene),
        size=grid.image_size,
        panels=(FilmPanel(title=title, levels=np.stack([whole, *lit]), captions=(first, *told)),),
        frames=(_("Photo"), *(_("Layer {layer}").format(layer=layer) for layer in range(len(maps)))),
        ends=("0", _("strongest of its layer")),
        ruled=(grid.rows, grid.columns),
        tiles=True,
        untiled=1,
        opacity=_DARKNESS,
    )


def query_words(scene: Scene) -> str:
    """Return what the Start page follows: the class token, or the middle patch of a model without one."""
    return _("the class token") if "class" in scene.trace.grid.prefix else _("the middle patch")


def _scale(shown: MapView) -> Scale:
    return Scale(0, shown.top_of_scale, shown.uniform)


def export(scene: Scene, maps: list[MapView]) -> Export:
    """Return the files of the Start page."""
    title = _("Where {query} looks, layer by layer").format(query=query_words(scene))
    played, spoken, told = view(scene, maps), language(), viewer.caption(scene, edited=True)

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
        return print_figure(panels, title=viewer.titled(scene, title), caption=told, columns=4, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        return {"maps": np.stack([shown.values for shown in maps]), "picture": scene.picture}

    return Export(
        name="vitviz-layers",
        settings=settings.settings(scene, "layers", query=first_query(scene.vit)),
        png=png,
        arrays=arrays,
        html=lambda _manifest: standalone_html(
            played, title=viewer.titled(scene, title), caption=told, language=spoken
        ),
    )
