"""The numbers of one block's attention, for a batch of photos, formed in pieces that fit the processor's cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vitviz.atlas.layout import Layout
from vitviz.record import Record

CACHED = 1 << 19
"""Attention weights that are formed at a time on a processor; a piece of 2 MB stays in its cache."""
ON_DEVICE = 1 << 28
"""The same on a GPU."""
LEAST = 1e-30
"""Weights below it are too small to take a logarithm of: float32 keeps their first digits alone."""
SMALLEST = torch.finfo(torch.float32).tiny
"""What a sum of weights is at least where it is divided by."""


@dataclass(frozen=True, eq=False)
class BlockNumbers(Record):
    """What is kept of one block: (photo, head) each, but for the two last."""

    STATISTICS: ClassVar[tuple[str, ...]] = (
        "entropy", "distance", "pixel_distance", "self_share", "class_share", "register_share", "sink_share",
        "box_share",
    )  # fmt: skip

    entropy: Tensor
    distance: Tensor
    pixel_distance: Tensor
    self_share: Tensor
    class_share: Tensor
    register_share: Tensor
    sink_share: Tensor
    box_share: Tensor
    query_row: Tensor
    """(photo, head, token) where the query of the mean maps looks."""
    fused: Tensor
    """(photo, query, key) mean over the heads, for the rollout of this batch."""


@dataclass(frozen=True, eq=False)
class _Room(Record):
    """Memory for one piece of a call's weights."""

    scores: Tensor
    """(photo, head, query, key)."""
    attention: Tensor
    """(photo, head, query, key)."""
    product: Tensor
    """(photo, head, patch query, key)."""
    between: Tensor
    """(photo, head, patch, patch)."""


class BlockMeasures:
    """Measures attention calls of a model of one layout."""

    def __init__(self, layout: Layout) -> None:
        grid = layout.grid
        self.prefix = len(grid.prefix)
        self._classes = [index for index, name in enumerate(grid.prefix) if name == "class"]
        self._registers = [index for index, name in enumerate(grid.prefix) if name.startswith("register")]
        self._distance = torch.from_numpy(grid.distances()).float()
        square = grid.patch_size[0] == grid.patch_size[1]
        self._pixels = None if square else torch.from_numpy(grid.pixel_distances()).float()
        self._patch = float(grid.patch_size[0])
        self._whole: _Room | None = None

    def of(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bias: Tensor | None,
        scale: float | None,
        sinks: Tensor,
        coverage: Tensor | None,
    ) -> tuple[dict[str, Tensor], Tensor | None]:
        """Return the numbers of one attention call, and its output if that is cheaper than the fused kernel's.

        ``query``, ``key`` and ``value`` are (photo, head, token, head_dim). ``sinks`` (photo, patch) says which patches
        have an unusual norm where the block begins; ``coverage`` (photo, patch) is the part of each inside boxes.
        """
        photos, heads, tokens, width = query.shape
        on_cpu = query.device.type == "cpu"
        step = max(1, (CACHED if on_cpu else ON_DEVICE) // (heads * tokens**2))
        self._distance = self._distance.to(query.device)
        self._pixels = None if self._pixels is None else self._pixels.to(query.device)
        factor = 1 / math.sqrt(width) if scale is None else scale
        if bias is not None:
            bias = bias.expand(photos, heads, tokens, tokens)
        pieces: list[dict[str, Tensor]] = []
        # on a processor the weights are in the cache: no second softmax for the block's output
        output = _output(value) if on_cpu and value.dtype == torch.float32 else None
        for start in range(0, photos, step):
            some = slice(start, start + step)
            room = self._room(query[some], min(step, photos))
            scores = _scores(query[some], key[some], None if bias is None else bias[some], factor, room)
            attention = torch.softmax(scores, -1, out=room.attention)  # (photo, head, query, key)
            inside = None if coverage is None else coverage[some]
            pieces.append(self._numbers(room, scores if bias is None else None, sinks[some], inside))
            if output is not None:
                output[some] = attention @ value[some]
        return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}, output

    def _room(self, query: Tensor, most: int) -> _Room:
        """Return the memory that a piece is formed in, of at most ``most`` photos: the same from block to block.

        Asking the system for it anew for every piece takes longer than all sums over the weights.
        """
        photos, heads, tokens, _width = query.shape
        shape = (most, heads, tokens, tokens)
        if self._whole is None or self._whole.scores.shape != shape or self._whole.scores.device != query.device:
            patches = tokens - self.prefix
            sides = ((tokens, tokens), (tokens, tokens), (patches, tokens), (patches, patches))
            self._whole = _Room(*(torch.empty((most, heads, *side), device=query.device) for side in sides))
        whole = self._whole
        return _Room(whole.scores[:photos], whole.attention[:photos], whole.product[:photos], whole.between[:photos])

    def joined(self, calls: Sequence[dict[str, Tensor]]) -> BlockNumbers:
        """Return the numbers of a block's calls, whose heads follow one another."""
        if len(calls) == 1:
            return BlockNumbers(**calls[0])
        heads = [call["entropy"].shape[1] for call in calls]
        shares = [count / sum(heads) for count in heads]
        names = [name for name in calls[0] if name != "fused"]
        fused = torch.stack([share * call["fused"] for share, call in zip(shares, calls, strict=True)]).sum(0)
        return BlockNumbers(**{name: torch.cat([call[name] for call in calls], 1) for name in names}, fused=fused)

    def _numbers(self, room: _Room, scores: Tensor | None, sinks: Tensor, coverage: Tensor | None) -> dict[str, Tensor]:
        prefix, attention = self.prefix, room.attention
        patches = attention[:, :, prefix:]  # (photo, head, patch query, key)
        between = patches[..., prefix:]  # (photo, head, patch, patch)
        weight = between.sum(-1).clamp_min(SMALLEST)

        def mean_of(lengths: Tensor) -> Tensor:
            product = torch.mul(between, lengths, out=room.between)
            mean: Tensor = (product.sum(-1) / weight).mean(-1)
            return mean

        distance = mean_of(self._distance)
        pixels = distance * self._patch if self._pixels is None else mean_of(self._pixels)
        received = patches.mean(2)  # (photo, head, key): what each key gets of a patch
        rows = attention[:, :, self._classes[0]].clone() if self._classes else received  # (photo, head, key)
        return {
            "entropy": _entropy(patches, None if scores is None else scores[:, :, prefix:], room.product),
            "distance": distance,
            "pixel_distance": pixels,
            "self_share": between.diagonal(dim1=-2, dim2=-1).mean(-1),
            "class_share": _share(received, self._classes),
            "register_share": _share(received, self._registers),
            "sink_share": (received[..., prefix:] * sinks[:, None]).sum(-1),
            "box_share": _box_share(rows[..., prefix:], coverage if self._classes else None),
            "query_row": rows,
            "fused": attention.mean(1),
        }


