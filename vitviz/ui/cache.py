"""What the dashboard keeps between clicks: models, traces, statistics. Shared by all readers, bounded, read-only.

Keys are names and content hashes, never pictures: Streamlit hashes large arrays from a sample only.
"""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray

import vitviz
from vitviz.attention.statistics import HeadStatistics
from vitviz.capture.edit import Edit
from vitviz.images import Photo
from vitviz.models.vit import ViT
from vitviz.trace import Trace


@st.cache_resource(max_entries=3, show_spinner="Loading the model …", show_time=True)
def load_model(name: str, weights: str, size: int) -> ViT:
    """Return a model by name, weights and input size (0 = its own); at most three are kept."""
    return vitviz.load_vit(name, weights=weights, image_size=size or None)


@st.cache_resource(max_entries=6, show_spinner="Looking at the picture …")
def traced(model_key: str, digest: str, edit: Edit, _vit: ViT, _photo: Photo) -> Trace:
    """Return the trace of a photo; at most six are kept, about 20 MB each at 224 pixels."""
    return vitviz.trace(_vit, _photo.image, edit=edit)


@st.cache_resource(max_entries=12, show_spinner="Measuring every head …")
def statistics(model_key: str, digest: str, edit: Edit, _trace: Trace) -> HeadStatistics:
    """Return the head statistics of a trace."""
    return vitviz.head_statistics(_trace)


@st.cache_resource(max_entries=24, show_spinner=False)
def rollout(
    model_key: str,
    digest: str,
    head_fusion: str,
    discard_ratio: float,
    residual: float,
    start_layer: int,
    end_layer: int,
    _trace: Trace,
) -> torch.Tensor:
    """Return a rollout matrix (query, key)."""
    return vitviz.rollout(
        _trace,
        head_fusion=head_fusion,
        discard_ratio=discard_ratio,
        residual=residual,
        start_layer=start_layer,
        end_layer=end_layer,
    )


@st.cache_resource(max_entries=12, show_spinner=False)
def model_maximum(model_key: str, digest: str, edit: Edit, _trace: Trace) -> float:
    """Return the largest attention weight of any head of any layer: the scale "whole model"."""
    return max(float(attention.amax()) for attention in _trace.attentions())


@st.cache_resource(max_entries=24, show_spinner=False)
def picture(model_key: str, digest: str, _vit: ViT, _photo: Photo) -> NDArray[np.uint8]:
    """Return the crop that the model sees, (height, width, 3), at a size to look at."""
    shown = _vit.frame(_photo.image)
    shown.flags.writeable = False
    return shown
