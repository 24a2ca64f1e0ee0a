"""What a pass may sum up of its own attention maps, so that they need not be computed a second time.

A trace keeps queries and keys and computes a map when it is asked for. A method that reads the maps of all layers has
each of them computed twice then: inside the fused attention, which does not hand it out, and again for the method. For
maps of a few megabytes it is quicker to compute attention in plain steps and to sum its map up in passing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from vitviz.capture.tap import AttentionTap
from vitviz.models.vit import ViT

MEANS = "means"
"""The mean over the heads of each layer's attention."""
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
        super().__init__(keep_outputs=kind == RELEVANCES)
        self.first: list[Tensor] = []
        """The maps of the first block, in the graph, (1, heads, query, key) each: where a backward pass may end."""
        self._kind = kind
        self._sums: dict[int, Tensor] = {}
        self._heads: defaultdict[int, int] = defaultdict(int)

    @property
    def layers(self) -> set[int]:
        """The layers whose maps came by; attention that a module writes out by hand does not."""
        return set(self._heads)

    def summary(self, layer: int) -> Tensor | None:
        """Return what was summed up of a layer, (query, key); None if nothing of it came by."""
        return self._sums[layer] / self._heads[layer] if layer in self._sums else None

    def kernel(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, scale: float | None
    ) -> Tensor:
        """Return the output of one attention call, (1, heads, query, head_dim)."""
        if self.layer is None or query.dtype != torch.float32:  # a map's numbers are float32, those of this are not
            return super().kernel(query, key, value, attn_mask, scale)
        scores = (query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)) @ key.mT
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, float("-inf"))
        elif attn_mask is not None:
            scores = scores + attn_mask
        shares = scores.softmax(-1)  # (1, heads, query, key)
        self._heads[self.layer] += shares.shape[1]
        if self._kind == MEANS:
            self._add(self.layer, shares.detach())
        elif shares.requires_grad:
            shares.register_hook(self._weighing(self.layer, shares.detach()))
            self.first += [shares] if self.layer == 0 else []
        return shares @ value

    def _weighing(self, layer: int, shares: Tensor) -> Callable[[Tensor], None]:
        def weigh(slope: Tensor) -> None:
            self._add(layer, (slope.detach() * shares).clamp_(min=0))

        return weigh

    def _add(self, layer: int, maps: Tensor) -> None:
        total = maps[0].sum(0)  # (query, key)
        self._sums[layer] = self._sums[layer] + total if layer in self._sums else total
