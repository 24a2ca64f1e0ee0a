"""Memory: bytes held for the backward pass against closed forms, equal gradients, nothing left changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from vitviz.errors import OptionError, StoppedError
from vitviz.labs.cost.compute import block_macs
from vitviz.labs.cost.memory import (
    KINDS,
    AttentionKind,
    HeldBytes,
    attention_storage,
    compare_blocks,
    compare_model,
    recompute_ratio,
)
from vitviz.labs.cost.vit_shape import PRESETS, ViTShape, shape_of
from vitviz.models.vit import ViT
from vitviz.trace import trace

HEADS, TOKENS, HEAD_WIDTH = 2, 24, 8


def _inputs() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (1, HEADS, TOKENS, HEAD_WIDTH)
    return [torch.randn(shape, generator=generator).requires_grad_() for _each in range(3)]


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("eager", HEADS * TOKENS**2),  # the maps
        ("checkpointed", 0),  # Q, K and V were there before
        ("fused", TOKENS * HEADS * (HEAD_WIDTH + 1)),  # its output, and one sum a row
    ],
)
def test_the_attention_operation_holds_its_maps_only_when_eager(kind: str, numbers: int) -> None:
    inputs = _inputs()
    with AttentionKind(kind), HeldBytes(inputs) as held:
        functional.scaled_dot_product_attention(*inputs)
    assert held.total == 4 * numbers
    with AttentionKind(kind), HeldBytes() as everything:
        functional.scaled_dot_product_attention(*inputs)
    assert everything.total == 4 * (numbers + 3 * TOKENS * HEADS * HEAD_WIDTH)


@pytest.mark.parametrize("mask", [None, "bias", "bool"])
def test_every_kind_computes_the_same(mask: str | None) -> None:
    queries, keys, values = _inputs()
    bias = torch.randn(TOKENS, TOKENS, generator=torch.Generator().manual_seed(1))
    given = {None: None, "bias": bias, "bool": (bias > 0) | torch.eye(TOKENS, dtype=torch.bool)}[mask]
    results = []
    for kind in KINDS:
        with AttentionKind(kind):
            mixed = functional.scaled_dot_product_attention(queries, keys, values, given, scale=0.3)
        results.append((mixed.detach(), *torch.autograd.grad(mixed.square().sum(), [queries, keys, values])))
    for other in results[1:]:
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(results[0], other, strict=True))


def test_blocks_hold_the_maps_only_when_eager_and_have_equal_gradients() -> None:
    result = compare_blocks(tokens=40, width=16, heads=2, depth=2, repetitions=1)
    assert result.map_bytes == 4 * 2 * 2 * 40**2
    held = {each.kind: each.held for each in result.costs}
    assert held["eager"] - held["checkpointed"] == result.map_bytes
    assert held["fused"] - held["checkpointed"] == 4 * 2 * 2 * 40  # one sum a row and head
    assert result.cost("eager").gradient_error == 0
    assert max(each.gradient_error for each in result.costs) < 1e-5
    assert all(0 < each.forward < each.step for each in result.costs)
    assert result.recompute_ratio == result.cost("checkpointed").step / result.cost("eager").step


def test_a_loaded_model_holds_the_maps_only_when_eager_and_is_not_changed(tiny_vit: Any) -> None:
    vit = ViT.from_module(tiny_vit)
    before = {name: (each.requires_grad, each.grad) for name, each in tiny_vit.named_parameters()}
    seen: list[tuple[int, int]] = []
    result = compare_model(vit, torch.rand(3, 32, 32), repetitions=1, progress=lambda *each: seen.append(each))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert result.cost("eager").held - result.cost("checkpointed").held == result.map_bytes
    assert result.map_bytes == 4 * attention_storage(shape_of(vit)).maps
    assert max(each.gradient_error for each in result.costs) < 1e-5
    after = {name: (each.requires_grad, each.grad) for name, each in tiny_vit.named_parameters()}
    assert after == before


def test_the_ratio_of_maps_to_queries_and_keys_is_l_over_2d() -> None:
    for name, ratio in (("ViT-B/16", 1.5), ("ViT-S/14-518", 10.7)):
        shape = PRESETS[name]
        storage = attention_storage(shape)
        assert storage.ratio == pytest.approx(shape.tokens / (2 * shape.head_width))
        assert round(storage.ratio, 1) == ratio


def test_the_recorder_of_the_dashboard_keeps_queries_and_keys_and_not_the_maps(tiny_vit: Any) -> None:
    vit = ViT.from_module(tiny_vit)
    traced, storage = trace(vit, torch.rand(3, 32, 32)), attention_storage(shape_of(vit))
    kept = sum(traced.queries(layer).numel() + traced.keys(layer).numel() for layer in range(2))
    assert kept == storage.queries_and_keys
    assert sum(each.numel() for each in traced.attentions()) == storage.maps


def test_recomputing_adds_one_attention_operation_to_three_passes() -> None:
    shape = ViTShape((64, 64), (8, 8), 32, 2, 2)
    macs = block_macs(shape.tokens, shape.width)
    assert recompute_ratio(shape) == pytest.approx((3 * macs.total + macs.attention) / (3 * macs.total))


def test_what_cannot_be_measured_is_told(tiny_vit: Any) -> None:
    with pytest.raises(OptionError, match="maps would take 800 MB.*at most 400 MB"):
        compare_blocks(tokens=10_000, width=8, heads=2)
    with pytest.raises(OptionError, match="805 million weights.*at most 400 MB, 100 million"):
        compare_blocks(tokens=16, width=8192, heads=8)
    with pytest.raises(OptionError, match="takes 74 GMACs.*and 50 GMACs. Choose fewer tokens"):
        compare_blocks(tokens=5000, width=768, heads=1)
    with pytest.raises(StoppedError, match="after 1 of 3"):
        compare_blocks(tokens=4, width=8, heads=2, repetitions=1, progress=lambda done, total: done < 1)
    with pytest.raises(OptionError, match="Kind of attention 'flash' is unknown"):
        AttentionKind("flash")
    queries = torch.zeros(1, 1, 2, 2)
    with pytest.raises(OptionError, match="causal True"), AttentionKind("eager"):
        functional.scaled_dot_product_attention(queries, queries, queries, is_causal=True)
