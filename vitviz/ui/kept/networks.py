"""Networks beside the reader's model: the trained CNN that comes with vitviz, and the model redrawn."""

from __future__ import annotations

import streamlit as st
import torch
from torch import Tensor

from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.analysis.redrawn import redrawn as redrawn_vit
from vitviz.models.vit import ViT
from vitviz.ui.kept.placing import placing
from vitviz.ui.text import N_

CNN = "cnn"
"""Its name for ``load_convnet``."""
CNN_TITLE = "CNN EfficientNet-Lite0"


def renormalised(pixels: Tensor, vit: ViT, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Return an input of a ViT, (3, height, width), in another network's normalisation."""
    if (mean, std) == (vit.mean, vit.std):
        return pixels
    colours = pixels * _column(vit.std) + _column(vit.mean)
    return (colours - _column(mean)) / _column(std)


def _column(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values)[:, None, None]


@st.cache_resource(max_entries=2, show_spinner=N_("Loading the convolutional network …"))
def convnet(height: int, width: int) -> ConvNet:
    """Return the trained convolutional network for pictures of a size.

    Raises WeightsUnavailableError or CheckpointError, for every reader, if its file is missing or damaged.
    """
    return load_convnet(CNN, image_size=(height, width), **placing())


@st.cache_resource(max_entries=1, show_spinner=N_("Drawing random weights …"))
def redrawn(model_key: str, _vit: ViT) -> ViT:
    """Return the same architecture with every parameter drawn anew, with its own mean and standard deviation."""
    return redrawn_vit(_vit)
