"""The norms of the tokens on the Tokens page: which patches stand out, and how much attention they draw."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.analysis.tokens import TokenNorms
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.overlay import outline, overlay
from vitviz.figures.scale import Scale
from vitviz.numbers import number
from vitviz.pictures import series
from vitviz.ui.explore.tokens.second_photo import Seen
from vitviz.ui.furniture.charts import chart
from vitviz.ui.kept import cache
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import token_name

_MOST_OUTLINES = 40
_MAGENTA = (204, 121, 167)


def draw(scene: Scene, here: Seen) -> tuple[TokenNorms, ...]:
    """Draw the norms after the chosen layer and the share of attention that outliers get in every layer."""
    st.subheader(_("Which tokens stand out?"), anchor=False)
    st.markdown(
        _(
            "Some models turn a few patches, often of plain background, into stores of global information: their "
            "norms are far above all others, and attention goes to them (Darcet et al. 2024)."
        )
    )
    norms = cache.token_norms(scene.model_key, here.photo.digest, here.trace)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _map(here, norms[scene.layer])
    with right:
        _numbers(norms[scene.layer])
        _shares(norms)
    return norms


def scale(norms: TokenNorms) -> Scale:
    """Return the colours of the norms: from the smallest to the largest."""
    return Scale(float(norms.norms.min()), float(norms.norms.max()))


def _map(here: Seen, norms: TokenNorms) -> None:
    rows, columns = norms.norms.shape
    shown = overlay(here.picture, norms.norms, scale=scale(norms), opacity=0.75)
    for patch in norms.outliers[:_MOST_OUTLINES]:
        shown = outline(shown, rows, columns, divmod(patch, columns), colour=_MAGENTA)
    alt = _("Norm of each patch token after layer {layer}: {count} outliers").format(
        layer=norms.layer, count=len(norms.outliers)
    )
    st.image(shown, width="stretch", output_format="JPEG", alt=alt)
    st.html(colour_bar(scale(norms)))
    st.caption(
        _(
            "Length of each patch token after layer {layer}. Outlined in pink: above {threshold}, the mean of the "
            "patches and four standard deviations."
        ).format(layer=norms.layer, threshold=number(norms.threshold))
    )


def _numbers(norms: TokenNorms) -> None:
    st.markdown(
        _(
            "After layer {layer} **{count} of {patches} patches** are outliers. Norms of the patches: median "
            "**{median}**, largest **{largest}**."
        ).format(
            layer=norms.layer,
            count=len(norms.outliers),
            patches=norms.norms.size,
            median=number(float(np.median(norms.norms))),
            largest=number(float(norms.norms.max())),
        )
    )
    if norms.special:
        special = " · ".join(f"{token_name(name)} **{number(value)}**" for name, value in norms.special.items())
        st.markdown(_("Of the special tokens: {special}").format(special=special))


def _shares(norms: tuple[TokenNorms, ...]) -> None:
    """Draw how much attention the outliers after each layer get in the next one."""
    known = [layer for layer in norms if not np.isnan(layer.attention_share)]
    if not known:
        st.caption(_("A model of one layer has no next layer that could look at its outliers."))
        return
    if not any(layer.outliers for layer in known):
        st.info(
            _("No patch stands out in any layer: no attention is lost to outliers."), icon=":material/check_circle:"
        )
        return
    figure = series.outliers(norms, say=_).figure()
    chart(figure, key="outlier_shares")
    st.caption(
        _(
            "Share of the next layer's attention, mean of its heads, that goes to the outlying patches: from the "
            "patches and from the class token. Dashed: their share of all patches."
        )
    )
