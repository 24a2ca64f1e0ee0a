"""Locality: shares by hand, uniform attention by counting, a convolution's weights all under its kernel."""

import numpy as np
import pytest
import torch
from torch import nn

import vitviz
from vitviz.analysis.convnet import ConvNet
from vitviz.errors import GridError, UnsupportedModelError
from vitviz.labs.locality import attention_within, feature_likeness, kernels_within, uniform_within
from vitviz.models.vit import ViT


def test_attention_within_a_distance_is_what_a_loop_counts(wide_vit):
    vit = ViT.from_module(wide_vit)
    trace = vitviz.trace(vit, np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8))
    spread, even = attention_within(trace, 1), uniform_within(trace)
    maps, far = trace.attention(1)[:, 1:, 1:].mean(0).double(), vit.grid.distances()
    for distance in (0.0, 1.0, 2.0):
        place = spread.distances.tolist().index(distance)
        near = torch.from_numpy(far <= distance)
        counted = torch.stack([row[own].sum() / row.sum() for row, own in zip(maps, near, strict=True)]).mean()
        assert spread.values[place] == pytest.approx(counted.item(), abs=1e-6)
        assert even.values[place] == pytest.approx(near.double().mean().item())
    assert spread.values[-1] == pytest.approx(1)


def test_kernels_and_features_by_hand():
    layer = nn.Conv2d(3, 1, 3)
    layer.weight.data[:] = torch.tensor([[0.0, 1, 0], [1, 4, 1], [0, 1, 2]])
    net = ConvNet.from_module(nn.Sequential(layer, nn.Conv2d(1, 1, 1)), image_size=(9, 9))
    spread = kernels_within(net)
    assert spread.distances == pytest.approx([0, 1, np.sqrt(2)], abs=1e-6)
    assert spread.values == pytest.approx([0.4, 0.8, 1.0])
    ramp = feature_likeness(torch.tensor([[[1.0, 1.0, -1.0, -1.0]]]))
    assert ramp.values == pytest.approx([1 / 3, -1, -1])
    with pytest.raises(UnsupportedModelError, match="no kernel larger than 1 × 1"):
        kernels_within(ConvNet.from_module(nn.Sequential(nn.Conv2d(3, 1, 1)), image_size=(9, 9)))
    with pytest.raises(GridError, match="has no neighbours"):
        feature_likeness(torch.zeros(3, 1, 1))
