"""Anatomy: patches, projection, the equations of a block, parameters, GELU, shifts, scaling: the closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

import vitviz
from vitviz.analysis.convnet import ConvNet
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.labs.anatomy import block_step, embedding, norms
from vitviz.labs.cost.scaling import parameters_of, scale
from vitviz.labs.cost.vit_shape import PRESETS
from vitviz.labs.gelu import activations, gelu
from vitviz.labs.parameters import FORMULAS, PARTS, Dimensions, counted_parameters, dimensions_of, standard_parameters
from vitviz.labs.shift import likeness, plain_convolutions, shift_experiment, shift_right
from vitviz.models import timm_door
from vitviz.models.vit import ViT


@pytest.fixture
def picture():
    return torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def vit(tiny_vit):
    return ViT.from_module(tiny_vit, name="tiny")


@pytest.mark.parametrize("options", [
    {},
    {"reg_tokens": 4},
    {"class_token": False, "global_pool": "avg"},
    {"img_size": (24, 40)},
    {"init_values": 0.1},
])  # fmt: skip
def test_the_equations_hold_for_the_tensors_of_the_model(build_vit, options):
    vit = ViT.from_module(build_vit(**options), name="tiny")
    pixels = torch.randn(3, *vit.image_size, generator=torch.Generator().manual_seed(1))
    trace = vitviz.trace(vit, pixels)
    result = embedding(vit, trace)
    assert result.flat.shape == (vit.grid.patches, 3 * 8 * 8)
    left, top, right, bottom = vit.grid.box(3)
    assert torch.equal(result.patches[3], pixels[:, top:bottom, left:right])
    assert result.projection_gap < 1e-4
    prefix = len(vit.grid.prefix)
    assert torch.allclose(result.tokens + result.positions, result.start[prefix:], atol=1e-5)
    step = block_step(vit, trace, 1)
    assert step.gap < 1e-4
    assert torch.allclose(step.between, step.before + step.attention_branch)
    assert torch.allclose(step.after, step.between + step.mlp_branch)
    assert step.scaled == ("init_values" in options)
    told = norms(step)
    assert told.before == pytest.approx(float(step.before.norm(dim=-1).mean()))
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        block_step(vit, trace, 2)


def test_a_block_of_another_build_has_no_step_in_between(build_vit):
    from timm.models.vision_transformer import ParallelScalingBlock, ResPostBlock

    for block in (ParallelScalingBlock, ResPostBlock):
        vit = ViT.from_module(build_vit(block_fn=block), name="other")
        step = block_step(vit, vitviz.trace(vit, torch.zeros(3, 32, 32)), 0)
        assert step.between is None
        assert step.gap is None
        assert norms(step) is None


def test_a_model_without_positions_or_single_matrix_says_so(build_vit, picture):
    bare = ViT.from_module(build_vit(pos_embed="none"), name="bare")
    assert embedding(bare, vitviz.trace(bare, picture)).positions is None


def test_vit_base_has_86567656_parameters_by_formula_and_by_count():
    with torch.device("meta"):
        module = timm_door.build("vit_base_patch16_224")
    counted = counted_parameters(module)
    formula = standard_parameters(Dimensions(16 * 16 * 3, 196, 1, 768, 12, 3072, 1000))
    assert sum(formula.values()) == sum(counted.values()) == 86_567_656
    assert {part: number for part, number in counted.items() if number} == formula
    assert parameters_of(PRESETS["ViT-B/16"]) == 86_567_656
    assert set(FORMULAS) == set(formula) <= set(PARTS)


@pytest.mark.parametrize(("options", "part", "more"), [
    ({}, None, 0),
    ({"init_values": 0.1}, "other parts of the blocks", 2 * 2 * 32),
    ({"qk_norm": True}, "attention", 2 * 4 * 16),
    ({"class_token": False, "global_pool": "map"}, "pooling", None),
    ({"num_classes": 0}, None, 0),
])  # fmt: skip
def test_the_formula_differs_from_the_count_where_the_model_does(build_vit, options, part, more):
    vit = ViT.from_module(build_vit(**options), name="tiny")
    counted, formula = counted_parameters(vit.module), standard_parameters(dimensions_of(vit))
    assert sum(counted.values()) == sum(parameter.numel() for parameter in vit.module.parameters())
    different = [name for name in PARTS if counted[name] != formula.get(name, 0)]
    assert different == ([] if part is None else [part])
    if more:
        assert counted[part] - formula.get(part, 0) == more


def test_impossible_dimensions_are_refused():
    with pytest.raises(OptionError, match="cannot be built; wanted at least 1"):
        standard_parameters(Dimensions(48, 16, 1, 0, 2, 128, 10))


def test_gelu_agrees_with_torch_and_its_two_forms_within_a_thousandth():
    result = gelu()
    x = torch.from_numpy(result.x)
    assert np.allclose(result.exact, functional.gelu(x).numpy(), atol=1e-12)
    assert np.allclose(result.tanh, functional.gelu(x, approximate="tanh").numpy(), atol=1e-12)
    assert np.allclose(result.relu, functional.relu(x).numpy())
    assert 1e-4 < result.gap < 1e-3
    place, value = result.lowest
    assert place == pytest.approx(-0.75179, abs=1e-5)
    assert value == pytest.approx(-0.169971, abs=1e-6)
    with pytest.raises(OptionError, match="wanted a positive reach"):
        gelu(reach=0)


def test_what_enters_the_activation(vit, picture, build_vit):
    trace = vitviz.trace(vit, picture)
    result = activations(vit, trace, 1)
    block = vit.module.blocks[1]
    expected = block.mlp.fc1(block.norm2(block_step(vit, trace, 1).between))
    assert np.allclose(result.inputs, expected.detach().numpy().ravel(), atol=1e-4)
    assert result.kind == "GELU"
    assert result.negative == pytest.approx(float((expected < 0).float().mean()), abs=1e-3)
    assert 0 < result.bend <= result.negative
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        activations(vit, trace, 2)
    bare = ViT.from_module(build_vit(mlp_layer=Bare), name="bare")
    with pytest.raises(UnsupportedModelError, match="bare has no activation module of its own"):
        activations(bare, trace, 0)


class Bare(torch.nn.Module):
    """An MLP whose activation is a function and no module."""

    def __init__(self, in_features, hidden_features, **options):
        super().__init__()
        self.fc1 = torch.nn.Linear(in_features, hidden_features)
        self.fc2 = torch.nn.Linear(hidden_features, in_features)

    def forward(self, x):
        return self.fc2(functional.gelu(self.fc1(x)))


def test_a_shift_moves_pixels_and_mirrors_the_edge():
    row = torch.arange(6.0).expand(3, 2, 6)
    assert shift_right(row, 2)[0, 0].tolist() == [2, 1, 0, 1, 2, 3]
    assert torch.equal(shift_right(row, 0), row)
    with pytest.raises(OptionError, match="shift of 3 pixels cannot be made"):
        shift_right(row, 3)


def test_plain_convolutions_move_along_exactly(picture):
    network = plain_convolutions()
    with torch.no_grad():
        original, moved = network(picture[None])[0], network(shift_right(picture, 5)[None])[0]
    assert likeness(original, moved, 5, margin=6) == pytest.approx(1, abs=1e-6)
    assert likeness(original, moved, 4, margin=6) < 0.9


def test_a_patch_embedding_moves_along_by_whole_patches_and_tokens_do_not(vit, picture):
    net = ConvNet.from_module(plain_convolutions(layers=1), image_size=(32, 32))
    result = shift_experiment(vit, picture, layer=1, convnet=net, convnet_layer=0)
    assert result.shifts == tuple(range(9))
    curves = {each.name: each for each in result.curves}
    assert curves["patch embedding"].stride == 8
    assert curves["patch embedding"].likeness[[0, -1]] == pytest.approx([1, 1], abs=1e-5)
    assert curves["patch embedding"].likeness[4] < 0.9
    assert curves["tokens"].likeness[0] == pytest.approx(1)
    assert curves["tokens"].likeness[-1] < 0.99
    assert np.allclose(curves["plain convolutions"].likeness, 1, atol=1e-5)
    assert np.allclose(curves["convnet"].likeness, 1, atol=1e-5)


def test_shifts_reach_the_largest_stride_and_hold_the_patch(build_vit):
    vit = ViT.from_module(build_vit(img_size=(32, 64)), name="wide")
    picture = torch.randn(3, 32, 64, generator=torch.Generator().manual_seed(1))
    coarse = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 16, stride=16))
    net = ConvNet.from_module(coarse, image_size=(32, 64))
    result = shift_experiment(vit, picture, layer=0, convnet=net, convnet_layer=0)
    assert result.shifts == (0, 2, 4, 6, 8, 10, 12, 14, 16)
    curves = {each.name: each for each in result.curves}
    assert curves["convnet"].likeness[-1] == pytest.approx(1, abs=1e-5)
    assert curves["patch embedding"].likeness[result.shifts.index(8)] == pytest.approx(1, abs=1e-5)


def test_depth_scales_linearly_and_width_by_the_square():
    shape = PRESETS["ViT-B/16"]
    deep = scale(shape, "depth", (1000, 2000))
    assert deep.exponents == pytest.approx((1, 1), abs=0.01)
    wide = scale(shape, "width", (64_000, 128_000))
    assert wide.exponents == pytest.approx((2, 2), abs=0.01)
    sharp = scale(shape, "side", (640_000, 1_280_000))
    assert sharp.exponents[1] == pytest.approx(4, abs=0.01)  # attention: the square of the patches
    heads = scale(shape, "heads", (6, 12, 24))
    assert len(set(heads.parameters.tolist())) == len(set(heads.macs.tolist())) == 1
    with pytest.raises(OptionError, match="wanted at least two"):
        scale(shape, "depth", (1,))
    with pytest.raises(OptionError, match="Growing size 'hope' is unknown"):
        scale(shape, "hope", (1, 2))
