"""Attention written out by hand: maps, edits and gradients as the same code gives them when it is changed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.modules import research
from benchmarks.modules.kinds import drawn
from benchmarks.modules.research import Attend, Dino
from vitviz.capture.edit import Edit
from vitviz.capture.tap import AttentionTap
from vitviz.errors import UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace import predict, trace

PIXELS = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(3))
WAYS = [
    research.with_method,
    research.with_functional,
    research.with_torch,
    research.with_einsum,
    research.with_bias,
]
ways = pytest.mark.parametrize("attend", WAYS, ids=lambda way: way.__name__)


def dino(attend: Attend) -> Dino:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: Dino = drawn(Dino(attend))
    return module


def by_hand(
    module: Dino, *, temperature: float = 1.0, off: int | None = None, gone: int | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Return logits and maps of the model, computed anew: in the last block the scores are divided, a head is off."""
    maps: list[Tensor] = []
    x = module.prepare_tokens(PIXELS[None])
    for layer, block in enumerate(module.blocks):
        part = block.attn
        q, k, v = part.qkv(block.norm1(x)).reshape(1, 17, 3, 2, 16).permute(2, 0, 3, 1, 4)  # type: ignore[union-attr, operator]
        scores = q @ k.mT / 4
        if part.attend is research.with_bias:  # type: ignore[union-attr]
            places = torch.arange(17.0)
            scores = scores - 0.1 * (places[:, None] - places).abs()
            scores[..., -1] = -torch.inf
        scores = scores / (temperature if layer == 1 else 1)
        if gone is not None:
            scores[..., gone] = -torch.inf
        map_ = scores.softmax(-1)
        map_.retain_grad() if map_.requires_grad else None
        maps.append(map_)
        heads = map_ @ v
        if off is not None and layer == 1:
            heads = heads * (torch.arange(2) != off)[None, :, None, None]
        x = x + part.proj(heads.transpose(1, 2).reshape(1, 17, 32))  # type: ignore[union-attr, operator]
        x = x + block.mlp(block.norm2(x))  # type: ignore[operator]
    return module.head(module.norm(x)[:, 0])[0], maps


@ways
def test_maps_and_logits_are_those_of_the_code(attend: Attend) -> None:
    module = dino(attend)
    traced = trace(ViT.from_module(module), PIXELS)
    with torch.no_grad():
        logits, maps = by_hand(module)
        assert torch.equal(traced.logits, module(PIXELS[None])[0])  # type: ignore[arg-type]
    torch.testing.assert_close(traced.logits, logits, atol=1e-5, rtol=1e-5)
    for layer in range(2):
        torch.testing.assert_close(traced.attention(layer), maps[layer][0], atol=1e-6, rtol=1e-5)


@ways
def test_edits_are_made_at_the_softmax(attend: Attend) -> None:
    module = dino(attend)
    vit = ViT.from_module(module)
    edit = Edit(temperature={1: 3.0}, ablate_heads=[(1, 0)])
    with torch.no_grad():
        logits, maps = by_hand(module, temperature=3.0, off=0)
    traced = trace(vit, PIXELS, edit=edit)
    torch.testing.assert_close(traced.logits, logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(traced.attention(1), maps[1][0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(predict(vit, PIXELS[None], edit=edit)[0], logits, atol=1e-5, rtol=1e-5)


@ways
def test_masked_tokens_are_no_keys(attend: Attend) -> None:
    module = dino(attend)
    with torch.no_grad():
        logits, maps = by_hand(module, gone=5)
    traced = trace(ViT.from_module(module), PIXELS, edit=Edit(mask_tokens=[5]))
    torch.testing.assert_close(traced.logits, logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(traced.attention(1), maps[1][0], atol=1e-6, rtol=1e-5)
    assert not traced.attention(0)[:, :, 5].any()


@ways
def test_gradients_at_the_maps_are_those_of_the_code(attend: Attend) -> None:
    module = dino(attend)
    logits, maps = by_hand(module)
    logits[4].backward()  # type: ignore[no-untyped-call]
    wanted = [map_.grad for map_ in maps]
    module.zero_grad()
    traced = trace(ViT.from_module(module), PIXELS, target=4)
    for layer in range(2):
        assert wanted[layer] is not None
        torch.testing.assert_close(traced.attention_gradient(layer), wanted[layer][0], atol=1e-5, rtol=1e-4)  # type: ignore[index]


def attend_in_a_block(change: str) -> None:
    q = torch.randn(1, 2, 5, 4)
    with AttentionTap() as tap:
        tap.enter_block(3, q)
        scores = q @ q.mT
        shares = (scores.clamp(max=1.0) if change == "cut off" else scores).softmax(-1)
        tap.leave_block(3, (shares.square() if change == "squared" else shares) @ q)


@pytest.mark.parametrize(("change", "said"), [("cut off", "no product of queries"), ("squared", "not multiplied with")])
def test_what_cannot_be_followed_is_refused_by_name(change: str, said: str) -> None:
    with pytest.raises(UnsupportedModelError, match=f"attention by hand in block 3, and .*{said}"):
        attend_in_a_block(change)


def test_a_softmax_that_is_no_attention_is_left_alone() -> None:
    tap = AttentionTap()
    with tap:
        tap.enter_block(0, torch.zeros(1, 4, 8))
        gate = torch.randn(1, 4, 8).softmax(-1)
        tap.leave_block(0, gate)
    assert tap.calls == []


@pytest.mark.parametrize("options", [{}, {"need_weights": False}, {"average_attn_weights": False}])
def test_torch_s_own_multi_head_attention_is_seen(options: dict[str, bool]) -> None:
    part = nn.MultiheadAttention(16, 2, batch_first=True).eval()
    tokens = torch.randn(1, 6, 16)
    with torch.no_grad():
        wanted, weights = part(tokens, tokens, tokens, **options)
        _, maps = part(tokens, tokens, tokens, average_attn_weights=False)
        with AttentionTap() as tap:
            traced, seen = part(tokens, tokens, tokens, **options)
    torch.testing.assert_close(traced, wanted)
    assert (seen is None) == (weights is None)
    if weights is not None:
        torch.testing.assert_close(seen, weights)
    (call,) = tap.calls
    torch.testing.assert_close(functional.softmax(call.queries @ call.keys.mT * call.scale, -1), maps)
