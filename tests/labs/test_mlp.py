"""The steps of the MLP are the formula's, and what is added is what the block adds."""

import numpy as np
import pytest
import torch
from torch.nn.functional import gelu, layer_norm

import vitviz
from vitviz.errors import UnsupportedModelError
from vitviz.labs.mlp import mlp_steps
from vitviz.models.vit import ViT

PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("scale", [None, 0.5])
def test_every_step_is_the_formula_s(build_vit, scale):
    module = build_vit(init_values=scale, proj_drop_rate=0.1)
    vit = ViT.from_module(module)
    steps = mlp_steps(vit, vitviz.trace(vit, PIXELS), 1)
    block, (first, second) = module.blocks[1], steps.weights
    assert torch.allclose(steps.normed, layer_norm(steps.entering, (32,), block.norm2.weight, block.norm2.bias, 1e-6))
    assert torch.allclose(steps.hidden, steps.normed @ first + block.mlp.fc1.bias, atol=1e-5)
    assert torch.equal(steps.activated, gelu(steps.hidden))  # dropout is off
    assert torch.allclose(steps.output, steps.activated @ second + block.mlp.fc2.bias, atol=1e-5)
    gamma = 1.0 if scale is None else block.ls2.gamma
    assert torch.allclose(steps.leaving, steps.entering + gamma * steps.output, atol=1e-5)
    assert (steps.activation, steps.dropout) == ("GELU", 0.1)
    assert (abs(steps.scale - 1) < 1e-5) == (scale is None)


def test_a_gated_mlp_is_refused(build_vit):
    from timm.layers import SwiGLU

    vit = ViT.from_module(build_vit(mlp_layer=SwiGLU))
    with pytest.raises(UnsupportedModelError, match="is no plain LN → Linear → activation → Linear"):
        mlp_steps(vit, vitviz.trace(vit, PIXELS), 0)
