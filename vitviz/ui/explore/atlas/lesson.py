"""Kinds of heads on the Atlas page: how many heads look near, far, or at special tokens, over all photos."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.atlas import KINDS
from vitviz.atlas.head_kinds import FAR, NEAR, SINK
from vitviz.numbers import percent
from vitviz.ui.explore.atlas.chosen import Chosen
from vitviz.ui.text import _

_LISTED = 9


def kind_words() -> dict[str, tuple[str, str]]:
    """Return (name, definition) of each kind of head in the reader's language."""
    return {
        "local": (
            _("local"),
            _("Its mean attention distance is at most {share} of that of looking everywhere alike.").format(
                share=percent(NEAR)
            ),
        ),
        "global": (
            _("global"),
            _("Its mean attention distance is at least {share} of that of looking everywhere alike.").format(
                share=percent(FAR)
            ),
        ),
        "sink": (
            _("sink"),
            _(
                "In it, the patches give at least {share} of their attention to special tokens and to patches of "
                "unusually large norm."
            ).format(share=percent(SINK)),
        ),
        "between": (_("in between"), _("None of these, or its interval crosses a border.")),
    }


def draw(shown: Chosen) -> None:
    """Draw one card a kind: how many heads of the model are of it, and which."""
    st.subheader(_("Which heads look near, which far?"), anchor=False)
    words = kind_words()
    heads = sum(shown.atlas.layout.heads)
    for column, kind in zip(st.columns(len(KINDS)), KINDS, strict=True):
        name, definition = words[kind]
        places = np.argwhere(shown.kinds == kind)
        with column.container(border=True, height="stretch", key=f"kind_{kind}"):
            st.metric(name, _("{count} of {heads}").format(count=len(places), heads=heads), help=definition)
            st.caption(_listed(places) or "–")
    st.caption(
        _(
            "By the whole 95% interval of the mean over {photos:,} photos. The borders are conventions: move the eye "
            "over the table to see how gradual it is."
        ).format(photos=shown.atlas.photos)
    )


def _listed(places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> str:
    names = [f"L{layer}·H{head}" for layer, head in places[:_LISTED]]
    return ", ".join(names) + (" …" if len(places) > _LISTED else "")