def _output(value: Tensor) -> Tensor:
    """Return room for a call's output, token by token as the fused kernel lays it out: joining heads is free."""
    photos, heads, tokens, width = value.shape
    return value.new_empty(photos, tokens, heads, width).transpose(1, 2)  # (photo, head, token, head_dim)


def _scores(query: Tensor, key: Tensor, bias: Tensor | None, factor: float, room: _Room) -> Tensor:
    scores = torch.matmul(query.float() * factor, key.float().mT, out=room.scores)  # (photo, head, query, key)
    if bias is None:
        return scores
    if bias.dtype == torch.bool:
        return scores.masked_fill(~bias, float("-inf"))
    return scores + bias.float()


def _entropy(attention: Tensor, scores: Tensor | None, product: Tensor) -> Tensor:
    """Return the mean entropy of the rows: (photo, head, query, key) → (photo, head).

    With s the scores, log p = s − log Σ eˢ, so −Σ p·log p = log Σ eˢ − Σ p·s, where any key k gives
    log Σ eˢ = s_k − log p_k: no logarithm of each weight.
    """
    if scores is None:  # a weight of 0 has no finite score
        parts: Tensor = torch.special.entr(attention)
        return parts.sum(-1).mean(-1)
    first = attention[..., 0]
    plain = float(first.min()) > LEAST
    score, weight = (scores[..., 0], first) if plain else (scores.amax(-1), attention.amax(-1))
    total = score - weight.log()  # (photo, head, query)
    return (total - torch.mul(attention, scores, out=product).sum(-1)).mean(-1)


def _share(received: Tensor, keys: list[int]) -> Tensor:
    if not keys:
        return received.new_full(received.shape[:2], math.nan)
    return received[..., keys].sum(-1)


def _box_share(rows: Tensor, coverage: Tensor | None) -> Tensor:
    """Return the part of a row's attention to patches that lies in boxes: (photo, head, patch) → (photo, head)."""
    if coverage is None:
        return rows.new_full(rows.shape[:2], math.nan)
    rows = rows.cpu().double()  # Apple's GPU has no float64
    return (rows * coverage[:, None].double()).sum(-1) / rows.sum(-1)
