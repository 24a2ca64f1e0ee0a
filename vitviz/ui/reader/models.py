"""The model part of the sidebar: the shipped model first, then any Vision Transformer that timm can build."""

from __future__ import annotations

import streamlit as st

from vitviz.errors import OptionError
from vitviz.models.support import readable_names
from vitviz.models.timm_weights import TIMM
from vitviz.ui.choices.shared import ANSWERS, MODEL, PRECISION, SIZE, WEIGHTS, read_size
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.reader import chosen_model, how_loaded, link
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard

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
SIZES = ("", "98", "112", "140", "224", "336", "448", "518")

_UNAVAILABLE = "vitviz_unavailable_model"


def weights_name(weights: str) -> str:
    """Return one of KINDS_OF_WEIGHTS in words."""
    return {"pretrained": _("pretrained"), "random": _("random")}[weights]


def unavailable(name: str) -> None:
    """Keep the name of a model whose weights cannot be had, so that its random weights can be offered."""
    st.session_state[_UNAVAILABLE] = name


def _take(model: str, weights: str = "pretrained") -> None:
    st.session_state.pop(_UNAVAILABLE, None)
    chosen_model.keep_draft(None)
    chosen_model.put(ModelChoice(model, weights))


def _changed() -> None:
    """Take a newly chosen model as it is published: the weights and size of another one need not exist for it."""
    _take(st.session_state["choice_model"])


def _offer_random() -> None:
    """Offer the model whose weights were not to be had with random weights: that needs no network."""
    name = st.session_state.get(_UNAVAILABLE)
    if name is not None:
        st.button(
            _("Show {name} with random weights").format(name=plain(name)),
            key="random_weights",
            on_click=_take,
            args=(name, "random"),
            width="stretch",
        )


def available() -> list[str]:
    """Return the models that lists offer: some by name, then the reader's own."""
    return [*SUGGESTED, *chosen_model.listed()]


def choose() -> None:
    """Draw the model picker; the shipped model needs no network, others are fetched once."""
    asked, suggested = chosen_model.asked(), available()
    options = [*suggested, *(name for name in (TIMM + name for name in readable_names()) if name not in suggested)]
    st.selectbox(
        _("Model"),
        [*options, *([] if asked.name in options else [asked.name])],
        accept_new_options=True,
        format_func=chosen_model.title,
        help=_(
            "“default” is shipped. Type part of a name to find any of timm's Vision Transformers, with a tag after a "
            "dot for other weights, or “hf:” and the name of a vision model in Hugging Face's hub."
        ),
        **{**link.widget(MODEL), "on_change": _changed},
    )
    _offer_random()
    changed = asked.weights != "pretrained" or bool(asked.chosen)
    with st.expander(_("Weights, input size, precision, answers"), expanded=changed):
        st.segmented_control(
            _("Weights"),
            KINDS_OF_WEIGHTS,
            format_func=weights_name,
            required=True,
            help=_("Random weights show what the architecture alone does, and need no network."),
            disabled=asked.name == "default" or asked.is_own,
            **link.widget(WEIGHTS),
        )
        size = link.get(SIZE)
        st.selectbox(
            _("Input size in pixels"),
            SIZES if size in SIZES else (*SIZES, size),
            format_func=_size_name,
            accept_new_options=True,
            help=_(
                "Another size gives another patch grid; position embeddings are interpolated. Type height and width "
                "for one that is not square, such as 160x224."
            ),
            **{**link.widget(SIZE), "on_change": _resized},
        )
        if not asked.is_own:  # whose form has them
            how_loaded.precision(**link.widget(PRECISION))
            how_loaded.answers(**link.widget(ANSWERS))


def _size_name(size: str) -> str:
    return " × ".join(size.split("x") if "x" in size else [size, size]) if size else _("the model's own")


def _resized() -> None:
    """Take a size that was chosen or typed; one that cannot be read is told."""
    try:
        link.put(SIZE.at(read_size(st.session_state["choice_size"] or "")))
    except OptionError as error:
        link.notice(in_dashboard(error))
