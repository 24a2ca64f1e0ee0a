"""Attention rollout: the attention of all layers as one matrix from outputs to inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor

from vitviz.errors import OptionError, check_choice, check_index
from vitviz.trace.trace import Trace

FUSIONS = ("mean", "max", "min")


def rollout(
    trace: Trace,
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    start_layer: int = 0,
    end_layer: int | None = None,
) -> Tensor:
    """Return the attention rollout of a trace: (query, key), rows sum to 1, float32.

    Row j says how output token j is put together from the input tokens if attention were all that mixes tokens:
    R = Â_L ⋯ Â_1 with Â = (1 − r)·A + r·I, where A is the fused attention of a layer and r the share of the residual
    connection (Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3: r = ½).

    ``head_fusion`` is "mean", "max" or "min" over the heads; ``discard_ratio`` in [0, 1) sets that share of the
    smallest attention weights from each query to zero (the class token as a key is always kept); every row is
    normalised again after either. A token whose weights all vanish (heads that share no key, under "min") keeps to
    itself. ``residual`` in [0, 1]; 0 leaves the residual connection out.
    Layers from ``start_layer`` to ``end_layer`` (inclusive, by default the last) are multiplied. One layer's maps
    are in memory at a time.

    Raises OptionError for options outside their range.
    """
    check_options(head_fusion, discard_ratio, residual)
    check_index("start_layer", start_layer, trace.layers)
    last = trace.layers - 1 if end_layer is None else check_index("end_layer", end_layer, trace.layers)
    if last < start_layer:
        raise OptionError(f"end_layer {last} comes before start_layer {start_layer}; wanted it at or after. Swap them.")
    has_class = "class" in trace.grid.prefix
    keep = (trace.grid.token("class"),) if has_class else ()
    layers = (trace.attention(layer) for layer in range(start_layer, last + 1))
    return rollout_of(layers, head_fusion=head_fusion, discard_ratio=discard_ratio, residual=residual, keep=keep)


def rollout_of(
    layers: Iterable[Tensor],
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    keep: tuple[int, ...] = (),
) -> Tensor:
    """Return the rollout of given attention matrices, first layer first, each (heads, query, key).

    ``keep`` lists keys that ``discard_ratio`` never discards.
    """
    check_options(head_fusion, discard_ratio, residual)
    total: Tensor | None = None
    for attention in layers:
        step = fuse_heads(attention, head_fusion)  # (query, key)
        step = discard_smallest(step, discard_ratio, keep)
        step = normalise_rows(step) * (1 - residual)
        step.diagonal().add_(residual)
        total = step if total is None else step @ total  # the later layer stands on the left
        del attention, step  # before the next layer's maps are computed
    if total is None:
        raise OptionError("A rollout needs at least one layer of attention; got none.")
    return total


def check_options(head_fusion: str, discard_ratio: float, residual: float) -> None:
    """Raise OptionError unless the options of a rollout lie in their ranges."""
    check_choice("head_fusion", head_fusion, FUSIONS)
    if not 0 <= discard_ratio < 1:
        raise OptionError(f"discard_ratio is {discard_ratio}; wanted 0 ≤ discard_ratio < 1. 0 keeps all attention.")
    if not 0 <= residual <= 1:
        raise OptionError(f"residual is {residual}; wanted 0 ≤ residual ≤ 1. One half is Abnar and Zuidema's choice.")


def fuse_heads(attention: Tensor, head_fusion: str) -> Tensor:
    """Return one (query, key) matrix for the heads of a layer: their mean, maximum or minimum."""
    if head_fusion == "mean":
        return attention.mean(0)
    return attention.amax(0) if head_fusion == "max" else attention.amin(0)


def normalise_rows(attention: Tensor) -> Tensor:
    """Return (query, key) weights with rows that sum to 1; a row of zeros becomes the token itself."""
    weight = attention.sum(-1, keepdim=True)  # (query, 1)
    rows = attention / weight.where(weight > 0, 1)
    rows.diagonal().add_((weight <= 0)[:, 0].to(rows.dtype))
    return rows


def discard_smallest(attention: Tensor, discard_ratio: float, keep: tuple[int, ...] = ()) -> Tensor:
    """Return (query, key) attention with the given share of smallest weights of every row set to zero."""
    count = math.floor(attention.shape[-1] * discard_ratio + 1e-9)  # 100 × 0.29 is 28.999… in binary
    if not count:
        return attention
    smallest = attention.topk(count, dim=-1, largest=False).indices
    result = attention.scatter(-1, smallest, 0.0)
    kept = list(keep)
    result[:, kept] = attention[:, kept]
    return result
