"""The Rollout page: attention of many layers as one map, beside one layer's attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

from vitviz.attention.rollout import fuse_heads, normalise_rows
from vitviz.attention.view import MapView, rollout_view
from vitviz.figures.scale import scale_for
from vitviz.figures.sheet import print_figure
from vitviz.figures.sprites import map_grid
from vitviz.ui import cache, link, snippets, viewer
from vitviz.ui.components.attention_view import AttentionView, ViewState
from vitviz.ui.components.labels import viewer_labels
from vitviz.ui.components.standalone import standalone_html
from vitviz.ui.scene import Scene
from vitviz.ui.show import Export
from vitviz.ui.text import _, language

_MAP = "vitviz_rollout_map"


def controls(scene: Scene) -> dict[str, Any]:
    """Draw the options of the rollout and return them."""
    last = scene.trace.layers - 1
    _fit(last, snippets.rollout_options(scene))
    fusion, residual, discard, layers = st.columns([3, 3, 3, 4], gap="medium")
    fusion.segmented_control(
        _("Heads fused by"),
        ["mean", "max", "min"],
        required=True,
        help=_("How the heads of a layer become one matrix."),
        **link.widget("fusion"),
    )
    residual.slider(
        _("Residual share"),
        0.0,
        1.0,
        step=0.05,
        help=_(
            "How much of a token passes a layer unchanged. One half is Abnar and Zuidema's choice; 0 leaves it out."
        ),
        **link.widget("residual"),
    )
    discard.slider(
        _("Discard the smallest"),
        0.0,
        0.95,
        step=0.05,
        help=_(
            "This share of the weakest attention weights of each token is set to zero in every layer."
        ),
        **link.widget("discard"),
    )
    _layer_range(layers, last)
    return snippets.rollout_options(scene)


def _fit(last: int, options: dict[str, Any]) -> None:
    """Bring the choices into the model's range, and say so where more was asked for."""
    start, end, discard = (options[name] for name in ("start_layer", "end_layer", "discard_ratio"))
    if link.get("start") > start or link.get("end") > end:
        st.warning(
            _(
                "This model has layers 0 to {last}, and a rollout begins no later than it ends: layers {start} to "
                "{end} are shown."
            ).format(last=last, start=start, end=end)
        )
    if link.get("discard") > discard:
        st.warning(
            _("At most {most:.0%} of the weights can be discarded; that is shown.").format(
                most=discard
            )
        )
    # -1, the last layer, stays the last one in a deeper model
    link.put(start=start, end=-1 if end == last else end, discard=discard)


def _layer_range(column: Any, last: int) -> None:
    key = "rollout_layers"
    end = link.get("end")
    st.session_state[key] = (link.get("start"), last if end < 0 else end)

    def changed() -> None:
        start, end = st.session_state[key]
        link.put(start=start, end=end)

    column.slider(
        _("From layer to layer"),
        0,
        last,
        key=key,
        on_change=changed,
        help=_("Which layers are multiplied, inclusive."),
    )


def matrix(scene: Scene, **options: Any) -> torch.Tensor:
    """Return the rollout matrix (query, key) with these options."""
    edit = ",".join(map(str, scene.trace.edit.ablate_heads))
    return cache.rollout(
        f"{scene.model_key}|{edit}", scene.photo.digest, **options, _trace=scene.trace
    )


def view(scene: Scene, options: dict[str, Any]) -> AttentionView:
    """Return the last layer's attention and the rollout up to it as two maps of one viewer."""
    layer = options["end_layer"]
    fused = fuse_heads(scene.trace.attention(layer), options["head_fusion"])
    maps = torch.stack([normalise_rows(fused), matrix(scene, **options)])  # (map, query, key)
    return AttentionView(
        photo_png=viewer.photo_file(scene),
        grid=scene.trace.grid,
        layer=layer,
        layers=scene.trace.layers,
        maps=maps.cpu().numpy(),
        names=(
            _("Layer {layer} alone").format(layer=layer),
            _("Rollout {start}–{end}").format(start=options["start_layer"], end=layer),
        ),
        query=scene.query,
        head=st.session_state.get(_MAP, 1),
        direction=link.get("direction"),
        scale="map" if link.get("scale") == "model" else link.get("scale"),
        hide_special=link.get("special"),
        opacity=link.get("opacity"),
        palette=link.get("palette"),
        interpolate=link.get("smooth"),
        labels={**viewer_labels(), "head": _("Maps"), "scale_layer": _("Both maps")},
    )


def keep(state: ViewState) -> None:
    """Keep what the reader chose in the viewer; the layer buttons move the end of the rollout."""
    st.session_state[_MAP] = state.head
    link.put(
        patch=state.query,
        direction=state.direction,
        scale=state.scale,
        special=state.hide_special,
        opacity=round(state.opacity, 2),
        palette=state.palette,
        smooth=state.interpolate,
        end=state.layer,
        start=min(link.get("start"), state.layer),
    )


def shown_map(scene: Scene, options: dict[str, Any]) -> MapView:
    """Return the rollout map of the pinned token."""
    return rollout_view(
        scene.trace,
        scene.query,
        direction=link.get("direction"),
        hide_special=link.get("special"),
        matrix=matrix(scene, **options),
        **options,
    )


def strip(scene: Scene, options: dict[str, Any]) -> None:
    """Draw the rollout of the pinned token up to every layer, on one scale."""
    ends = range(options["start_layer"], scene.trace.layers)
    maps = [shown_map(scene, {**options, "end_layer": end}).values for end in ends]
    labels = [f"{options['start_layer']}–{end}" for end in ends]
    sheet = map_grid(
        np.stack(maps),
        labels,
        columns=min(len(maps), 12),
        scale=scale_for(np.stack(maps), "model", uniform=1 / scene.trace.grid.tokens),
        cell_pixels=96,
        background=_page_colour(),
        selected=options["end_layer"] - options["start_layer"],
    )
    st.image(
        np.asarray(sheet),
        width="stretch",
        output_format="PNG",
        alt=_("The rollout up to each layer"),
    )
    st.caption(
        _(
            "The rollout of the pinned token as layers are added, on one colour scale: it spreads with depth."
        )
    )


def _page_colour() -> tuple[int, int, int]:
    """Return the page's background, so that the strip's labels are written in a colour that is read on it."""
    return (3, 4, 6) if st.context.theme.type == "dark" else (255, 255, 255)


def export(scene: Scene, options: dict[str, Any], shown: AttentionView) -> Export:
    """Return the files of the rollout view."""
    view_ = shown_map(scene, options)
    printed = viewer.panel(scene, view_)  # now: a download runs outside the session

    def png() -> bytes:
        return print_figure([printed], title=view_.label, caption=viewer.caption(scene))

    def arrays() -> dict[str, NDArray[Any]]:
        return {
            "rollout": matrix(scene, **options).cpu().numpy(),
            "map": view_.values,
            "picture": scene.picture,
        }

    return Export(
        name="vitviz-rollout",
        settings=snippets.rollout(scene),
        png=png,
        arrays=arrays,
        html=lambda told: standalone_html(
            shown, title=view_.label, caption=viewer.caption(scene), language=language()
        ),
        view=view_,
    )
