"""The numbers of one block's attention, for a batch of photos, formed in pieces that fit the processor's cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vitviz.atlas.layout import Layout
from vitviz.capture.tap import AttentionCall
from vitviz.record import Record

CACHED = 1 << 20
"""Attention weights that are formed at a time on a processor; a piece of 4 MB stays in its cache."""
ON_DEVICE = 1 << 28
"""The same on a GPU."""


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

    def of(self, calls: Sequence[AttentionCall], sinks: Tensor, coverage: Tensor | None) -> BlockNumbers:
        """Return the numbers of a block's calls, whose heads follow one another.

        ``sinks`` (photo, patch) says which patches have an unusual norm where the block begins; ``coverage`` (photo,
        patch) is the part of each patch inside the photo's boxes.
        """
        photos = len(sinks)
        heads = sum(int(call.queries.shape[1]) for call in calls)
        tokens = int(calls[0].queries.shape[-2])
        most = CACHED if sinks.device.type == "cpu" else ON_DEVICE
        step = max(1, most // (heads * tokens**2))
        self._distance = self._distance.to(sinks.device)
        self._pixels = None if self._pixels is None else self._pixels.to(sinks.device)
        pieces = [
            self._piece(
                calls, slice(start, start + step), sinks, None if coverage is None else coverage[start : start + step]
            )
            for start in range(0, photos, step)
        ]
        joined = {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}
        return BlockNumbers(**joined)

    def _piece(
        self, calls: Sequence[AttentionCall], some: slice, sinks: Tensor, coverage: Tensor | None
    ) -> dict[str, Tensor]:
        prefix = self.prefix
        scores = torch.cat([_scores(call, some) for call in calls], 1)  # (photo, head, query, key)
        attention = scores.softmax(-1)
        biased = any(call.bias is not None for call in calls)
        patches = attention[:, :, prefix:]  # (photo, head, patch query, key)
        between = patches[..., prefix:]  # (photo, head, patch, patch)
        entropy = _entropy(patches, None if biased else scores[:, :, prefix:])
        weight = between.sum(-1).clamp_min(torch.finfo(between.dtype).tiny)
        distance = ((between * self._distance).sum(-1) / weight).mean(-1)
        pixels = (
            distance * self._patch if self._pixels is None else ((between * self._pixels).sum(-1) / weight).mean(-1)
        )
        rows = attention[:, :, self._classes[0]] if self._classes else patches.mean(2)  # (photo, head, key)
        return {
            "entropy": entropy,
            "distance": distance,
            "pixel_distance": pixels,
            "self_share": between.diagonal(dim1=-2, dim2=-1).mean(-1),
            "class_share": _share(patches, self._classes),
            "register_share": _share(patches, self._registers),
            "sink_share": _sink_share(between, sinks[some]),
            "box_share": _box_share(rows[..., prefix:], coverage if self._classes else None),
            "query_row": rows,
            "fused": attention.mean(1),
        }


def _scores(call: AttentionCall, some: slice) -> Tensor:
    queries, keys = call.queries[some].float(), call.keys[some].float()
    scores = (queries * call.scale) @ keys.mT  # (photo, head, query, key)
    if call.bias is None:
        return scores
    bias = call.bias.expand(*call.queries.shape[:2], *scores.shape[-2:])[some]
    if bias.dtype == torch.bool:
        return scores.masked_fill(~bias, float("-inf"))
    return scores + bias.float()


def _entropy(attention: Tensor, scores: Tensor | None) -> Tensor:
    """Return the mean entropy of the rows: (photo, head, query, key) → (photo, head).

    With s the scores, log p = s − log Σ eˢ, so −Σ p·log p = s_max − log p_max − Σ p·s: no logarithm of each weight.
    """
    if scores is None:  # a weight of 0 has no finite score
        parts: Tensor = torch.special.entr(attention)
        return parts.sum(-1).mean(-1)
    top = scores.amax(-1) - attention.amax(-1).log()  # log Σ eˢ
    return (top - (attention * scores).sum(-1)).mean(-1)


def _share(patches: Tensor, keys: list[int]) -> Tensor:
    if not keys:
        return patches.new_full(patches.shape[:2], math.nan)
    return patches[..., keys].sum(-1).mean(-1)


def _sink_share(between: Tensor, sinks: Tensor) -> Tensor:
    if not bool(sinks.any()):
        return between.new_zeros(between.shape[:2])
    return (between @ sinks[:, None, :, None].to(between.dtype))[..., 0].mean(-1)


def _box_share(rows: Tensor, coverage: Tensor | None) -> Tensor:
    """Return the part of a row's attention to patches that lies in boxes: (photo, head, patch) → (photo, head)."""
    if coverage is None:
        return rows.new_full(rows.shape[:2], math.nan)
    inside = (rows.double() * coverage[:, None].double()).sum(-1)
    return inside / rows.sum(-1, dtype=torch.float64)
