"""The Rollout page: attention of many layers as one map, beside one layer's attention."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

import streamlit as st
import torch
from numpy.typing import NDArray

from vitviz.attention.rollout import fuse_heads, normalise_rows
from vitviz.attention.rollout_view import layer_alone_words, rollout_view
from vitviz.attention.view import MapView
from vitviz.figures.sheet import PrintSize, print_figure
from vitviz.numbers import percent
from vitviz.ui.choices.rollout import DISCARD, END, FUSION, LAYER_ALONE, RESIDUAL, ROLLOUT, ROLLOUT_MAP, START
from vitviz.ui.choices.shared import DIRECTION, OPACITY, PALETTE, PATCH, SCALE, SMOOTH, SPECIAL
from vitviz.ui.components.attention_view import AttentionView, ViewState
from vitviz.ui.components.film_view import FilmView
from vitviz.ui.components.labels import viewer_labels
from vitviz.ui.components.standalone import standalone_html
from vitviz.ui.furniture import settings, viewer
from vitviz.ui.furniture.show import Export
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _, language
from vitviz.ui.words.errors import clause
from vitviz.ui.words.labels import fusion_names

_MAPS = (LAYER_ALONE, ROLLOUT)
"""The maps of the viewer, in its order, as the link calls them."""


def controls(scene: Scene) -> dict[str, Any]:
    """Draw the options of the rollout and return them."""
    last = scene.trace.layers - 1
    _fit(last, settings.rollout_options(scene))
    fusions = fusion_names()
    fusion, residual, discard, layers = st.columns([3, 3, 3, 4], gap="medium")
    fusion.segmented_control(
        _("Heads fused by"),
        list(fusions),
        format_func=fusions.__getitem__,
        required=True,
        help=_("How the heads of a layer become one matrix."),
        **link.widget(FUSION),
    )
    residual.slider(
        _("Residual share"),
        0.0,
        1.0,
        step=0.05,
        format="percent",
        help=_(
            "How much of a token passes a layer unchanged. One half is Abnar and Zuidema's choice; 0 leaves it out."
        ),
        **link.widget(RESIDUAL),
    )
    discard.slider(
        _("Discard the smallest"),
        0.0,
        0.95,
        step=0.05,
        format="percent",
        help=_("This share of the weakest attention weights of each token is set to zero in every layer."),
        **link.widget(DISCARD),
    )
    _layer_range(layers, last)
    return settings.rollout_options(scene)


def _fit(last: int, options: dict[str, Any]) -> None:
    """Bring the choices into the model's range, and say so where more was asked for."""
    start, end, discard = (options[name] for name in ("start_layer", "end_layer", "discard_ratio"))
    if link.get(START) > start or link.get(END) > end:
        st.warning(
            _(
                "This model has layers 0 to {last}, and a rollout begins no later than it ends: layers {start} to "
                "{end} are shown."
            ).format(last=last, start=start, end=end)
        )
    if link.get(DISCARD) > discard:
        st.warning(_("At most {most} of the weights can be discarded; that is shown.").format(most=percent(discard)))
    # -1, the last layer, stays the last one in a deeper model
    link.put(START.at(start), END.at(-1 if end == last else end), DISCARD.at(discard))


def _layer_range(column: Any, last: int) -> None:
    if not last:
        return  # one layer: nothing to choose, and Streamlit has no slider of one value
    key = "rollout_layers"
    end = link.get(END)

    def keep(layers: tuple[int, int]) -> None:
        link.put(START.at(layers[0]), END.at(layers[1]))

    chosen = link.tie(key, (link.get(START), last if end < 0 else end), keep)
    column.slider(
        _("From layer to layer"), 0, last, key=key, on_change=chosen, help=_("Which layers are multiplied, inclusive.")
    )


def _key(scene: Scene) -> tuple[str, str]:
    edit = ",".join(map(str, scene.trace.edit.ablate_heads))
    return f"{scene.model_key}|{edit}", scene.photo.digest


def matrix(scene: Scene, **options: Any) -> torch.Tensor:
    """Return the rollout matrix (query, key) with these options."""
    return cache.rollout(*_key(scene), **options, _trace=scene.trace)


