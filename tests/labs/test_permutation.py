"""Equivariance and invariance under shuffled tokens, in a random layer and in whole models."""

import pytest
import torch

from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.labs import permutation
from vitviz.models.vit import ViT


@pytest.mark.parametrize("seed", [0, 1])
def test_self_attention_without_positions_is_equivariant_and_its_class_token_invariant(seed):
    """f(Px) = Pf(x) within 1e-5 in float32; f(Px) = f(x), the invariance often claimed, is false."""
    result = permutation.run(seed=seed)
    assert result.moved == 16
    assert result.equivariance < 1e-5
    assert result.class_token < 1e-5
    assert result.not_invariant > 0.1


def test_with_positions_neither_holds():
    result = permutation.run(positions=True)
    assert result.equivariance > 0.05
    assert result.class_token > 1e-3


@pytest.mark.parametrize("options", [{}, {"reg_tokens": 4}, {"img_size": (24, 40)}])
def test_a_whole_model_is_equivariant_once_its_positions_are_out(build_vit, options):
    vit = ViT.from_module(build_vit(**options))
    picture = torch.randn(3, *vit.image_size, generator=torch.Generator().manual_seed(3))
    blank, plain = (permutation.on_model(vit, picture, positions=each) for each in (False, True))
    assert blank.equivariance < 1e-5
    assert blank.class_token < 1e-5
    assert blank.not_invariant > 0.1
    assert plain.equivariance > 1e-3
    assert plain.class_token > 1e-3


def test_a_model_without_class_token(build_vit):
    vit = ViT.from_module(build_vit(class_token=False, global_pool="avg"))
    result = permutation.on_model(vit, torch.zeros(3, 32, 32))
    assert result.class_token is None
    assert result.equivariance < 1e-5


def test_patches_that_overlap_are_refused(build_vit):
    module = build_vit()
    module.patch_embed.proj = torch.nn.Conv2d(3, 32, 10, stride=8, padding=1)
    vit = ViT.from_module(module, name="overlapping")
    with pytest.raises(UnsupportedModelError, match="not cut the picture into separate patches"):
        permutation.on_model(vit, torch.zeros(3, 32, 32))


@pytest.mark.parametrize("options", [{"tokens": 1}, {"channels": 30}, {"heads": 0}])
def test_messages(options):
    with pytest.raises(OptionError, match="cannot be permuted; wanted two tokens or more"):
        permutation.run(**options)
