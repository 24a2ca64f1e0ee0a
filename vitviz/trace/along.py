"""What a pass may sum up of its own attention maps, so that they need not be computed a second time.

A trace keeps queries and keys and computes a map when it is asked for. A method that reads the maps of all layers has
each of them computed twice then: inside the fused attention, which does not hand it out, and again for the method. For
maps of a few megabytes it is quicker to compute attention in plain steps and to sum its map up in passing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vitviz.capture.tap import AttentionCall, AttentionTap
from vitviz.models.vit import ViT

MEANS = "means"
"""The mean over the heads of each layer's attention. Nothing else of the blocks is kept: no calls and no streams."""
RELEVANCES = "relevances"
"""The mean over the heads of (∇A ⊙ A)⁺, with ∇A the gradient of the target's score; it needs a backward pass."""
MOST = 32e6
"""Bytes of the maps of all layers up to which they are summed up on the way; a backward pass holds them all."""


def sums_up(vit: ViT) -> bool:
    """Return whether the maps of a model are small enough, and in the precision that maps are computed in."""
    return vit.dtype == torch.float32 and 4 * sum(vit.heads) * vit.grid.tokens**2 <= MOST


class MapTap(AttentionTap):
    """Computes attention in plain steps, and sums up the maps of each layer and, if asked, what their gradients say."""

    def __init__(self, kind: str) -> None:
        super().__init__(record=kind == RELEVANCES, keep_outputs=kind == RELEVANCES)
        self.first: list[Tensor] = []
        """The queries of the first block, in the graph, (1, heads, query, head_dim) each: where a backward pass may
        end, for the map behind them has its gradient by then."""
        self.ends_there = False
        """Whether the backward pass ends there, so that their own gradients are for nobody."""
        self._kind = kind
        self._sums: dict[int, Tensor] = {}
        self._heads: defaultdict[int, int] = defaultdict(int)

    def heads(self, layer: int) -> int:
        """Return how many heads of a layer had their maps come by; attention written out by hand does not."""
        return self._heads[layer]

    @property
    def keeps_blocks(self) -> bool:
        """Whether the calls and the residual stream of the blocks are kept."""
        return self._kind == RELEVANCES

    def enter_block(self, layer: int, stream: Tensor) -> Tensor | None:
        """Note that a block starts; an attention call before it did not pool."""
        if not self.keeps_blocks:
            self.calls.clear()
        return super().enter_block(layer, stream)

    def summary(self, layer: int) -> Tensor | None:
        """Return what was summed up of a layer, (query, key); None if nothing of it came by."""
        return self._sums[layer] / self._heads[layer] if layer in self._sums else None

    def kernel(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, scale: float | None
    ) -> Tensor:
        """Return the output of one attention call, (1, heads, query, head_dim)."""
        if self.layer is None or query.dtype != torch.float32:  # a map's numbers are float32, those of this are not
            return super().kernel(query, key, value, attn_mask, scale)
        self._heads[self.layer] += query.shape[1]
        factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
        if self._kind == RELEVANCES:
            self.first += [query] if self.layer == 0 else []
            weigh: Callable[..., Tensor] = _Weighed.apply
            return weigh(query, key, value, attn_mask, factor, self, self.layer)
        shares = _shares(query, key, attn_mask, factor)
        self.add(self.layer, shares.detach())
        return shares @ value

    def _record_call(
        self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float, output: Tensor
    ) -> None:
        if self.keeps_blocks:
            super()._record_call(query, key, value, bias, scale, output)
        elif self.layer is None:
            self.calls.append(AttentionCall(None, query, key, value, bias, scale, None))

    def add(self, layer: int, maps: Tensor) -> None:
        """Sum up maps of a layer, (1, heads, query, key)."""
        total = maps[0].sum(0)  # (query, key)
        self._sums[layer] = self._sums[layer] + total if layer in self._sums else total


def _shares(query: Tensor, key: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    """Return the attention of one call, (1, heads, query, key)."""
    scores = (query * scale) @ key.mT
    if mask is not None and mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, float("-inf"))
    elif mask is not None:
        scores = scores + mask
    return scores.softmax(-1)


class _Weighed(torch.autograd.Function):
    """Attention whose backward pass hands out (∇A ⊙ A)⁺, and keeps no map for it.

    The map is formed once more on the way back, as fused attention does; so the graph holds queries, keys and values,
    and one layer's maps are in memory at a time. ∇A ⊙ A is half of the softmax's own gradient and costs nothing more.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float, tap: MapTap, layer: int
    ) -> Tensor:
        """Return the output of the call, (1, heads, query, head_dim)."""
        ctx.save_for_backward(query, key, value, mask)
        ctx.scale, ctx.tap, ctx.layer = scale, tap, layer
        return _shares(query, key, mask, scale) @ value

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of queries, keys, values and an additive mask; hands out the relevances."""
        (slope,) = slopes  # (1, heads, query, head_dim)
        query, key, value, mask = ctx.saved_tensors
        shares = _shares(query, key, mask, ctx.scale)
        weighted = (slope @ value.mT).mul_(shares)  # ∇A ⊙ A: (1, heads, query, key)
        ctx.tap.add(ctx.layer, weighted.clamp(min=0))
        if ctx.layer == 0 and ctx.tap.ends_there:
            return (None,) * 7
        values = shares.mT @ slope
        scores = weighted.addcmul_(shares, weighted.sum(-1, keepdim=True), value=-1)  # the softmax's gradient
        own = None if not ctx.needs_input_grad[3] else scores.sum_to_size(mask.shape)
        return (scores @ key).mul_(ctx.scale), (scores.mT @ query).mul_(ctx.scale), values, own, None, None, None
