"""What a model's attention pooling reads: the last look before the answer, in models without a class token."""

from __future__ import annotations

import numpy as np
import streamlit as st

from vitviz.attention.view import POOL, attention_view
from vitviz.figures.overlay import overlay
from vitviz.figures.scale import Scale
from vitviz.figures.sprites import map_grid
from vitviz.figures.summary import describe_map
from vitviz.ui.furniture.panel import look
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import map_words


def draw(scene: Scene) -> None:
    """Draw the map of the attention pooling, mean and every head; nothing for a model that pools in another way."""
    if not scene.trace.pool_calls:
        return
    st.subheader(_("What the answer is pooled from"), anchor=False)
    st.markdown(
        _("This model has no class token. After the last layer a learned query looks at all patches once more.")
    )
    mean = attention_view(scene.trace, query=POOL)
    heads = int(scene.trace.pool_calls[0].queries.shape[1])
    maps = [attention_view(scene.trace, query=POOL, head=head) for head in range(heads)]
    top = max(view.top_of_scale for view in (mean, *maps))
    left, right = st.columns([1, 2], gap="large")
    left.image(
        overlay(scene.picture, mean.values, scale=Scale(0, mean.top_of_scale, mean.uniform), **look()),
        caption=_("mean of {heads} heads").format(heads=heads),
        width="stretch",
        output_format="JPEG",
        alt=describe_map(mean.values, scene.trace.grid, mean.uniform, labels=map_words()),
    )
    sheet = map_grid(
        np.stack([view.values for view in maps]),
        [f"H{head}" for head in range(heads)],
        columns=min(heads, 6),
        scale=Scale(0, top, mean.uniform),
    )
    right.image(np.asarray(sheet), output_format="PNG", alt=_("The pooling's attention, head by head"))
