"""Rollout by hand, its closed forms, and an independent implementation on whole matrices."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vitviz.attention.rollout import (
    FUSIONS,
    discard_smallest,
    fuse_heads,
    normalise_rows,
    rollout,
    rollout_of,
    rollouts_of,
)
from vitviz.errors import OptionError
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

FIRST = torch.tensor([[[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]]])  # one head
SECOND = torch.tensor([[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]])


def softmaxed(layers: int = 4, heads: int = 3, tokens: int = 7, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [(torch.randn(heads, tokens, tokens, generator=generator) * 3).softmax(-1) for _ in range(layers)]


def by_definition(
    layers: list[Tensor], fusion: str, discard: float, residual: float, keep: tuple[int, ...]
) -> NDArray[np.float64]:
    """Rollout with whole matrices, entry by entry, in double precision."""
    total = np.eye(layers[0].shape[-1])
    for attention in layers:
        maps = attention.double().numpy()
        fused = {"mean": maps.mean(0), "max": maps.max(0), "min": maps.min(0)}[fusion].copy()
        for row in fused:
            order = [int(key) for key in np.argsort(row)][: round(np.floor(len(row) * discard + 1e-9))]
            for key in order:
                if key not in keep:
                    row[key] = 0
        fused /= fused.sum(1, keepdims=True)
        total = ((1 - residual) * fused + residual * np.eye(len(fused))) @ total
    return total


def test_two_layers_by_hand() -> None:
    """The later layer stands on the left: its row 0 looks at 2 alone, and 2 looked at a quarter, a quarter, half."""
    result = rollout_of([FIRST, SECOND], residual=0.0)
    wanted = torch.tensor([[0.25, 0.25, 0.5], [0.5, 0.5, 0.0], [0.25, 0.75, 0.0]])
    torch.testing.assert_close(result, wanted)


def test_two_layers_with_half_a_residual_by_hand() -> None:
    """Â₁ = ½A₁ + ½I = [[¾ ¼ 0] [0 1 0] [⅛ ⅛ ¾]], Â₂ = [[½ 0 ½] [½ ½ 0] [¼ ¼ ½]]; R = Â₂Â₁."""
    result = rollout_of([FIRST, SECOND])
    wanted = torch.tensor([[0.4375, 0.1875, 0.375], [0.375, 0.625, 0.0], [0.25, 0.375, 0.375]])
    torch.testing.assert_close(result, wanted)


def test_heads_are_fused_by_mean_maximum_or_minimum() -> None:
    """Row 0 of the heads: [½ ½ 0] and [0 0 1]."""
    heads = torch.cat([FIRST, SECOND])
    assert fuse_heads(heads, "mean")[0].tolist() == [0.25, 0.25, 0.5]
    assert fuse_heads(heads, "max")[0].tolist() == [0.5, 0.5, 1.0]
    assert fuse_heads(heads, "min")[0].tolist() == [0.0, 0.0, 0.0]
    result = rollout_of([heads], head_fusion="max", residual=0.0)
    torch.testing.assert_close(result[0], torch.tensor([0.25, 0.25, 0.5]))


def test_a_token_whose_heads_share_no_key_keeps_to_itself() -> None:
    result = rollout_of([torch.cat([FIRST, SECOND])], head_fusion="min", residual=0.0)
    assert result[0].tolist() == [1.0, 0.0, 0.0]
    torch.testing.assert_close(result[2], torch.tensor([0.5, 0.5, 0.0]))
    torch.testing.assert_close(result.sum(-1), torch.ones(3))


def test_rows_are_normalised_and_empty_ones_are_the_token_itself() -> None:
    result = normalise_rows(torch.tensor([[2.0, 6.0], [0.0, 0.0]]))
    assert result.tolist() == [[0.25, 0.75], [0.0, 1.0]]


def test_the_identity_rolls_out_to_the_identity() -> None:
    eye = torch.eye(5).expand(2, 5, 5)
    for residual in (0.0, 0.3, 1.0):
        torch.testing.assert_close(rollout_of([eye] * 4, residual=residual), torch.eye(5))


def test_uniform_attention_rolls_out_to_a_share_that_shrinks_by_half_each_layer() -> None:
    """(½U + ½I)^L = 2^−L·I + (1 − 2^−L)·U, because U·U = U."""
    uniform = torch.full((2, 5, 5), 0.2)
    wanted = torch.eye(5) / 8 + (1 - 1 / 8) / 5
    torch.testing.assert_close(rollout_of([uniform] * 3), wanted)


def test_a_residual_of_one_is_the_identity_whatever_the_attention() -> None:
    torch.testing.assert_close(rollout_of(softmaxed(), residual=1.0), torch.eye(7))


def test_the_smallest_weights_of_each_row_are_discarded() -> None:
    attention = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    assert discard_smallest(attention, 0.5).tolist() == pytest.approx(
        [pytest.approx([0, 0, 0.3, 0.4]), pytest.approx([0.4, 0.3, 0, 0])]
    )
    assert torch.equal(discard_smallest(attention, 0.24), attention)  # less than one weight of four
    assert attention.min() > 0  # what was given is not changed


def test_the_class_token_is_never_discarded_as_a_key() -> None:
    attention = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    result = discard_smallest(attention, 0.75, keep=(0,))
    torch.testing.assert_close(result, torch.tensor([[0.1, 0, 0, 0.4], [0.4, 0, 0, 0]]))


@pytest.mark.parametrize(("keys", "ratio", "count"), [(100, 0.29, 29), (100, 0.57, 57), (10, 0.7, 7), (10, 0.99, 9)])
def test_the_share_that_is_discarded_is_exact(keys: int, ratio: float, count: int) -> None:
    attention = torch.randn(1, keys, generator=torch.Generator().manual_seed(0)).softmax(-1)
    assert int((discard_smallest(attention, ratio) == 0).sum()) == count


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("discard", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("residual", [0.0, 0.5, 0.8])
def test_it_is_what_whole_matrices_in_double_precision_give(fusion: str, discard: float, residual: float) -> None:
    for seed in range(3):
        layers = softmaxed(seed=seed)
        result = rollout_of(layers, head_fusion=fusion, discard_ratio=discard, residual=residual, keep=(0,))
        wanted = by_definition(layers, fusion, discard, residual, (0,))
        np.testing.assert_allclose(result.numpy(), wanted, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(result.sum(-1).numpy(), 1, atol=1e-5)
        assert result.min() >= 0


def test_one_layer_is_alive_at_a_time() -> None:
    alive: list[weakref.ref[Tensor]] = []

    def layers() -> Iterator[Tensor]:
        for each in softmaxed():
            assert [ref() for ref in alive if ref() is not None] == []
            mine = each.clone()
            alive.append(weakref.ref(mine))
            yield mine
            del mine

    rollout_of(layers())
    assert len(alive) == 4


@pytest.fixture(scope="module")
def traced(build_vit) -> Trace:  # type: ignore[no-untyped-def]
    pixels = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    return trace(ViT.from_module(build_vit(depth=4)), pixels)


@pytest.mark.parametrize(("start", "end"), [(0, None), (2, None), (0, 1), (1, 2), (3, 3)])
def test_the_layers_of_a_trace_from_start_to_end_are_multiplied(traced: Trace, start: int, end: int | None) -> None:
    layers = [traced.attention(layer) for layer in range(start, 4 if end is None else end + 1)]
    options = {"head_fusion": "max", "discard_ratio": 0.4, "residual": 0.25}
    result = rollout(traced, start_layer=start, end_layer=end, **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(result.numpy(), by_definition(layers, "max", 0.4, 0.25, (0,)), rtol=1e-4, atol=1e-6)


def test_a_trace_reads_each_layer_once_and_holds_one_head(traced: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    alive: list[weakref.ref[Tensor]] = []
    plain = Trace.head_attentions

    def counted(self: Trace, layer: int) -> Iterator[Tensor]:
        asked.append(layer)
        for head in plain(self, layer):
            assert sum(ref() is not None for ref in alive) <= 1  # the one before, until it is let go
            alive.append(weakref.ref(head))
            yield head

    monkeypatch.setattr(Trace, "head_attentions", counted)
    rollout(traced)
    assert asked == [0, 1, 2, 3]


def test_a_model_without_a_class_token_has_none_to_keep(build_vit) -> None:  # type: ignore[no-untyped-def]
    module = build_vit(class_token=False, global_pool="avg", reg_tokens=2)
    one = trace(ViT.from_module(module), torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0)))
    layers = [one.attention(layer) for layer in range(2)]
    wanted = by_definition(layers, "mean", 0.9, 0.5, ())
    np.testing.assert_allclose(rollout(one, discard_ratio=0.9).numpy(), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"head_fusion": "median"}, "head_fusion 'median' is unknown; wanted one of 'mean', 'max', 'min'"),
        ({"head_fusion": "maxi"}, "Did you mean 'max'"),
        ({"discard_ratio": 1.0}, r"discard_ratio is 1\.0; wanted 0 ≤ discard_ratio < 1"),
        ({"discard_ratio": -0.1}, "discard_ratio is -0.1"),
        ({"discard_ratio": float("nan")}, "discard_ratio must be a number; got nan"),
        ({"residual": 1.5}, r"residual is 1\.5; wanted 0 ≤ residual ≤ 1"),
        ({"start_layer": 4}, "start_layer 4 does not exist; there are 4. Give one from 0 to 3"),
        ({"end_layer": 99}, "end_layer 99 does not exist"),
        ({"start_layer": 2, "end_layer": 1}, "end_layer 1 comes before start_layer 2"),
    ],
)
def test_options_outside_their_range_are_refused(traced: Trace, options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        rollout(traced, **options)  # type: ignore[arg-type]


def test_no_layers_are_no_rollout() -> None:
    with pytest.raises(OptionError, match="at least one layer"):
        rollout_of([])


def test_the_rollout_of_a_module_does_not_depend_on_what_was_asked_before(tiny_vit: nn.Module) -> None:
    one = trace(ViT.from_module(tiny_vit), torch.ones(3, 32, 32))
    first = rollout(one)
    rollout(one, head_fusion="max", residual=0.0)
    assert torch.equal(rollout(one), first)


@pytest.mark.parametrize("options", [{}, {"head_fusion": "max", "discard_ratio": 0.3}, {"residual": 0.0}])
def test_the_rollouts_up_to_every_layer_are_those_of_each_alone(options: dict[str, Any]) -> None:
    layers = softmaxed()
    matrices = list(rollouts_of(layers, **options))
    assert len(matrices) == len(layers)
    for end, matrix in enumerate(matrices, 1):
        torch.testing.assert_close(matrix, rollout_of(layers[:end], **options), rtol=0, atol=0)