def view(scene: Scene, options: dict[str, Any]) -> AttentionView:
    """Return the last layer's attention and the rollout up to it as two maps of one viewer."""
    layer = options["end_layer"]
    fused = fuse_heads(scene.trace.attention(layer), options["head_fusion"])
    maps = torch.stack([normalise_rows(fused), matrix(scene, **options)])  # (map, query, key)
    return AttentionView(
        photo=viewer.photo_file(scene),
        grid=scene.trace.grid,
        layer=layer,
        layers=scene.trace.layers,
        maps=maps.cpu().numpy(),
        names=(
            _("Layer {layer} alone").format(layer=layer),
            _("Rollout {start}–{end}").format(start=options["start_layer"], end=layer),
        ),
        query=scene.query,
        head=_MAPS.index(link.get(ROLLOUT_MAP)),
        direction=link.get(DIRECTION),
        scale="map" if _scale_is_replaced() else link.get(SCALE),
        hide_special=link.get(SPECIAL),
        opacity=link.get(OPACITY),
        palette=link.get(PALETTE),
        interpolate=link.get(SMOOTH),
        labels={**viewer_labels(), "head": _("Maps"), "scale_layer": _("Both maps")},
    )


def _scale_is_replaced() -> bool:
    """Return whether the scale of the other pages, the whole model's, is not one of this page's."""
    return bool(link.get(SCALE) == "model")


def keep(state: ViewState) -> None:
    """Keep what the reader chose in the viewer; the layer buttons move the end of the rollout."""
    if not (_scale_is_replaced() and state.scale == "map"):  # else it is this page's stand-in
        link.put(SCALE.at(state.scale))
    assert isinstance(state.head, int)  # maps with names have neither mean nor maximum
    link.put(
        ROLLOUT_MAP.at(_MAPS[state.head]),
        PATCH.at(state.query),
        DIRECTION.at(state.direction),
        SPECIAL.at(state.hide_special),
        OPACITY.at(round(state.opacity, 2)),
        PALETTE.at(state.palette),
        SMOOTH.at(state.interpolate),
        END.at(state.layer),
        START.at(min(link.get(START), state.layer)),
    )


def shown_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the large map: a layer alone is its own rollout, with no residual and nothing discarded."""
    if link.get(ROLLOUT_MAP) == ROLLOUT:
        return options
    alone = {"start_layer": options["end_layer"], "residual": 0.0, "discard_ratio": 0.0}
    return {**options, **alone}


def shown_map(scene: Scene, options: dict[str, Any]) -> MapView:
    """Return the large map of the pinned token: the rollout, or its last layer alone."""
    if link.get(ROLLOUT_MAP) == ROLLOUT:
        return _rollout_map(scene, options)
    map_view = rollout_view(
        scene.trace,
        scene.query,
        direction=link.get(DIRECTION),
        hide_special=link.get(SPECIAL),
        **shown_options(options),
    )
    label = layer_alone_words(
        scene.trace, scene.query, link.get(DIRECTION), options["end_layer"], options["head_fusion"]
    )
    return replace(map_view, label=label)


def _rollout_map(scene: Scene, options: dict[str, Any]) -> MapView:
    return rollout_view(
        scene.trace,
        scene.query,
        direction=link.get(DIRECTION),
        hide_special=link.get(SPECIAL),
        matrix=matrix(scene, **options),
        **options,
    )


def depth_maps(scene: Scene, options: dict[str, Any]) -> tuple[MapView, ...]:
    """Return the map of the pinned token up to every layer, from the first of the range to the model's last."""
    return cache.rollout_maps(
        *_key(scene),
        query=scene.query,
        direction=link.get(DIRECTION),
        **{name: value for name, value in options.items() if name != "end_layer"},
        _trace=scene.trace,
    )


def export(scene: Scene, options: dict[str, Any], view: AttentionView, shown: MapView, film: FilmView) -> Export:
    """Return the files of the large map, ``shown``; the page that works offline has the film and both maps."""
    # now: a download runs outside the session
    printed, title = viewer.panel(scene, shown), viewer.titled(scene, clause(shown.label))
    told, spoken = viewer.caption(scene, edited=True), language()
    name = link.get(ROLLOUT_MAP)
    assert view.maps is not None
    both = dict(zip(_MAPS, view.maps, strict=True))

    def png(**size: Unpack[PrintSize]) -> bytes:
        return print_figure([printed], title=title, caption=told, **size)

    def arrays() -> dict[str, NDArray[Any]]:
        return {name: both[name], "map": shown.values, "picture": scene.picture}

    return Export(
        name="vitviz-rollout" if name == ROLLOUT else f"vitviz-layer{options['end_layer']}-alone",
        settings=replace(settings.rollout(scene), **shown_options(options)),
        png=png,
        arrays=arrays,
        html=lambda _manifest: standalone_html(film, title=title, caption=told, language=spoken, below=[("", view)]),
        view=shown,
    )
