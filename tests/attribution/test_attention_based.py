"""Maps from attention: against whole matrices, autograd through unfused code, and an implementation with hooks."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

import vitviz
from tests.families import SoftmaxMode, unfused
from vitviz.attribution import attribute
from vitviz.attribution.attention_based import output_projection
from vitviz.attribution.readout import readout
from vitviz.errors import UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace.default import VANISHES


def shown(name: str, vit: ViT, pixels: Tensor, **knobs: object) -> Tensor:
    return torch.from_numpy(attribute(name, vit, pixels, **knobs).values)  # type: ignore[arg-type]


def eager_gradients(vit: ViT, pixels: Tensor, target: int) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Return attention, its gradients, each (heads, query, key), and the logits, from unfused code and autograd."""
    maps: list[Tensor] = []

    def keep(attention: Tensor) -> Tensor:
        attention.retain_grad()
        maps.append(attention)
        return attention

    module = unfused(vit.module)
    with SoftmaxMode(keep):
        logits = module(pixels[None].requires_grad_())
    logits[0, target].backward()
    slopes = [attention.grad[0] for attention in maps if attention.grad is not None]
    return [attention.detach()[0] for attention in maps], slopes, logits.detach()[0]


def test_class_attention_is_the_mean_row_of_the_class_token(vit: ViT, pixels: Tensor) -> None:
    attention = vitviz.trace(vit, pixels).attention(0)  # (heads, query, key)
    expected = attention.mean(0)[0, 1:].reshape(3, 5)
    torch.testing.assert_close(shown("class_attention", vit, pixels, layer=0), expected)
    assert attribute("class_attention", vit, pixels).knobs == {"layer": 1}


@pytest.mark.parametrize("name", ["averaging", "pooling"])
def test_class_attention_says_why_it_cannot(name: str, pixels: Tensor, request: pytest.FixtureRequest) -> None:
    with pytest.raises(UnsupportedModelError, match=f"cannot explain this model: {name} has no class token"):
        attribute("class_attention", request.getfixturevalue(name), pixels)


def test_rollout_is_the_class_row_or_the_mean_over_patches(vit: ViT, averaging: ViT, pixels: Tensor) -> None:
    whole = vitviz.rollout(vitviz.trace(vit, pixels), head_fusion="max", discard_ratio=0.5)
    values = shown("rollout", vit, pixels, head_fusion="max", discard_ratio=0.5)
    torch.testing.assert_close(values, whole[0, 1:].reshape(3, 5))
    whole = vitviz.rollout(vitviz.trace(averaging, pixels))
    torch.testing.assert_close(shown("rollout", averaging, pixels), whole.mean(0).reshape(3, 5))


@pytest.mark.parametrize("name", ["vit", "averaging"])
def test_gradient_rollout_is_that_of_autograd_through_unfused_code(
    name: str, pixels: Tensor, request: pytest.FixtureRequest
) -> None:
    vit = request.getfixturevalue(name)
    maps, slopes, _ = eager_gradients(vit, pixels.clone(), target=4)
    relevance = torch.eye(vit.grid.tokens)
    for attention, slope in zip(maps, slopes, strict=True):
        relevance = relevance + (attention * slope).clamp(min=0).mean(0) @ relevance
    relevance = relevance - torch.eye(vit.grid.tokens)
    row = relevance[0] if name == "vit" else relevance.mean(0)
    expected = vit.grid.to_map(row)
    assert expected.max() > 1e-3
    values = shown("gradient_rollout", vit, pixels, target=4)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-5)


def test_gradient_rollout_depends_on_the_target(vit: ViT, pixels: Tensor) -> None:
    first, second = (shown("gradient_rollout", vit, pixels, target=target) for target in (1, 2))
    assert (first - second).abs().max() > 1e-3


def test_legrad_is_that_of_autograd_through_unfused_code(vit: ViT, pixels: Tensor) -> None:
    """The model cut after each block answers with that block's score."""
    total = torch.zeros(vit.grid.tokens)
    for layer in range(vit.layers):
        short = copy.deepcopy(vit.module)
        short.blocks = short.blocks[: layer + 1]  # type: ignore[index]
        cut = ViT.from_module(short)
        _, slopes, _ = eager_gradients(cut, pixels.clone(), target=3)
        total += slopes[layer].clamp(min=0).mean((0, 1))
    values = shown("legrad", vit, pixels, target=3)
    assert values.max() > 1e-3
    torch.testing.assert_close(values, total[1:].reshape(3, 5), rtol=1e-4, atol=1e-5)


