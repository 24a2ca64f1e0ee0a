"""The tap on the attention operation itself, without any model."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from vitviz.capture import tap
from vitviz.capture.edit import Edit
from vitviz.capture.tap import AttentionTap, watch_blocks
from vitviz.errors import CaptureError, UnsupportedModelError

IDENTITY = torch.eye(4).expand(1, 2, 4, 4)


def draw(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 2, 4, 8, generator=generator), torch.randn(1, 2, 4, 8, generator=generator)


class Block(nn.Module):
    """Attends once; its answer, with the identity as values, is the attention map."""

    def forward(self, queries: Tensor, keys: Tensor, mask: Tensor | None = None) -> Tensor:
        return functional.scaled_dot_product_attention(queries, keys, IDENTITY, attn_mask=mask)


def in_block(edit: Edit, queries: Tensor, keys: Tensor, mask: Tensor | None = None) -> tuple[Tensor, AttentionTap]:
    block = Block()
    watch_blocks([block])
    with AttentionTap(edit) as watching:
        return block(queries, keys, mask)[0], watching


def test_it_records_what_the_operation_was_given() -> None:
    queries, keys = draw()
    with AttentionTap(keep_outputs=True) as watching:
        output = functional.scaled_dot_product_attention(queries, keys, value=IDENTITY)
    (call,) = watching.calls
    assert call.queries is queries
    assert call.keys is keys
    assert call.values is IDENTITY
    assert call.output is output
    assert (call.layer, call.bias) == (None, None)
    assert call.scale == pytest.approx(8**-0.5)
    assert torch.equal(output, functional.scaled_dot_product_attention(queries, keys, IDENTITY))


def test_it_records_a_scale_and_a_bias() -> None:
    queries, keys = draw()
    bias = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(3))
    with AttentionTap() as watching:
        functional.scaled_dot_product_attention(queries, keys, IDENTITY, attn_mask=bias, scale=0.3)
    assert watching.calls[0].bias is bias
    assert watching.calls[0].scale == 0.3
    assert watching.calls[0].output is None


def test_without_recording_it_keeps_nothing() -> None:
    block = Block()
    watch_blocks([block])
    with AttentionTap(record=False) as watching:
        block(*draw())
    assert watching.calls == []
    assert watching.streams == {}


def test_it_is_silent_outside_its_context_and_in_other_threads() -> None:
    queries, keys = draw()
    with AttentionTap() as watching:
        thread = threading.Thread(target=lambda: functional.scaled_dot_product_attention(queries, keys, IDENTITY))
        thread.start()
        thread.join()
    functional.scaled_dot_product_attention(queries, keys, IDENTITY)
    assert watching.calls == []
    assert tap._active.stack == []


def test_it_leaves_the_stack_when_something_fails() -> None:
    with pytest.raises(ZeroDivisionError), AttentionTap(), AttentionTap():
        raise ZeroDivisionError
    assert tap._active.stack == []


def test_of_nested_taps_only_the_innermost_sees_a_call() -> None:
    queries, keys = draw()
    with AttentionTap() as outer:
        with AttentionTap() as inner:
            functional.scaled_dot_product_attention(queries, keys, IDENTITY)
        functional.scaled_dot_product_attention(keys, queries, IDENTITY)
    assert [call.queries is queries for call in inner.calls] == [True]
    assert [call.queries is keys for call in outer.calls] == [True]


def test_blocks_report_their_number_and_the_stream_around_them() -> None:
    blocks = [nn.Linear(3, 3), nn.Linear(3, 3)]
    assert watch_blocks(blocks) == 2
    start = torch.ones(1, 5, 3)
    with AttentionTap() as watching, torch.no_grad():
        middle = blocks[0](start)
        end = blocks[1](input=middle)  # by keyword
    assert sorted(watching.streams) == [-1, 0, 1]
    assert watching.streams[-1] is start
    assert watching.streams[0] is middle
    assert watching.streams[1] is end
    assert watching.layer is None


def test_a_block_that_returns_no_tensor_is_an_error() -> None:
    class Named(nn.Module):
        def forward(self, tokens: Tensor) -> dict[str, Tensor]:
            return {"tokens": tokens}

    block = Named()
    watch_blocks([block])
    block(torch.zeros(1))  # nobody watches: nothing is said
    with pytest.raises(CaptureError, match="Block 0 returned a dict; wanted one tensor"), AttentionTap():
        block(torch.zeros(1))


@pytest.mark.parametrize("options", [{"dropout_p": 0.1}, {"is_causal": True, "attn_mask": torch.zeros(4, 4)}])
def test_what_is_not_plain_self_attention_is_refused(options: dict[str, Any]) -> None:
    queries, keys = draw()
    with pytest.raises(UnsupportedModelError, match="dropout, or with a causal mask beside another"), AttentionTap():
        functional.scaled_dot_product_attention(queries, keys, IDENTITY, **options)


def test_attention_over_folded_tensors_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"tensors of shape \(2, 4, 8\)"), AttentionTap():
        functional.scaled_dot_product_attention(*(each[0] for each in draw()), IDENTITY[0])


@pytest.mark.parametrize("masked", [None, "bias", "boolean"])
def test_temperature_divides_scores_and_bias_but_not_a_mask(masked: str | None) -> None:
    queries, keys = draw()
    scores = queries[0] @ keys[0].mT / 8**0.5
    mask = None
    if masked == "bias":
        mask = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(1))
        scores = scores + mask[0]
    scores = scores / 2.5
    if masked == "boolean":
        mask = torch.tensor([True, False, True, True])[None, None, None]
        scores = scores.masked_fill(~mask[0], float("-inf"))
    found, _ = in_block(Edit(temperature={0: 2.5}), queries, keys, mask)
    torch.testing.assert_close(found, scores.softmax(-1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("masked", [None, "bias", "boolean"])
def test_masked_tokens_are_removed_and_the_rest_shares_their_part(masked: str | None) -> None:
    queries, keys = draw()
    mask = {
        None: None,
        "bias": torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(1)),
        "boolean": torch.tensor([[False, True, True, True]])[None, None],
    }[masked]
    left, _ = in_block(Edit(), queries, keys, mask)
    left = left * torch.tensor([1.0, 1.0, 0.0, 1.0])
    found, watching = in_block(Edit(mask_tokens=[2]), queries, keys, mask)
    torch.testing.assert_close(found, left / left.sum(-1, keepdim=True), rtol=0, atol=1e-6)
    assert torch.count_nonzero(found[:, :, 2]) == 0
    assert watching.calls[0].bias is not None


def test_an_ablated_head_is_zero_and_its_neighbours_are_untouched() -> None:
    queries, keys = draw()
    plain, _ = in_block(Edit(), queries, keys)
    found, watching = in_block(Edit(ablate_heads=[(0, 1)]), queries, keys)
    assert torch.equal(found[0], plain[0])
    assert torch.count_nonzero(found[1]) == 0
    assert torch.equal(watching.calls[0].queries, queries)  # what the head would have seen is still recorded


def test_heads_of_parallel_branches_are_numbered_on() -> None:
    class Twice(nn.Module):
        def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
            return torch.cat([Block()(queries, keys), Block()(keys, queries)], 1)

    block = Twice()
    watch_blocks([block])
    queries, keys = draw()
    with AttentionTap(Edit(ablate_heads=[(0, 2)])) as watching:
        for _ in range(2):  # the count starts again in every block
            found = block(queries, keys)[0]
            assert [bool(torch.count_nonzero(head)) for head in found] == [True, True, False, True]
    assert len(watching.calls) == 4


def test_edits_are_for_their_layer_only_and_masks_not_for_the_pooling() -> None:
    queries, keys = draw()
    edit = Edit(temperature={1: 2.0}, ablate_heads=[(1, 0)], mask_tokens=[1])
    with AttentionTap(edit):
        outside = functional.scaled_dot_product_attention(queries, keys, IDENTITY)
    assert torch.equal(outside, functional.scaled_dot_product_attention(queries, keys, IDENTITY))
    first, _ = in_block(Edit(temperature={1: 2.0}, ablate_heads=[(1, 0)]), queries, keys)
    assert torch.equal(first, outside[0])
