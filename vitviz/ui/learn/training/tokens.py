"""Where the class token and the distillation token of a trained student look, side by side."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale
from vitviz.figures.see_through import GREY_INK, see_through
from vitviz.labs.digits.distillation_runs import TokenAttention
from vitviz.numbers import Signed
from vitviz.pictures.networks import token_sheet
from vitviz.ui.text import _

_PIXELS = 144


def draw(attention: TokenAttention) -> None:
    """Draw a chosen digit and both tokens' attention in every head of every layer."""
    st.subheader(_("Two tokens, two views"), anchor=False)
    digit = st.segmented_control(
        _("Digit"), list(range(len(attention.pictures))), default=3, required=True, key="token_digit"
    )
    photo, maps = st.container(key="apart").columns([1, 4], gap="medium")
    grey = (attention.pictures[digit] * 255).round().astype(np.uint8)
    side = _PIXELS // len(grey)
    large = np.repeat(np.repeat(grey, side, 0), side, 1)[..., None].repeat(3, -1)
    rows, columns = attention.maps.shape[-2:]
    ruled = overlay(large, np.zeros((rows, columns)), scale=Scale(0, 1), opacity=0, grid_lines=True)
    with photo:
        st.image(ruled, width=_PIXELS, output_format="PNG", alt=_("A held-out {digit}").format(digit=digit))
        first, second = attention.answers[digit]
        st.caption(
            _("Class token answers **{first}**, distillation token **{second}**.").format(first=first, second=second)
        )
    titles = (_("class"), _("distillation"))
    sheet = see_through(lambda ground: token_sheet(attention, digit, titles, background=ground, ink=GREY_INK))
    with maps:
        st.image(
            np.asarray(sheet),
            output_format="PNG",
            width=680,
            alt=_("Attention of the class and of the distillation token, every head"),
        )
    st.caption(
        _(
            "Shares of attention that each of the two tokens gives to the 4 × 4 patches, one map a head, one scale for "
            "all; a real trace of the trained student. Over the ten digits the two tokens' maps have a mean cosine of "
            "{likeness:.2f}: 1 would be the same view."
        ).format(likeness=Signed(attention.likeness))
    )
