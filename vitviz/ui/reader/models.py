"""The model part of the sidebar: the shipped model first, then any Vision Transformer that timm can build."""

from __future__ import annotations

import streamlit as st

from vitviz.ui.choices.shared import MODEL, SIZE, WEIGHTS
from vitviz.ui.reader import link
from vitviz.ui.text import _

SUGGESTED = (
    "default",
    "timm:vit_tiny_patch16_224",
    "timm:deit_small_distilled_patch16_224",
    "timm:vit_small_patch14_reg4_dinov2",
    "timm:vit_small_patch16_dinov3",
    "timm:eva02_tiny_patch14_224",
    "timm:beit_base_patch16_224",
    "timm:vit_base_patch16_siglip_224",
)
KINDS_OF_WEIGHTS = ("pretrained", "random")
SIZES = (0, 98, 112, 140, 224, 336, 448, 518)


_UNAVAILABLE = "vitviz_unavailable_model"


def weights_name(weights: str) -> str:
    """Return one of KINDS_OF_WEIGHTS in words."""
    return {"pretrained": _("pretrained"), "random": _("random")}[weights]


def unavailable(name: str) -> None:
    """Keep the name of a model whose weights cannot be had, so that its random weights can be offered."""
    st.session_state[_UNAVAILABLE] = name


def _take(model: str, weights: str = "pretrained") -> None:
    st.session_state.pop(_UNAVAILABLE, None)
    link.put(MODEL.at(model), WEIGHTS.at(weights), SIZE.at(0))


def _changed() -> None:
    """Take a newly chosen model as it is published: the weights and size of another one need not exist for it."""
    _take(st.session_state["choice_model"])


def _offer_random() -> None:
    """Offer the model whose weights were not to be had with random weights: that needs no network."""
    name = st.session_state.get(_UNAVAILABLE)
    if name is not None:
        st.button(
            _("Show {name} with random weights").format(name=name),
            key="random_weights",
            on_click=_take,
            args=(name, "random"),
            width="stretch",
        )


def choose() -> None:
    """Draw the model picker; the shipped model needs no network, others are fetched once."""
    current = link.get(MODEL)
    options = [*SUGGESTED, *([] if current in SUGGESTED else [current])]
    st.selectbox(
        _("Model"),
        options,
        accept_new_options=True,
        help=_(
            "“default” is shipped. Choose another, or type “timm:” and the name of any Vision Transformer of timm, or "
            "“hf:” and that of a vision model in Hugging Face's hub."
        ),
        **{**link.widget(MODEL), "on_change": _changed},
    )
    _offer_random()
    with st.expander(_("Weights and input size"), expanded=link.get(WEIGHTS) != "pretrained" or link.get(SIZE) != 0):
        st.segmented_control(
            _("Weights"),
            KINDS_OF_WEIGHTS,
            format_func=weights_name,
            required=True,
            help=_("Random weights show what the architecture alone does, and need no network."),
            disabled=current == "default",
            **link.widget(WEIGHTS),
        )
        size = link.get(SIZE)
        st.selectbox(
            _("Input size in pixels"),
            SIZES if size in SIZES else (*SIZES, size),
            format_func=lambda pixels: _("the model's own") if pixels == 0 else f"{pixels} × {pixels}",
            help=_("Another size gives another patch grid; position embeddings are interpolated."),
            **link.widget(SIZE),
        )
