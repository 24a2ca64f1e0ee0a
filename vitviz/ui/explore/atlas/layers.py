"""What happens from layer to layer over all photos: lens, norms, growth; and where outliers and the rollout lie."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from vitviz.atlas import Atlas, Summary
from vitviz.atlas.layout import YES_OR_NO
from vitviz.figures.curve import Curve
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.palettes import PINNED
from vitviz.figures.scale import Scale
from vitviz.figures.sheet import Panel
from vitviz.pictures.atlases import by_layer, statistic
from vitviz.ui.choices.atlas import ATLAS_LAYERS, LAYER_STATISTICS
from vitviz.ui.explore.atlas.chosen import Chosen
from vitviz.ui.explore.atlas.comparison import Compared
from vitviz.ui.furniture.charts import chart
from vitviz.ui.reader import link
from vitviz.ui.text import _, gap
from vitviz.ui.words.layer_statistics import names

_SIDE = 168


def available(atlas: Atlas) -> list[str]:
    """Return the statistics of layers that an atlas has values of."""
    return [name for name in LAYER_STATISTICS if name in atlas.statistics and atlas.summary(name).count.any()]


def draw(shown: Chosen, compared: Compared | None) -> str:
    """Draw the chosen statistic by layer beside two mean maps, and return its name."""
    st.subheader(_("What happens from layer to layer?"), anchor=False)
    words, offered = names(), available(shown.atlas)
    if (asked := link.get(ATLAS_LAYERS)) not in offered:
        if asked != ATLAS_LAYERS.default:
            st.warning(_("This atlas has no values of “{statistic}”.").format(statistic=words[asked][0]))
        link.put(ATLAS_LAYERS.at(offered[0]))
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.selectbox(
            _("Statistic of the layers"), offered, format_func=lambda name: words[name][0],
            **link.widget(ATLAS_LAYERS),
        )  # fmt: skip
        name = link.get(ATLAS_LAYERS)
        other = None if compared is None else _comparable(shown.atlas, compared.other, name)
        chart(figure(shown, name, "" if compared is None else compared.title, other), key="atlas_layers")
        told = words[name][1] + _band(shown.atlas, name)
        if other is not None and compared is not None:
            told += gap() + _differences(shown.atlas, compared, name)
        st.caption(told)
    with right:
        _maps(shown)
    return name


def figure(shown: Chosen, name: str, title: str = "", other: Summary | None = None) -> go.Figure:
    """Return a statistic of the layers, and that of another atlas behind it where both have curves."""
    extra: list[Curve] = []
    if other is not None:
        extra = [by_layer(other, title, colour=PINNED[1], dash="dash", banded=False)]
    return statistic(shown.atlas.summary(name), title=names()[name][0], extra=extra, say=_).figure()


def _comparable(atlas: Atlas, other: Atlas, name: str) -> Summary | None:
    """Return another atlas's statistic if it is a curve over as many layers."""
    if name not in other.statistics or len(atlas.layout.shape(name)) != 1:
        return None
    summary = other.summary(name)
    return summary if summary.count.any() and summary.mean.shape == atlas.layout.shape(name) else None


def _differences(atlas: Atlas, compared: Compared, name: str) -> str:
    difference = atlas.minus(compared.other, name)
    known = np.isfinite(difference.mean) & np.isfinite(difference.half)
    return _("{changed} of {count} layers differ from “{other}” by more than their 95% interval.").format(
        changed=int(difference.changed[known].sum()), count=int(known.sum()), other=compared.title
    )


def _band(atlas: Atlas, name: str) -> str:
    """Return what the band of the curve is; nothing where there is no curve."""
    if len(atlas.layout.shape(name)) != 1:
        return ""
    yes_or_no = name in YES_OR_NO
    return gap() + (_("Band: 95% interval.") if yes_or_no else _("Band: standard deviation from photo to photo."))


def mean_maps(shown: Chosen) -> tuple[Panel, Panel]:
    """Return where the rollout and the outliers of the chosen head's layer lie, means over the photos."""
    layer = shown.head[0]
    rollout, outliers = shown.atlas.mean_map("rollout"), shown.atlas.mean_map("outliers")[layer]
    return (
        _panel(_("Mean rollout"), rollout, uniform=1 / rollout.size),
        _panel(_("Outliers after layer {layer}").format(layer=layer), outliers),
    )


def _panel(label: str, values: NDArray[np.float64], *, uniform: float | None = None) -> Panel:
    return Panel(label=label, map=values, scale=Scale(0.0, float(values.max()), uniform, shares=True))


def _maps(shown: Chosen) -> None:
    """Draw the mean maps of the rollout and of the outliers."""
    rollout, outliers = mean_maps(shown)
    first, second = st.columns(2)
    with first:
        st.markdown(f"**{rollout.label}**")
        _map(rollout, _("Mean rollout over the photos"))
        st.caption(_("Rollout through all layers: what is bright in every photo is a habit of the model."))
    with second:
        st.markdown(f"**{outliers.label}**")
        if has_values(outliers):
            _map(outliers, _("Where patches of unusual norm lie"))
            st.caption(_("Part of the photos in which a patch has an unusual norm: places that become sinks."))
        else:
            st.caption(_("In no photo has a patch an unusual norm after this layer."))


def has_values(panel: Panel) -> bool:
    """Return whether anything of a map is above zero."""
    return panel.map is not None and bool(panel.map.max() > 0)


def _map(panel: Panel, alt: str) -> None:
    assert panel.map is not None
    assert panel.scale is not None
    picture = panel.draw(_SIDE * 2)
    st.image(picture, width=_SIDE, output_format="PNG", alt=alt)
    st.html(f'<div style="max-width:{_SIDE}px">{colour_bar(panel.scale)}</div>')
