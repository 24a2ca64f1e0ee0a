"""What a trace holds: sizes by hand, rows and names, answers, and errors in words."""

from __future__ import annotations

import copy
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.capture.tap import AttentionCall
from vitviz.errors import CaptureError, OptionError
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace


def pixels(size: tuple[int, int] = (32, 32)) -> Tensor:
    return torch.randn(3, *size, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def traced(register_vit: nn.Module) -> Trace:
    return trace(ViT.from_module(register_vit), pixels(), target=4)


def test_its_parts_have_their_shapes(traced: Trace) -> None:
    assert (traced.layers, traced.heads(0), traced.grid.tokens) == (2, 2, 21)
    assert traced.queries(0).shape == traced.keys(1).shape == traced.values(0).shape == (2, 21, 16)
    assert traced.attention(0).shape == traced.attention_gradient(1).shape == (2, 21, 21)
    assert traced.attention_row(1, "class").shape == traced.attention_column(1, "register 2").shape == (2, 21)
    assert traced.residual(-1).shape == traced.residual(1).shape == (21, 32)
    assert traced.embedding.shape == (32,)
    assert traced.scale(0) == 0.25
    assert not traced.has_bias(0)
    assert [each.shape for each in traced.attentions()] == [(2, 21, 21)] * 2


def test_tokens_go_by_index_or_name(traced: Trace) -> None:
    assert torch.equal(traced.attention_row(0, "register 3"), traced.attention_row(0, 3))
    assert torch.equal(traced.attention_row(0, np.int64(7)), traced.attention_row(0, 7))
    assert torch.equal(traced.attention_row(0, "0"), traced.attention_row(0, 5))  # a patch by its number
    with pytest.raises(OptionError, match="Token 21 does not exist; there are 21"):
        traced.attention_row(0, 21)
    with pytest.raises(OptionError, match=r"no token 'distillation'.*'class', 'register 1'"):
        traced.attention_row(0, "distillation")


@pytest.mark.parametrize("layer", [-1, 2, 99])
def test_layers_outside_the_model_are_refused(traced: Trace, layer: int) -> None:
    for method in (traced.attention, traced.attention_scores, traced.attention_gradient, traced.queries, traced.heads):
        with pytest.raises(OptionError, match=rf"Layer {layer} does not exist; there are 2\. Give one from 0 to 1"):
            method(layer)
    if layer != -1:
        with pytest.raises(OptionError, match=f"Layer {layer} does not exist"):
            traced.residual(layer)


def test_its_memory_is_what_its_numbers_take(tiny_vit: nn.Module) -> None:
    """Queries, keys and values of 17 tokens in 2 layers, 3 residual streams, the input, the embedding, the answer."""
    vit = ViT.from_module(tiny_vit)
    plain = 4 * (2 * 3 * 17 * 32 + 3 * 17 * 32 + 3 * 32 * 32 + 32 + 10)
    assert trace(vit, pixels()).nbytes == plain
    slopes = 4 * (2 * 17 * 32 + 3 * 17 * 32 + 3 * 32 * 32)  # of each attention's output, each stream and the input
    assert trace(vit, pixels(), target=0).nbytes == plain + slopes
    scored = trace(vit, pixels(), target=0, gradients=False, layer_scores=True)
    assert scored.nbytes == plain + 2 * (4 * 32 + 8)  # of the class token alone, and its index


def test_its_memory_does_not_hide_in_larger_tensors(build_vit) -> None:  # type: ignore[no-untyped-def]
    """With a norm on queries and keys, the packed tensor of before the norm must not be kept alive."""
    traced = trace(ViT.from_module(build_vit(qk_norm=True)), pixels())
    assert traced.nbytes == 4 * (2 * 3 * 17 * 32 + 3 * 17 * 32 + 3 * 32 * 32 + 32 + 10)


def test_it_keeps_the_graph_of_no_pass_alive(tiny_vit: nn.Module) -> None:
    traced = trace(ViT.from_module(copy.deepcopy(tiny_vit).requires_grad_(True)), pixels(), target=0)
    tensors = [traced.embedding, traced.logits, *traced.streams, traced.queries(0), traced.attention_gradient(0)]
    assert all(each is not None and each.grad_fn is None and not each.requires_grad for each in tensors)
    assert all(call.output is None for layer in traced.calls for call in layer)


def test_only_one_map_is_alive_while_they_are_read_one_by_one(traced: Trace) -> None:
    last: weakref.ref[Tensor] | None = None
    for each in traced.attentions():
        assert last is None or last() is None
        last = weakref.ref(each)
        del each


def test_the_most_probable_classes_come_first(traced: Trace) -> None:
    assert traced.logits is not None
    shares = traced.logits.softmax(-1)
    top = traced.top(3)
    assert [index for index, _ in top] == shares.argsort(descending=True)[:3].tolist()
    assert [share for _, share in top] == pytest.approx(shares.sort(descending=True).values[:3].tolist())
    assert len(traced.top(50)) == 10


def test_a_model_without_a_classifier_answers_with_an_embedding(build_vit) -> None:  # type: ignore[no-untyped-def]
    traced = trace(ViT.from_module(build_vit(num_classes=0)), pixels())
    assert traced.logits is None
    assert traced.top() == []
    assert traced.embedding.shape == (32,)


def test_gradients_need_a_target_and_a_pooling_map_a_pooling(tiny_vit: nn.Module) -> None:
    traced = trace(ViT.from_module(tiny_vit), pixels())
    with pytest.raises(OptionError, match="made without a target"):
        traced.attention_gradient(0)
    with pytest.raises(OptionError, match="VisionTransformer has no attention pooling"):
        traced.pool_attention()


def test_maps_that_are_not_numbers_are_an_error(traced: Trace) -> None:
    call = traced.calls[1][0]
    keys = call.keys.clone()
    keys[0, 1, 4, 0] = float("nan")
    broken = replace(traced, calls=(traced.calls[0], (replace(call, keys=keys),)))
    assert torch.isfinite(broken.attention(0)).all()
    with pytest.raises(CaptureError, match="The attention of layer 1 holds NaN"):
        broken.attention(1)
    with pytest.raises(CaptureError, match="The attention of layer 1 holds NaN"):
        broken.attention_row(1, 0)


BIASES = {
    "query, key": (3, 4),
    "heads, query, key": (2, 3, 4),
    "batch of one": (1, 2, 3, 4),
    "heads alike": (1, 1, 3, 4),
}


@pytest.mark.parametrize("shape", BIASES.values(), ids=BIASES)
@pytest.mark.parametrize("boolean", [False, True])
def test_a_bias_of_any_rank_is_added_as_the_kernel_adds_it(
    traced: Trace, shape: tuple[int, ...], boolean: bool
) -> None:
    generator = torch.Generator().manual_seed(1)
    queries, keys = (torch.randn(1, 2, count, 5, generator=generator) for count in (3, 4))
    bias = torch.randn(shape, generator=generator)
    bias = bias > -0.5 if boolean else bias
    eye = torch.eye(4).expand(1, 2, 4, 4)  # with these as values the kernel puts out the map itself
    wanted = torch.nn.functional.scaled_dot_product_attention(queries, keys, eye, attn_mask=bias, scale=0.7)[0]
    call = AttentionCall(0, queries, keys, eye, bias, 0.7, None)
    one = replace(traced, calls=((call,),))
    torch.testing.assert_close(one.attention(0), wanted, rtol=0, atol=1e-6)
    torch.testing.assert_close(one.attention_row(0, 2), wanted[:, 2], rtol=0, atol=1e-6)
    assert one.has_bias(0)
