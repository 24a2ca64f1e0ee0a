"""Anatomy, the residual stream: how long its tokens are after every block."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from vitviz.figures.axes import Axis
from vitviz.figures.curve import Curve
from vitviz.figures.line_chart import line_chart
from vitviz.figures.theme import QUERY_ORANGE
from vitviz.trace import Trace
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _
from vitviz.ui.words.labels import token_title


@st.cache_data(max_entries=6, show_spinner=False)
def stream_norms(model_key: str, digest: str, _trace: Trace) -> tuple[list[float], list[float]]:
    """Return mean norms of the patch tokens and of the first prefix token in the residual stream, by depth."""
    prefix = len(_trace.grid.prefix)
    streams = [_trace.residual(layer).float() for layer in range(-1, _trace.layers)]
    patches = [float(stream[prefix:].norm(dim=-1).mean()) for stream in streams]
    special_ = [float(stream[0].norm()) for stream in streams] if prefix else []
    return patches, special_


def norm_figure(scene: Scene) -> go.Figure:
    """Return the growth of the residual stream over the blocks."""
    patches, first = stream_norms(scene.model_key, scene.photo.digest, scene.original)
    curves = [Curve(_("patch tokens, mean"), np.arange(len(patches)), patches)]
    if first:
        curves.append(Curve(token_title(scene.vit.grid.prefix[0]), np.arange(len(first)), first, QUERY_ORANGE))
    return line_chart(
        curves,
        x=Axis(_("Blocks passed"), "d"),
        y=Axis(_("Norm in the residual stream"), from_zero=True),
        hover="{name}<br>%{x}: %{y:.4g}",
        legend=True,
        height=300,
    )
