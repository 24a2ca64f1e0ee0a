"""The attention viewer as the pages use it: built from the scene, its choices kept in the link."""

from __future__ import annotations

import re
from typing import Any, Unpack

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.attention.lines import head_lines
from vitviz.attention.view import MapView, attention_view
from vitviz.figures.image_files import jpeg_bytes
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel, PrintSize, print_figure
from vitviz.numbers import percent
from vitviz.trace import Trace
from vitviz.ui.choices.shared import DIRECTION, HEAD, LAYER, OPACITY, PALETTE, PATCH, SCALE, SMOOTH, SPECIAL
from vitviz.ui.components.attention_view import AttentionView, ViewState
from vitviz.ui.components.standalone import standalone_html
from vitviz.ui.furniture import framing, settings
from vitviz.ui.furniture.show import Export
from vitviz.ui.kept import cache
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, language
from vitviz.ui.words.errors import clause
from vitviz.ui.words.labels import is_random


def layer_view(scene: Scene) -> AttentionView:
    """Return the attention of the chosen layer over the photo, with the reader's choices."""
    trace, layer = scene.trace, scene.layer
    arrays: dict[str, Any]
    if trace.has_bias(layer):
        arrays = {"maps": trace.attention(layer).cpu().numpy()}
    else:
        queries = trace.queries(layer).float() * trace.scale(layer)
        arrays = {"queries": queries.cpu().numpy(), "keys": trace.keys(layer).float().cpu().numpy()}
    scale = link.get(SCALE)
    return AttentionView(
        photo=photo_file(scene),
        grid=trace.grid,
        layer=layer,
        layers=trace.layers,
        **arrays,
        query=scene.query,
        head=scene.chosen_head,
        direction=link.get(DIRECTION),
        scale=scale,
        hide_special=link.get(SPECIAL),
        opacity=link.get(OPACITY),
        palette=link.get(PALETTE),
        interpolate=link.get(SMOOTH),
        film=_film(scene),
        model_maximum=cache.model_maximum(scene.model_key, scene.photo.digest, trace.edit, trace),
    )


def _film(scene: Scene) -> NDArray[np.float32] | None:
    """Return the maps of the query in every layer; None if layers differ in heads, which the viewer cannot play."""
    lines = head_lines(scene.trace, scene.query, direction=link.get(DIRECTION))  # (layers, heads, token)
    return None if np.isnan(lines).any() else lines


def keep(state: ViewState) -> None:
    """Keep what the reader chose in the viewer."""
    link.put(
        PATCH.at(state.query),
        HEAD.at(str(state.head)),
        DIRECTION.at(state.direction),
        SCALE.at(state.scale),
        SPECIAL.at(state.hide_special),
        OPACITY.at(round(state.opacity, 2)),
        PALETTE.at(state.palette),
        SMOOTH.at(state.interpolate),
        LAYER.at(state.layer),
    )


def photo_file(scene: Scene) -> bytes:
    """Return the crop that the model sees as a JPEG file to look at."""
    return _photo_file(scene.model_key, scene.photo.digest, scene.picture)


@st.cache_data(max_entries=48, show_spinner=False)
def _photo_file(model_key: str, digest: str, _picture: NDArray[np.uint8]) -> bytes:
    return jpeg_bytes(_picture)


def query_box(scene: Scene) -> tuple[float, float, float, float] | None:
    """Return left, top, right and bottom of the query as shares of the picture; None for a special token."""
    if scene.patch is None:
        return None
    height, width = scene.trace.grid.image_size
    left, top, right, bottom = scene.trace.grid.box(scene.patch)
    return left / width, top / height, right / width, bottom / height


def shown_map(scene: Scene, trace: Trace | None = None) -> MapView:
    """Return the map that the viewer's large picture shows."""
    return attention_view(
        trace or scene.trace,
        layer=scene.layer,
        head=scene.chosen_head,
        query=scene.query,
        direction=link.get(DIRECTION),
        hide_special=link.get(SPECIAL),
    )


def panel(scene: Scene, view: MapView, *, label: str = "") -> Panel:
    """Return a map over the photo as a panel for print, with the reader's colours."""
    palette = link.get(PALETTE)
    return Panel(
        label=label or _("smallest share {minimum}").format(minimum=percent(view.minimum)),
        photo=scene.picture,
        map=view.values,
        scale=Scale(0, view.top_of_scale, view.uniform),
        palette=None if palette == "spotlight" else palette,
        opacity=link.get(OPACITY),
        interpolated=link.get(SMOOTH),
        spotlight=palette == "spotlight",
        query=view.cell,
    )


def titled(scene: Scene, title: str) -> str:
    """Return the title of a picture to take away, as a title begins, with random weights said in it."""
    title = title[:1].upper() + title[1:]
    return _("{title} · random weights").format(title=title) if is_random(scene.vit) else title


def caption(scene: Scene, *, edited: bool = False) -> str:
    """Return the settings of a picture in one line, and what of the photo is seen if it is not all.

    Of a file's digest only the beginning is told, as manifests have all of it. ``edited`` pictures are of the model as
    the reader changed it, and name the heads that are off.
    """
    off = ", ".join(f"L{layer}·H{head}" for layer, head in scene.trace.edit.ablate_heads) if edited else ""
    told = _("{photo}, {model} ({weights}), {rows} × {columns} patches. vitviz").format(
        photo=photos.title(scene.photo_name),
        model=scene.vit.name,
        weights=re.sub(r"([0-9a-f]{12})[0-9a-f]{8,}", r"\1…", scene.vit.weights),
        rows=scene.trace.grid.rows,
        columns=scene.trace.grid.columns,
    )
    without = _("Heads switched off: {heads}").format(heads=off) if off else ""
    return ". ".join(filter(None, [told, without, framing.caption(scene)]))


def export(scene: Scene, view: AttentionView) -> Export:
    """Return the files of the attention view: print picture, arrays, interactive page."""
    shown = shown_map(scene)
    # now: a download runs outside the session, without its choices
    printed, title, told, spoken = (
        panel(scene, shown),
        titled(scene, clause(shown.label)),
        caption(scene, edited=True),
        language(),
    )

    def png(**size: Unpack[PrintSize]) -> bytes:
        return print_figure([printed], title=title, caption=told, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        attention = scene.trace.attention(scene.layer).cpu().numpy()
        return {"attention": attention, "map": shown.values, "picture": scene.picture}

    return Export(
        name=f"vitviz-attention-layer{scene.layer}",
        settings=settings.attention(scene),
        view=shown,
        png=png,
        arrays=arrays,
        html=lambda _manifest: standalone_html(view, title=title, caption=told, language=spoken),
    )
