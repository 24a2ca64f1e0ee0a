"""For every family: what a trace says is what the model's own unfused code computes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from tests.families import ALL, HUGGING_FACE, Size, SoftmaxMode, eager, member, noise, unfused
from vitviz.capture.edit import Edit
from vitviz.models.vit import ViT
from vitviz.trace import Trace, predict, trace

EACH = pytest.mark.parametrize("family", ALL)
BOTH = pytest.mark.parametrize("shape", [0, 1], ids=["square", "wide"])
SIGLIP = "SigLIP"


def _close(family: str) -> float:
    """Return how close doubles can be: the eager code of transformers takes its softmax in single precision."""
    return 1e-6 if family in HUGGING_FACE else 1e-9


@cache
def wrapped(family: str, size: Size) -> ViT:
    return ViT.from_module(member(family, size), image_size=size)


@cache
def precise(family: str, size: Size) -> ViT:
    return ViT.from_module(copy.deepcopy(member(family, size)).double(), image_size=size)


@cache
def traced(family: str, size: Size) -> Trace:
    return trace(wrapped(family, size), noise(size), target=3)


def by_layer(maps: list[Tensor], traced: Trace) -> list[Tensor]:
    """Join the maps of parallel branches: one (heads, query, key) a layer, attention pooling last."""
    rest = iter(maps)
    return [torch.cat([next(rest) for _ in calls]) for calls in traced.calls] + list(rest)


def answer_with(vit: ViT, pixels: Tensor, change: Callable[[int, Tensor], Tensor]) -> Tensor:
    """Return the logits of the unfused module when each attention map in turn is replaced: (number, map) → map."""
    count = iter(range(1000))
    with torch.no_grad(), SoftmaxMode(lambda attention: change(next(count), attention)):
        answer: Tensor = unfused(vit.module)(pixels[None])[0]
    return answer


@EACH
@BOTH
def test_attention_is_that_of_the_unfused_module(family: str, shape: int) -> None:
    size = ALL[family].sizes[shape]
    result = traced(family, size)
    maps, answer = eager(member(family, size), noise(size))
    wanted = by_layer(maps, result)
    assert len(wanted) == result.layers + (family == SIGLIP)
    assert max(float(each.max()) for each in wanted) > 0.3  # far from uniform, where a mistake would show
    for layer in range(result.layers):
        torch.testing.assert_close(result.attention(layer), wanted[layer], rtol=0, atol=1e-5)
    torch.testing.assert_close(result.logits, answer, rtol=1e-5, atol=1e-5)


@EACH
@BOTH
def test_the_geometry_is_the_family_s(family: str, shape: int) -> None:
    kind = ALL[family]
    size = kind.sizes[shape]
    vit = wrapped(family, size)
    assert vit.grid.prefix == kind.prefix
    assert (vit.grid.rows, vit.grid.columns) == (size[0] // kind.patch, size[1] // kind.patch)
    assert vit.grid.patch_size == (kind.patch, kind.patch)
    assert vit.heads == (kind.heads, kind.heads)
    assert vit.image_size == size


def test_the_map_of_the_attention_pooling_is_read_too() -> None:
    size = ALL[SIGLIP].sizes[1]
    maps, _ = eager(member(SIGLIP, size), noise(size))
    attention = traced(SIGLIP, size).pool_attention()
    assert attention.shape == maps[-1].shape == (attention.shape[0], 1, 15)
    torch.testing.assert_close(attention, maps[-1], rtol=0, atol=1e-5)


@EACH
def test_scores_rows_and_columns_are_parts_of_the_same_attention(family: str) -> None:
    result = traced(family, ALL[family].sizes[1])
    for layer in range(result.layers):
        attention = result.attention(layer)
        torch.testing.assert_close(result.attention_scores(layer).softmax(-1), attention, rtol=0, atol=0)
        torch.testing.assert_close(attention.sum(-1), torch.ones(attention.shape[:2]), rtol=0, atol=1e-5)
        for token in (0, result.grid.tokens - 1):
            torch.testing.assert_close(result.attention_row(layer, token), attention[:, token], rtol=0, atol=1e-6)
            assert torch.equal(result.attention_column(layer, token), attention[:, :, token])


@EACH
@BOTH
def test_the_gradient_of_attention_is_what_autograd_finds_through_the_unfused_module(family: str, shape: int) -> None:
    size = ALL[family].sizes[shape]
    vit, pixels = precise(family, size), noise(size).double()
    traced = trace(vit, pixels, target=3)
    maps: list[Tensor] = []
    module = unfused(vit.module).requires_grad_(True)
    with SoftmaxMode(lambda attention: maps.append(attention) or attention):  # type: ignore[func-returns-value]
        answer = module(pixels[None])[0, 3]
    slopes = torch.autograd.grad(answer, maps)
    wanted = by_layer([slope[0] for slope in slopes], traced)
    for layer in range(traced.layers):
        assert wanted[layer].abs().max() > 1e-4
        error = (traced.attention_gradient(layer) - wanted[layer]).abs().max() / wanted[layer].abs().max()
        assert error <= 1e-6


@EACH
def test_the_residual_stream_is_what_hooks_on_a_copy_see(family: str) -> None:
    size = ALL[family].sizes[1]
    module = copy.deepcopy(member(family, size))
    seen: list[Tensor] = []
    blocks = list(module.blocks.children())  # type: ignore[union-attr]
    blocks[0].register_forward_pre_hook(lambda _, args: seen.append(args[0][0].clone()))
    for block in blocks:
        block.register_forward_hook(lambda _, args, output: seen.append(output[0].clone()))
    with torch.no_grad():
        module(noise(size)[None])
    result = traced(family, size)
    assert len(seen) == result.layers + 1
    for layer, stream in enumerate(seen, start=-1):
        torch.testing.assert_close(result.residual(layer), stream, rtol=1e-5, atol=1e-5)


@EACH
def test_the_embedding_is_what_the_classifier_reads(family: str) -> None:
    size = ALL[family].sizes[1]
    module, result = member(family, size), traced(family, size)
    with torch.no_grad():
        wanted = module.forward_head(module.forward_features(noise(size)[None]), pre_logits=True)[0]  # type: ignore[operator]
    torch.testing.assert_close(result.embedding, wanted, rtol=1e-5, atol=1e-5)


@EACH
def test_a_batch_is_its_pictures_one_by_one(family: str) -> None:
    size = ALL[family].sizes[1]
    vit, batch = wrapped(family, size), noise(size, 5, count=3)
    together = predict(vit, batch)
    assert together.shape == (3, 7)
    for picture, answer in zip(batch, together, strict=True):
        torch.testing.assert_close(predict(vit, picture[None])[0], answer, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(trace(vit, picture).logits, answer, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(together, member(family, size)(batch), rtol=1e-5, atol=1e-5)


@EACH
def test_a_temperature_of_one_is_the_plain_model_bit_for_bit(family: str) -> None:
    size = ALL[family].sizes[1]
    result = trace(wrapped(family, size), noise(size), target=3, edit=Edit(temperature={0: 1.0, 1: 1}))
    plain = traced(family, size)
    assert result.logits is not None
    assert plain.logits is not None
    assert torch.equal(result.logits, plain.logits)
    assert all(torch.equal(result.attention(layer), plain.attention(layer)) for layer in range(result.layers))


@EACH
@pytest.mark.parametrize("factor", [0.5, 3.0])
def test_a_temperature_divides_the_scores_bias_and_all(family: str, factor: float) -> None:
    size = ALL[family].sizes[1]
    vit, pixels = precise(family, size), noise(size).double()
    calls = len(traced(family, size).calls[0])

    def change(number: int, attention: Tensor) -> Tensor:
        return (attention.log() / factor).softmax(-1) if number // calls == 1 else attention

    result = trace(vit, pixels, edit=Edit(temperature={1: factor}))
    wanted = answer_with(vit, pixels, change)
    torch.testing.assert_close(result.logits, wanted, rtol=_close(family), atol=_close(family))
    assert (wanted - trace(vit, pixels).logits).abs().max() > 1e-3
    torch.testing.assert_close(
        result.logits, predict(vit, pixels[None], edit=result.edit)[0], rtol=_close(family), atol=_close(family)
    )


@EACH
def test_an_ablated_head_puts_out_zeros(family: str) -> None:
    size = ALL[family].sizes[1]
    vit, pixels = precise(family, size), noise(size).double()
    last = vit.heads[0] - 1

    def change(number: int, attention: Tensor) -> Tensor:
        per_layer = vit.heads[0] // attention.shape[1]
        if number // per_layer != 0 or number % per_layer != last // attention.shape[1]:
            return attention
        return attention * torch.arange(attention.shape[1]).ne(last % attention.shape[1])[None, :, None, None]

    traced = trace(vit, pixels, edit=Edit(ablate_heads=[(0, last)]))
    torch.testing.assert_close(
        traced.logits, answer_with(vit, pixels, change), rtol=_close(family), atol=_close(family)
    )
    assert (traced.logits - trace(vit, pixels).logits).abs().max() > 1e-3  # type: ignore[operator]


@EACH
def test_nobody_attends_to_a_masked_token(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = wrapped(family, size)
    prefix = len(vit.grid.prefix)
    masked, plain = [prefix, prefix + 3], traced(family, size)
    result = trace(vit, noise(size), edit=Edit(mask_tokens=masked))
    for layer in range(result.layers):
        attention = result.attention(layer)
        assert torch.count_nonzero(attention[:, :, masked]) == 0
        assert torch.count_nonzero(result.attention_row(layer, 0)[:, masked]) == 0
        torch.testing.assert_close(attention.sum(-1), torch.ones(attention.shape[:2]), rtol=0, atol=1e-5)
    left = plain.attention(0).clone()
    left[:, :, masked] = 0
    torch.testing.assert_close(result.attention(0), left / left.sum(-1, keepdim=True), rtol=1e-4, atol=1e-6)


# Without the hybrids: their convolutions look around before there are tokens.
@pytest.mark.parametrize("family", [name for name in ALL if "hybrid" not in name])
def test_what_is_in_a_masked_patch_does_not_matter(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = wrapped(family, size)
    patches = [1, 5]
    edit = Edit(mask_tokens=[len(vit.grid.prefix) + patch for patch in patches])
    pixels = noise(size)
    other = pixels.clone()
    for patch in patches:
        left, top, right, bottom = vit.grid.box(patch)
        other[:, top:bottom, left:right] = 9.0
    one, two = trace(vit, pixels, edit=edit), trace(vit, other, edit=edit)
    torch.testing.assert_close(one.logits, two.logits, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(one.embedding, two.embedding, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(predict(vit, pixels[None], edit=edit), predict(vit, other[None], edit=edit))
    unmasked = trace(vit, other).logits
    assert (unmasked - traced(family, size).logits).abs().max() > 1e-3  # type: ignore[operator]
    kept = [token for token in range(vit.grid.tokens) if token not in edit.mask_tokens]
    torch.testing.assert_close(one.attention(1)[:, kept], two.attention(1)[:, kept], rtol=1e-4, atol=1e-5)


def test_average_pooling_is_over_the_patches_that_are_left() -> None:
    size = ALL["average pooling"].sizes[1]
    vit, pixels = precise("average pooling", size), noise(size).double()
    keep = torch.ones(15, dtype=torch.bool)
    keep[[2, 7]] = False
    module = unfused(vit.module)

    def change(attention: Tensor) -> Tensor:
        return attention * keep / (attention * keep).sum(-1, keepdim=True)

    with torch.no_grad(), SoftmaxMode(change):
        features = module.forward_features(pixels[None])[:, keep]  # type: ignore[operator]
        wanted = module.head(module.fc_norm(features.mean(1)))[0]  # type: ignore[operator]
    traced = trace(vit, pixels, edit=Edit(mask_tokens=[2, 7]))
    torch.testing.assert_close(traced.logits, wanted, rtol=1e-9, atol=1e-9)


@EACH
def test_wrapping_and_tracing_leave_the_module_as_it_was(family: str) -> None:
    size = ALL[family].sizes[1]
    module: nn.Module = copy.deepcopy(member(family, size)).train()
    for part in module.modules():
        if hasattr(part, "fused_attn"):
            part.fused_attn = False
    flags = [(part.training, getattr(part, "fused_attn", None)) for part in module.modules()]
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    result = trace(ViT.from_module(module, image_size=size), noise(size), target=3)
    assert [(part.training, getattr(part, "fused_attn", None)) for part in module.modules()] == flags
    assert all(torch.equal(module.state_dict()[name], value) for name, value in weights.items())
    assert all(parameter.grad is None for parameter in module.parameters())
    torch.testing.assert_close(result.logits, traced(family, size).logits, rtol=0, atol=0)
    torch.testing.assert_close(result.attention(1), traced(family, size).attention(1), rtol=0, atol=0)
