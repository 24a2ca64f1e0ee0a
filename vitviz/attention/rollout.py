"""Attention rollout: the attention of all layers as one matrix from outputs to inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import OptionError, check_choice, check_index
from vitviz.trace.forward import as_result
from vitviz.trace.on_device import on_device
from vitviz.trace.trace import Trace

FUSIONS = ("mean", "max", "min")


@checked
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

    >>> vitviz.rollout(trace).sum(-1).allclose(vitviz.rollout(trace).new_ones(257))  # rows sum to 1
    True
    """
    check_options(head_fusion, discard_ratio, residual)
    order, trace = _layers(trace, start_layer, end_layer), on_device(trace)
    layers = (trace.head_attentions(layer) for layer in order)
    return as_result(
        rollout_of(layers, head_fusion=head_fusion, discard_ratio=discard_ratio, residual=residual, keep=_kept(trace))
    )


@checked
def rollout_row(
    trace: Trace,
    token: int | str,
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    start_layer: int = 0,
    end_layer: int | None = None,
) -> Tensor:
    """Return one row of the attention rollout, (key,): what one output token is put together from. Sums to 1.

    The same numbers as ``rollout(trace, …)[token]``, but a row vector is carried from the last layer to the first,
    so that each layer costs a product of a vector and a matrix instead of two matrices: N² instead of N³.
    ``token`` is a token index or a prefix token's name; the options are those of ``rollout``.

    >>> vitviz.rollout_row(trace, "class").shape  # (key,)
    torch.Size([257])
    """
    row = torch.zeros(trace.grid.tokens)
    row[trace.token(token)] = 1
    options: dict[str, Any] = {"head_fusion": head_fusion, "discard_ratio": discard_ratio, "residual": residual}
    return carried(trace, row, **options, start_layer=start_layer, end_layer=end_layer)


def carried(
    trace: Trace,
    row: Tensor,
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    start_layer: int = 0,
    end_layer: int | None = None,
) -> Tensor:
    """Return ``row @ rollout(trace, …)``, (key,), layer by layer: weights of output tokens (query,) carried down."""
    check_options(head_fusion, discard_ratio, residual)
    order = _layers(trace, start_layer, end_layer)
    trace = on_device(trace)
    row = row.to(trace.means[0].device if trace.means else trace.calls[0][0].queries.device)
    linear = is_linear(head_fusion, discard_ratio)
    for layer in reversed(order):
        if linear:  # the mean of the heads' rows is the row of their mean, which need not be formed
            maps = (trace.means[layer],) if trace.means else trace.head_attentions(layer)
            mixed = torch.stack([row @ head for head in maps]).mean(0)
            row = (1 - residual) * mixed + residual * row
        else:
            row = row @ _step(trace.head_attentions(layer), head_fusion, discard_ratio, residual, _kept(trace))
    return as_result(row)


@checked
def rollouts(
    trace: Trace,
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    start_layer: int = 0,
    end_layer: int | None = None,
) -> Iterator[Tensor]:
    """Yield the attention rollout up to every layer in turn, from ``start_layer`` to ``end_layer``: (query, key) each.

    The last of them is ``rollout`` with the same options, and all of them together cost what that one does.

    >>> [matrix.shape for matrix in vitviz.rollouts(trace, end_layer=1)]  # up to layer 0, up to layer 1
    [torch.Size([257, 257]), torch.Size([257, 257])]
    """
    order, trace = _layers(trace, start_layer, end_layer), on_device(trace)
    layers = (trace.head_attentions(layer) for layer in order)
    options: dict[str, Any] = {"head_fusion": head_fusion, "discard_ratio": discard_ratio, "residual": residual}
    check_options(**options)  # at once, and not with the first layer
    return map(as_result, rollouts_of(layers, **options, keep=_kept(trace)))


