"""The tiny models are what their fixtures say; every other test builds on that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn


@pytest.mark.parametrize(
    ("name", "height", "width", "tokens"),
    [("tiny_vit", 32, 32, 17), ("wide_vit", 24, 40, 16), ("register_vit", 32, 32, 21)],
)
def test_the_tiny_models_have_the_tokens_they_promise(
    request: pytest.FixtureRequest, name: str, height: int, width: int, tokens: int
) -> None:
    module = request.getfixturevalue(name)
    image = torch.zeros(1, 3, height, width)
    assert module.forward_features(image).shape == (1, tokens, 32)
    assert module(image).shape == (1, 10)
    assert not module.training


def test_attention_is_far_from_uniform_and_differs_between_heads(tiny_vit: nn.Module) -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    attention = tiny_vit.blocks[0].attn
    normed = tiny_vit.blocks[0].norm1(tiny_vit._pos_embed(tiny_vit.patch_embed(image)))
    queries, keys, _ = attention.qkv(normed).reshape(17, 3, 2, 16).permute(1, 2, 0, 3)  # (heads, token, channel)
    maps = (queries @ keys.transpose(-2, -1) / 4).softmax(-1)  # (heads, query, key)
    assert maps.max(-1).values.median() > 3 / 17
    assert (maps[0] - maps[1]).abs().max() > 0.1


def test_the_seed_alone_decides_the_weights(build_vit: Callable[..., nn.Module]) -> None:
    first, other = build_vit(seed=3), build_vit(seed=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(99)
        state = torch.random.get_rng_state()
        same = build_vit(seed=3)
        assert torch.equal(torch.random.get_rng_state(), state)
    weights = first.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in same.state_dict().items())
    assert not any(torch.equal(weights[name], value) for name, value in other.state_dict().items())