def test_value_weighted_attention_sums_to_the_output_of_the_layer(vit: ViT, pixels: Tensor) -> None:
    """The vectors whose lengths are shown add up to what the attention layer writes, but for its bias."""
    trace = vitviz.trace(vit, pixels)
    attention, values = trace.attention(1)[:, 0], trace.values(1)  # (heads, key), (heads, key, dim)
    projection = vit.module.blocks[1].attn.proj  # type: ignore[index,union-attr]
    size = values.shape[-1]
    parts = sum(
        attention[head][:, None] * (values[head] @ projection.weight[:, head * size : (head + 1) * size].T)
        for head in range(2)
    )  # fmt: skip
    expected = parts.norm(dim=-1)[1:].reshape(3, 5)  # type: ignore[union-attr]
    torch.testing.assert_close(shown("value_weighted_attention", vit, pixels), expected.detach())

    wrote: list[Tensor] = []
    module = copy.deepcopy(vit.module)
    module.blocks[1].attn.register_forward_hook(lambda *given: wrote.append(given[2]))  # type: ignore[index,union-attr]
    module(pixels[None])
    torch.testing.assert_close(parts.sum(0) + projection.bias, wrote[0][0, 0], atol=1e-4, rtol=1e-4)  # type: ignore[union-attr]


def test_value_weighted_attention_says_what_was_used(vit: ViT, build_vit: object, pixels: Tensor) -> None:
    (note,) = attribute("value_weighted_attention", vit, pixels).notes
    assert "after the output projection" in note
    scaled = ViT.from_module(build_vit(img_size=(24, 40), scale_attn_norm=True))  # type: ignore[operator]
    assert output_projection(vit, 0) is not None
    assert output_projection(scaled, 0) is None
    attribution = attribute("value_weighted_attention", scaled, pixels)
    assert "the length of the values is used" in attribution.notes[0]
    trace = vitviz.trace(scaled, pixels)
    expected = (trace.attention(1)[:, 0] * trace.values(1).norm(dim=-1)).mean(0)
    torch.testing.assert_close(torch.from_numpy(attribution.values), expected[1:].reshape(3, 5))


def test_grad_cam_is_that_of_an_implementation_with_hooks(vit: ViT, pixels: Tensor) -> None:
    module, kept = copy.deepcopy(vit.module), list[Tensor]()

    def keep(block: object, given: object, output: Tensor) -> None:
        output.retain_grad()
        kept.append(output)

    module.blocks[0].register_forward_hook(keep)  # type: ignore[index,union-attr]
    module(pixels[None])[0, 2].backward()
    slope = kept[0].grad
    assert slope is not None
    activation = kept[0].detach()[0, 1:].T.reshape(32, 3, 5)  # (channel, row, column)
    weights = slope[0, 1:].T.reshape(32, 3, 5).mean((1, 2))
    expected = (weights[:, None, None] * activation).sum(0).relu()
    assert expected.max() > 1e-4
    values = shown("token_grad_cam", vit, pixels, target=2, layer=1)
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_the_answer_is_read_where_the_model_reads_it(
    vit: ViT, register: ViT, averaging: ViT, pooling: ViT, pixels: Tensor
) -> None:
    square = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert readout(vit, vitviz.trace(vit, pixels))[0] == 1
    assert readout(register, vitviz.trace(register, square))[0] == 1
    weights = readout(averaging, vitviz.trace(averaging, pixels))
    torch.testing.assert_close(weights, torch.full((15,), 1 / 15))
    trace = vitviz.trace(pooling, pixels)
    torch.testing.assert_close(readout(pooling, trace), trace.pool_attention().mean(0)[0])  # one learned query


def test_an_empty_map_is_told(vit: ViT, pixels: Tensor) -> None:
    """An answer that does not depend on the picture has no gradient, and that is told too."""
    dead = copy.deepcopy(vit.module)
    with torch.no_grad():
        dead.head.weight.zero_()  # type: ignore[union-attr,operator]
    attribution = attribute("token_grad_cam", ViT.from_module(dead), pixels, target=1)
    assert not attribution.values.any()
    assert attribution.notes == (VANISHES, "the map is empty: every value is 0")
    assert attribute("token_grad_cam", vit, pixels, target=2, layer=1).notes == ()
