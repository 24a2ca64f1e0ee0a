"""What changed inside, between two models of one shape: the heads whose attention moved most."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.errors import VitvizError
from vitviz.ui.choices.compare import AGAINST
from vitviz.ui.explore.compare.sides import Side
from vitviz.ui.kept import cache
from vitviz.ui.reader import link
from vitviz.ui.text import _

_SHOWN = 6


def draw(a: Side, b: Side) -> NDArray[np.float64] | None:
    """Draw the heads that changed most, and return the changes of all; None where the models are of other shapes."""
    if link.get(AGAINST) not in ("model", "random"):
        return None
    try:
        changes = cache.head_changes(
            a.scene.model_key, b.scene.model_key, a.scene.photo.digest, a.scene.original, b.scene.original
        )
    except VitvizError:  # of another shape: no head stands beside another
        return None
    width = changes.shape[1]
    order = np.argsort(changes.ravel(), kind="stable")[::-1][:_SHOWN]
    heads = _(", ").join(f"L{place // width}·H{place % width} {changes.ravel()[place]:.2f}" for place in order)
    st.markdown(_("**Heads whose attention changed most:** {heads}").format(heads=heads))
    st.caption(
        _(
            "Total variation between A's attention and B's, averaged over all queries: 0 is the same, 1 nowhere alike. "
            "The mean of all heads is {mean}."
        ).format(mean=f"{changes.mean():.2f}")
    )
    return changes