def _layers(trace: Trace, start_layer: int, end_layer: int | None) -> range:
    check_index("start_layer", start_layer, trace.layers)
    last = trace.layers - 1 if end_layer is None else check_index("end_layer", end_layer, trace.layers)
    if last < start_layer:
        raise OptionError(
            "end_layer {last} comes before start_layer {start_layer}; wanted it at or after. Swap them.",
            last=last,
            start_layer=start_layer,
        )
    return range(start_layer, last + 1)


def _kept(trace: Trace) -> tuple[int, ...]:
    return (trace.grid.token("class"),) if "class" in trace.grid.prefix else ()


def rollout_of(
    layers: Iterable[Iterable[Tensor]],
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    keep: tuple[int, ...] = (),
) -> Tensor:
    """Return the rollout of given attention matrices, first layer first, each (heads, query, key) or its heads in turn.

    ``keep`` lists keys that ``discard_ratio`` never discards.
    """
    total: Tensor | None = None
    options: dict[str, Any] = {"head_fusion": head_fusion, "discard_ratio": discard_ratio, "residual": residual}
    for total in rollouts_of(layers, **options, keep=keep):  # noqa: B007 — the last is the rollout of all
        pass
    if total is None:
        raise OptionError("A rollout needs at least one layer of attention; got none.")
    return total


def rollouts_of(
    layers: Iterable[Iterable[Tensor]],
    *,
    head_fusion: str = "mean",
    discard_ratio: float = 0.0,
    residual: float = 0.5,
    keep: tuple[int, ...] = (),
) -> Iterator[Tensor]:
    """Yield the rollout up to every layer in turn, (query, key); the options are those of ``rollout_of``.

    Each layer costs one product on top of the rollout before it: all of them together cost what the last alone does.
    """
    check_options(head_fusion, discard_ratio, residual)
    total: Tensor | None = None
    for attention in layers:
        step = _step(attention, head_fusion, discard_ratio, residual, keep)
        total = step if total is None else step @ total  # the later layer stands on the left
        del attention, step  # before the next layer's maps are computed
        yield total


def _step(
    heads: Iterable[Tensor], head_fusion: str, discard_ratio: float, residual: float, keep: tuple[int, ...]
) -> Tensor:
    """Return Â, one layer's share of the rollout: (heads, query, key) → (query, key)."""
    step = normalise_rows(discard_smallest(fuse_heads(heads, head_fusion), discard_ratio, keep))
    step.mul_(1 - residual).diagonal().add_(residual)
    return step


def is_linear(head_fusion: str, discard_ratio: float) -> bool:
    """Return whether a rollout needs of each layer only the mean of its heads, and not each head's map."""
    return head_fusion == "mean" and not discard_ratio


def check_options(head_fusion: str, discard_ratio: float, residual: float) -> None:
    """Raise OptionError unless the options of a rollout lie in their ranges."""
    check_choice("head_fusion", head_fusion, FUSIONS)
    if not 0 <= discard_ratio < 1:
        raise OptionError(
            "discard_ratio is {discard_ratio}; wanted 0 ≤ discard_ratio < 1. 0 keeps all attention.",
            discard_ratio=discard_ratio,
        )
    if not 0 <= residual <= 1:
        raise OptionError(
            "residual is {residual}; wanted 0 ≤ residual ≤ 1. One half is Abnar and Zuidema's choice.",
            residual=residual,
        )


def fuse_heads(heads: Iterable[Tensor], head_fusion: str) -> Tensor:
    """Return one (query, key) matrix for the heads of a layer: their mean, maximum or minimum.

    ``heads`` is (heads, query, key), or the (query, key) maps in turn; of those, two are in memory at a time.
    """
    total: Tensor | None = None
    count = 0
    for head in heads:
        count += 1
        if total is None:
            total = head.clone()
        elif head_fusion == "mean":
            total.add_(head)
        else:
            (torch.maximum if head_fusion == "max" else torch.minimum)(total, head, out=total)
    if total is None:
        raise OptionError("A layer without heads cannot be fused; wanted at least one head. Pass (heads, query, key).")
    return total.div_(count) if head_fusion == "mean" else total


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
