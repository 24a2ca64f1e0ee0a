"""Models that pool by attention: against the definitions of Chefer et al. and Bousselham et al., written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vitviz
from tests.families import SoftmaxMode, unfused
from vitviz.attribution import attribute
from vitviz.models.vit import ViT
from vitviz.trace.target import likeness

KINDS: dict[str, dict[str, Any]] = {
    "patches alone": {"class_token": False},
    "class token and registers": {"reg_tokens": 4},
    "all tokens pooled": {"reg_tokens": 4, "pool_include_prefix": True},
    "no classifier": {"class_token": False, "num_classes": 0},
}


@pytest.fixture(params=KINDS)
def pooling(request: pytest.FixtureRequest, build_vit: Any) -> ViT:
    return ViT.from_module(build_vit(img_size=(24, 40), global_pool="map", **KINDS[request.param]), name="pooling")


def score_of(vit: ViT, module: Any, features: Tensor) -> Tensor:
    """Return logit 4, or the projection on a fixed direction without a classifier."""
    answer = module.forward_head(features)[0]
    return answer[4] if vit.has_classifier else answer @ direction(answer)


def direction(answer: Tensor) -> Tensor:
    vector = torch.randn(answer.shape, generator=torch.Generator().manual_seed(5))
    return vector / vector.norm()


def shown(name: str, vit: ViT, pixels: Tensor) -> Tensor:
    target = 4 if vit.has_classifier else likeness(direction(torch.zeros(32)), "that way")
    return torch.from_numpy(attribute(name, vit, pixels, target=target).values)


def eager_maps(vit: ViT, pixels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return attention and its gradients, each (heads, query, key), the pooling's last, from unfused code."""
    maps: list[Tensor] = []

    def keep(attention: Tensor) -> Tensor:
        attention.retain_grad()
        maps.append(attention)
        return attention

    module: Any = unfused(vit.module)
    with SoftmaxMode(keep):
        score_of(vit, module, module.forward_features(pixels[None].clone().requires_grad_())).backward()
    slopes = [attention.grad[0] for attention in maps if attention.grad is not None]
    return [attention.detach()[0] for attention in maps], slopes


def test_gradient_rollout_takes_the_pooling_for_cross_attention(pooling: ViT, pixels: Tensor) -> None:
    """Chefer et al. 2021, rule 5 for every map, rule 6 in the blocks, rules 8 to 10 for the learned query."""
    maps, slopes = eager_maps(pooling, pixels)
    (*blocks, pool) = [(a * g).clamp(min=0).mean(0) for a, g in zip(maps, slopes, strict=True)]
    tokens = pooling.grid.tokens
    inside = torch.eye(tokens)
    for block in blocks:
        inside = inside + block @ inside
    bare = inside - torch.eye(tokens)
    normalised = bare / bare.sum(1, keepdim=True) + torch.eye(tokens)
    query = torch.zeros(1, tokens)
    query[:, -pool.shape[1] :] = pool
    expected = pooling.grid.to_map((query @ normalised)[0])
    assert expected.max() > 1e-4
    torch.testing.assert_close(shown("gradient_rollout", pooling, pixels), expected, rtol=1e-4, atol=1e-6)


def test_legrad_is_the_gradient_at_the_poolings_map_layer_by_layer(pooling: ViT, pixels: Tensor) -> None:
    """What the authors' compute_legrad_siglip does with each block's tokens, behind the model's own last norm."""
    module: Any = unfused(pooling.module)
    streams: list[Tensor] = []
    for block in module.blocks:
        block.register_forward_hook(lambda _block, _given, output: streams.append(output))
    module.forward_features(pixels[None])
    total = torch.zeros(pooling.grid.tokens)
    for stream in streams:
        maps: list[Tensor] = []

        def keep(attention: Tensor, maps: list[Tensor] = maps) -> Tensor:
            maps.append(attention)
            return attention

        with SoftmaxMode(keep):
            score = score_of(pooling, module, module.norm(stream.detach().requires_grad_()))
        (probabilities,) = maps  # (1, heads, learned query, key)
        (slope,) = torch.autograd.grad(score, [probabilities])
        relevance = slope.clamp(min=0).mean(1)[0, 0]  # mean over heads, the row of the learned query
        total[-len(relevance) :] += relevance
    expected = pooling.grid.to_map(total)
    assert expected.max() > 1e-4
    torch.testing.assert_close(shown("legrad", pooling, pixels), expected, rtol=1e-4, atol=1e-6)


def test_the_gradient_at_the_poolings_map_is_autograds(pooling: ViT, pixels: Tensor) -> None:
    maps, slopes = eager_maps(pooling, pixels)
    target = 4 if pooling.has_classifier else likeness(direction(torch.zeros(32)), "that way")
    traced = vitviz.trace(pooling, pixels, target=target)
    torch.testing.assert_close(traced.pool_attention(), maps[-1], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(traced.pool_attention_gradient(), slopes[-1], rtol=1e-3, atol=1e-5)


def test_a_similarity_in_a_model_with_a_classifier_reaches_the_pooling(build_vit: Any, pixels: Tensor) -> None:
    module: nn.Module = build_vit(img_size=(24, 40), class_token=False, global_pool="map")
    target = likeness(direction(torch.zeros(32)), "that way")
    with_classes = vitviz.trace(ViT.from_module(module), pixels, target=target)
    assert with_classes.logits is not None
    module.reset_classifier(0)  # type: ignore[operator]
    without = vitviz.trace(ViT.from_module(module), pixels, target=target)
    assert without.logits is None
    assert without.pool_attention_gradient().abs().max() > 1e-4
    torch.testing.assert_close(with_classes.pool_attention_gradient(), without.pool_attention_gradient())
