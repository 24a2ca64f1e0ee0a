"""The temperature of a real model: factor 1 is the plain model bit for bit, and both ends go where they should."""

import math

import numpy as np
import pytest
import torch

from vitviz.errors import OptionError
from vitviz.labs.model_temperature import run, tempered_edit
from vitviz.models.vit import ViT
from vitviz.trace import trace


@pytest.fixture(scope="module")
def vit(tiny_vit):
    return ViT.from_module(tiny_vit)


@pytest.fixture(scope="module")
def picture(vit):
    return torch.randn(3, *vit.image_size, generator=torch.Generator().manual_seed(3))


def test_factor_one_is_the_plain_model_bit_for_bit(vit, picture):
    edit = tempered_edit(vit, 1.0)
    assert not edit
    plain, same = trace(vit, picture), trace(vit, picture, edit=edit)
    assert torch.equal(plain.logits, same.logits)
    assert all(torch.equal(*pair) for pair in zip(plain.streams, same.streams, strict=True))
    result = run(vit, picture, factors=(1.0,))
    assert result.cosine[0] == pytest.approx(1, abs=1e-12)
    assert result.probability[0] == float(plain.logits.double().softmax(-1).max())


def test_cold_attention_is_one_token_and_hot_attention_is_uniform(vit, picture):
    result = run(vit, picture, factors=(1e-5, 1.0, 1e6))
    assert result.entropy[0].max() < 0.05
    assert np.allclose(result.entropy[2], math.log(17), atol=1e-4)
    assert result.uniform_entropy == math.log(17)
    assert (np.diff(result.entropy[:, 0]) > 0).all()  # of the first layer, whose input is the same
    assert result.cosine[1] == pytest.approx(1, abs=1e-12)
    assert result.cosine[[0, 2]].max() < 1 - 1e-4
    assert result.read == "class token"
    cold, plain, hot = result.maps  # (rows, columns): the class token's last row of attention
    assert np.array_equal(plain, trace(vit, picture).attention_row(1, 0).mean(0)[1:].numpy().reshape(4, 4))
    assert np.allclose(hot, 1 / 17, atol=1e-4)
    assert np.isin(np.round(2 * cold, 1), (0, 1, 2)).all()  # each of the two heads chooses one token


def test_one_layer_alone(vit, picture):
    assert tempered_edit(vit, 2.0, 1).temperature == ((1, 2.0),)
    result = run(vit, picture, factors=(1.0, 4.0), layer=1)
    assert result.entropy[0, 0] == result.entropy[1, 0]
    assert result.entropy[0, 1] < result.entropy[1, 1]


def test_a_model_without_class_token_is_read_by_its_embedding(build_vit, picture):
    plain = ViT.from_module(build_vit(class_token=False, global_pool="avg", num_classes=0))
    result = run(plain, picture, factors=(1.0, 2.0))
    assert result.read == "embedding"
    assert result.top == ()
    assert result.probability.size == 0


def test_messages(vit, picture):
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        run(vit, picture, layer=2)
    with pytest.raises(OptionError, match="no temperature factors; wanted at least one"):
        run(vit, picture, factors=())
    with pytest.raises(OptionError, match="temperature factor of layer 0 is 0.0; wanted a positive"):
        run(vit, picture, factors=(0.0,))
