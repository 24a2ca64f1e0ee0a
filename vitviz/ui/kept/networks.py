"""Networks beside the reader's model: a CNN, trained where its weights are, and the model redrawn."""

from __future__ import annotations

from typing import Any

import streamlit as st
import torch
from torch import Tensor

from vitviz.analysis.convnet import ConvNet, load_convnet
from vitviz.analysis.redrawn import redrawn as redrawn_vit
from vitviz.errors import VitvizError
from vitviz.models import hub, timm_door
from vitviz.models.vit import ViT
from vitviz.ui.text import N_

CNN = "resnet18"


def renormalised(pixels: Tensor, vit: ViT, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Return an input of a ViT, (3, height, width), in another network's normalisation."""
    if (mean, std) == (vit.mean, vit.std):
        return pixels
    colours = pixels * _column(vit.std) + _column(vit.mean)
    return (colours - _column(mean)) / _column(std)


def _column(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values)[:, None, None]


@st.cache_resource(max_entries=2, show_spinner=N_("Building the convolutional network …"))
def _resnet(height: int, width: int) -> tuple[ConvNet, bool, str]:
    """Return ResNet-18, whether it is trained, and why the weights that are in the local cache could not be read."""
    reason = ""
    if trained_weights():
        try:
            return load_convnet(f"timm:{CNN}", image_size=(height, width)), True, ""
        except VitvizError as error:
            reason = str(error)
    module: Any = timm_door.build(CNN, seed=0)
    for name, parameter in module.named_parameters():
        # timm starts every residual branch at zero, so a fresh network would be its shortcuts alone
        if name.endswith("bn2.weight"):
            parameter.data.fill_(1.0)
    return ConvNet.from_module(module, name=f"timm:{CNN}", image_size=(height, width)), False, reason


def resnet(height: int, width: int) -> tuple[ConvNet, bool]:
    """Return ResNet-18 with the weights of the local cache or, without them, random ones; and whether it is trained."""
    return _resnet(height, width)[:2]


def refusal(height: int, width: int) -> str:
    """Return why the weights of ResNet-18 in the local cache could not be read, or nothing."""
    return _resnet(height, width)[2] if trained_weights() else ""


def trained_weights() -> bool:
    """Return whether the weights of ResNet-18 are in the local cache."""
    return hub.cached_file(timm_door.pretrained_settings(CNN)) is not None


def trained_convnet(height: int, width: int) -> ConvNet | None:
    """Return ResNet-18 as trained on ImageNet, or None if its weights are not here: its answers would mean nothing."""
    if not trained_weights():
        return None
    net, trained = resnet(height, width)
    return net if trained else None


@st.cache_resource(max_entries=1, show_spinner=N_("Drawing random weights …"))
def redrawn(model_key: str, _vit: ViT) -> ViT:
    """Return the same architecture with every parameter drawn anew, with its own mean and standard deviation."""
    return redrawn_vit(_vit)
