"""Kinds of attention: torch's own calls with all their options, and what research code does to scores and maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.modules import research
from benchmarks.modules.kind import Kind, drawn
from benchmarks.modules.research import HEADS, WIDTH, Attend, Block, Dino

TOKENS = 17
_BIAS = torch.linspace(-2, 2, TOKENS**2).reshape(TOKENS, TOKENS)
_SEEN = torch.arange(TOKENS) != TOKENS - 1


def fused(**options: Any) -> Attend:
    """Torch's fused attention with options of its own."""
    return lambda q, k, v, scale, drop: functional.scaled_dot_product_attention(q, k, v, **options)


def stepped(bias: Tensor | None = None, scale: float = 0.25) -> Attend:
    """The same in steps."""

    def attend(q: Tensor, k: Tensor, v: Tensor, _: float, drop: nn.Module) -> Tensor:
        scores = q @ k.mT * scale
        return drop((scores if bias is None else scores + bias).softmax(-1)) @ v

    return attend


def _grouped(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    return functional.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True)


def _grouped_in_steps(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    return drop((q @ k[:, :1].mT * scale).softmax(-1)) @ v[:, :1]


def _heads_in_batch(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    q, k, v = (part.flatten(0, 1) for part in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v).unflatten(0, (-1, HEADS))


def _bmm(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    q, k, v = (part.flatten(0, 1) for part in (q, k, v))
    return torch.bmm(drop(torch.bmm(q, k.mT).mul(scale).softmax(-1)), v).unflatten(0, (-1, HEADS))


def _bmm_heads_first(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    q, k, v = (part.transpose(0, 1).flatten(0, 1) for part in (q, k, v))
    return torch.bmm(drop(torch.bmm(q, k.mT).mul(scale).softmax(-1)), v).unflatten(0, (HEADS, -1)).transpose(0, 1)


def _baddbmm(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    q, k, v = (part.flatten(0, 1) for part in (q, k, v))
    scores = torch.baddbmm(_BIAS.expand(len(q), -1, -1), q, k.mT, alpha=scale, beta=0.5)
    scores = (scores.view(-1, HEADS, TOKENS, TOKENS) + _BIAS).view(-1, TOKENS, TOKENS)
    return torch.bmm(drop(functional.softmax(scores, 2)), v).unflatten(0, (-1, HEADS))


def _torch_causal(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    from torch.nn.attention.bias import causal_lower_right

    return functional.scaled_dot_product_attention(q, k, v, attn_mask=causal_lower_right(TOKENS, TOKENS))


class Head(nn.Module):
    """One head with matrices of its own, as tutorials write it."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH // HEADS, bias=False) for _ in range(3))
        self.attn_drop = nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Any:
        """Attend; (image, token, head_dim)."""
        scores = self.query(x) @ self.key(x).transpose(-2, -1) * (WIDTH // HEADS) ** -0.5
        return self.attn_drop(functional.softmax(scores, dim=-1)) @ self.value(x)


class SeparateHeads(nn.Module):
    """Heads in a list, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.heads, self.proj = nn.ModuleList([Head() for _ in range(HEADS)]), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Any:
        """Attend; (image, token, channel)."""
        return self.proj(torch.cat([head(x) for head in self.heads], dim=-1))


def _separate_heads() -> nn.Module:
    block = Block(research.with_method)
    block.attn = SeparateHeads()  # type: ignore[assignment]
    return block


def _in_place(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    scores = q @ k.mT
    scores *= scale
    scores += _BIAS
    return drop(scores.softmax(-1)) @ v


def _scores_first(change: Callable[[Tensor], Any]) -> Attend:
    def attend(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
        scores = q @ k.mT * scale
        other = change(scores)
        return drop((other if isinstance(other, Tensor) else scores).softmax(-1)) @ v

    return attend


def _shares_first(change: Callable[[Tensor], Any]) -> Attend:
    def attend(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
        shares = (q @ k.mT * scale).softmax(-1)
        other = change(shares)
        return drop(other if isinstance(other, Tensor) else shares) @ v

    return attend


def _cosine(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    scores = functional.normalize(q, dim=-1) @ functional.normalize(k, dim=-1).mT
    return drop((scores * 10).softmax(-1)) @ v


def _over_queries(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    return drop((q @ k.mT * scale).softmax(-2)) @ v


def _sigmoid(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    return drop((q @ k.mT * scale).sigmoid() / TOKENS) @ v


def _queries_used_up(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    output = functional.scaled_dot_product_attention(q, k, v)
    q.mul_(3)
    return output


def _flex(q: Tensor, k: Tensor, v: Tensor, scale: float, drop: nn.Module) -> Tensor:
    from torch.nn.attention.flex_attention import flex_attention

    output: Any = flex_attention(q, k, v)
    return output  # type: ignore[no-any-return]


class TorchBlock(Block):
    """A block over torch's own multi-head attention."""

    def __init__(self, *, tokens_first: bool = False, weights: bool | str = False, **options: Any) -> None:
        super().__init__(research.with_method)
        self.tokens_first, self.weights = tokens_first, weights
        self.attn: Any = nn.MultiheadAttention(WIDTH, HEADS, batch_first=not tokens_first, **options)

    def forward(self, x: Tensor) -> Any:
        """Attend as torch's own layer does."""
        given = self.norm1(x).transpose(0, 1) if self.tokens_first else self.norm1(x)
        asked = {"need_weights": bool(self.weights), "average_attn_weights": self.weights != "heads"}
        output, _ = self.attn(given, given, given, **asked)
        x = x + (output.transpose(0, 1) if self.tokens_first else output)
        return x + self.mlp(self.norm2(x))


class TwoAttentions(Block):
    """A block that attends twice: side by side, or one after the other."""

    def __init__(self, *, in_a_row: bool) -> None:
        super().__init__(research.with_method)
        self.other, self.norm3, self.in_a_row = research.Attention(research.with_method), nn.LayerNorm(WIDTH), in_a_row

    def forward(self, x: Tensor) -> Any:
        """Attend with both."""
        first = x + self.attn(self.norm1(x))
        second = self.other(self.norm3(first if self.in_a_row else x))
        return first + second + self.mlp(self.norm2(x))


def of_blocks(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """A ViT in the style of DINO with other blocks."""

    def build() -> nn.Module:
        module = Dino()
        module.blocks = nn.ModuleList([make() for _ in range(2)])
        return drawn(module)  # type: ignore[no-any-return]

    return build


def _of(attend: Attend) -> Callable[[], nn.Module]:
    return lambda: drawn(Dino(attend))


_CAUSAL = torch.full((TOKENS, TOKENS), float("-inf")).triu(1)
_HAND = "computes attention by hand in block 0"
KINDS: dict[str, Kind] = {
    "fused: causal": Kind(_of(fused(is_causal=True)), twin=_of(stepped(_CAUSAL))),
    "fused: grouped keys": Kind(_of(_grouped), twin=_of(_grouped_in_steps)),
    "fused: a mask of booleans": Kind(
        _of(fused(attn_mask=_SEEN[None])), twin=_of(stepped(torch.zeros(TOKENS).masked_fill(~_SEEN, float("-inf"))))
    ),
    "fused: a bias": Kind(_of(fused(attn_mask=_BIAS)), twin=_of(stepped(_BIAS))),
    "fused: a scale of its own": Kind(_of(fused(scale=0.7)), twin=_of(stepped(scale=0.7))),
    "fused: dropout that stays on": Kind(_of(fused(dropout_p=0.3)), "calls attention with dropout"),
    "fused: heads in the batch": Kind(_of(_heads_in_batch), twin=_of(stepped())),
    "fused: torch's causal bias": Kind(_of(_torch_causal), twin=_of(stepped(_CAUSAL))),
    "flex attention": Kind(_of(_flex), "no attention was seen in block 0, 1"),
    "by hand: scores changed in place": Kind(_of(_in_place)),
    "by hand: cosine of queries and keys": Kind(_of(_cosine)),
    "by hand: scores written over": Kind(_of(_scores_first(lambda s: [s[..., -1].fill_(float("-inf"))])), _HAND),
    "by hand: scores limited in place": Kind(_of(_scores_first(lambda s: [s.clamp_(max=0.2)])), _HAND),
    "by hand: scores limited past autograd": Kind(_of(_scores_first(lambda s: [s.data.clamp_(max=0.2)])), _HAND),
    "by hand: scores chosen by torch.where": Kind(
        _of(_scores_first(lambda s: torch.where(_SEEN, s, torch.full_like(s, -1e9)))), _HAND
    ),
    "by hand: maps written over": Kind(_of(_shares_first(lambda a: [a[..., -1].zero_()])), _HAND),
    "by hand: maps times a gate": Kind(_of(_shares_first(lambda a: a * 0.5)), _HAND),
    "by hand: heads in the batch (bmm)": Kind(_of(_bmm)),
    "by hand: heads in the batch, a bias (baddbmm)": Kind(_of(_baddbmm)),
    "by hand: heads in the batch before the pictures": Kind(
        _of(_bmm_heads_first), "its heads lie in the batch before the pictures"
    ),
    "by hand: every head a module": Kind(of_blocks(_separate_heads)),
    "by hand: softmax over the queries": Kind(_of(_over_queries), _HAND),
    "by hand: sigmoid instead of softmax": Kind(_of(_sigmoid), "no attention was seen in block 0, 1"),
    "queries written over afterwards": Kind(_of(_queries_used_up), "are written over after it attended"),
    "torch's MultiheadAttention": Kind(of_blocks(TorchBlock)),
    "the same, tokens first": Kind(of_blocks(lambda: TorchBlock(tokens_first=True))),
    "the same, its weights asked for": Kind(of_blocks(lambda: TorchBlock(weights=True))),
    "the same, those of every head": Kind(of_blocks(lambda: TorchBlock(weights="heads"))),
    "the same, dropout in eval mode": Kind(of_blocks(lambda: TorchBlock(dropout=0.5))),
    "the same, a key of zeros added": Kind(
        of_blocks(lambda: TorchBlock(add_zero_attn=True)), "attends from 17 to 18 tokens"
    ),
    "the same, a learned key added": Kind(
        of_blocks(lambda: TorchBlock(add_bias_kv=True)), "attends from 17 to 18 tokens"
    ),
    "two attentions side by side in a block": Kind(of_blocks(lambda: TwoAttentions(in_a_row=False))),
    "two attentions in a row in a block": Kind(
        of_blocks(lambda: TwoAttentions(in_a_row=True)), "block 0 attends several times, one after the other"
    ),
}
