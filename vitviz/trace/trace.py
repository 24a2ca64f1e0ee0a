"""Trace: what one forward pass of one image did, kept small; every attention matrix is computed when asked for.

Kept per layer, with N tokens, H heads of width d, D channels:
    queries, keys, values   (heads, token, head_dim)    3·N·D numbers, where the maps would take H·N² each
    bias                    (heads, query, key)         only in models with relative positions, or masked tokens
    output gradient         (heads, token, head_dim)    only with a target, as that of the stream
and the residual stream     (token, channel)            after every block, and before the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.capture.edit import Edit
from vitviz.capture.tap import AttentionCall
from vitviz.errors import CaptureError, OptionError, check_index
from vitviz.grid import PatchGrid
from vitviz.models.probabilities import probabilities
from vitviz.record import Record, Result
from vitviz.trace.target import Target


@dataclass(frozen=True, eq=False)
class Gradients(Record):
    """The derivatives of one target's score, by one backward pass."""

    pixels: Tensor
    """∂ score / ∂ pixels: (3, height, width), float32."""
    streams: tuple[Tensor, ...]
    """∂ score / ∂ residual stream before the first block and after every block, each (token, channel)."""
    outputs: tuple[tuple[Tensor, ...], ...]
    """∂ score / ∂ attention output for each call of each layer, each (heads, query, head_dim)."""
    pools: tuple[Tensor, ...]
    """The same for the calls of the attention pooling; empty for a model that pools in another way."""


@dataclass(frozen=True, eq=False)
class LayerSlopes(Record):
    """The derivatives of the target's score as one layer answers it."""

    parts: tuple[Tensor, ...]
    """∂ score / ∂ attention output for each call of the layer, each (heads, query, head_dim); where attention pools,
    ∂ score / ∂ the pooling's map, (heads, query, key)."""
    queries: Tensor | None = None
    """The queries in ``parts``, (row,), where the answer is read from few tokens: all others' are 0. None for all."""


@dataclass(frozen=True, eq=False)
class Trace(Result):
    """One image, one forward pass and, with a target, one backward pass. There is no batch dimension.

    >>> trace.layers, trace.attention(5).shape
    (12, torch.Size([6, 257, 257]))
    """

    model: str
    """Name of the model."""
    grid: PatchGrid
    """The tokens: prefix tokens first, then the patches row by row."""
    pixels: Tensor
    """The model's input, normalised: (3, height, width)."""
    logits: Tensor | None
    """(class,) before the softmax; None for a model without a classifier."""
    embedding: Tensor
    """(channel,): the pooled features that the classifier reads."""
    target: Target | None
    """What the gradients are of; None if none were wanted."""
    edit: Edit
    """What was changed inside the model."""
    seconds: float
    """How long the forward and backward pass took."""
    calls: tuple[tuple[AttentionCall, ...], ...]
    """The attention calls of each layer: one, or several in models with parallel branches."""
    pool_calls: tuple[AttentionCall, ...]
    """The attention calls after the blocks: attention pooling."""
    streams: tuple[Tensor, ...]
    """The residual stream before the first block and after every block, each (token, channel)."""
    gradients: Gradients | None = None
    """The gradients of the target's score; None if no backward pass was run."""
    layer_gradients: tuple[LayerSlopes, ...] = ()
    """Gradients of each layer's own answer, for ``layer_gradient``; empty unless asked for with ``layer_scores``."""
    means: tuple[Tensor, ...] = ()
    """The mean over the heads of each layer's attention, (query, key), if the pass summed it up on the way."""
    relevances: tuple[Tensor, ...] = ()
    """The mean over the heads of (∇A ⊙ A)⁺ of each layer, (query, key), if the pass summed it up on the way."""
    notes: tuple[str, ...] = ()
    """What the reader should know: a target whose gradient is numerically nothing at this picture."""
    picture: NDArray[np.uint8] | None = field(default=None, repr=False)
    """What the model saw, (height, width, 3), to lie under maps; None where it is not known."""
    multi_label: bool = field(default=False, repr=False)
    """Whether the classes may hold side by side, each with a probability of its own."""
    device: str = field(default="cpu", repr=False)
    """Where the pass ran, and where sums over many maps run too; all that is kept is float32 on the CPU."""

    @property
    def layers(self) -> int:
        """Number of transformer blocks."""
        return len(self.calls)

    def heads(self, layer: int) -> int:
        """Return the number of heads of a layer; parallel branches count as one layer with all their heads."""
        return sum(int(call.queries.shape[1]) for call in self._calls(layer))

    def queries(self, layer: int) -> Tensor:
        """Return the queries of a layer as the softmax saw them: (heads, token, head_dim)."""
        return _joined([call.queries[0] for call in self._calls(layer)])

    def keys(self, layer: int) -> Tensor:
        """Return the keys of a layer as the softmax saw them: (heads, token, head_dim)."""
        return _joined([call.keys[0] for call in self._calls(layer)])

    def values(self, layer: int) -> Tensor:
        """Return the values of a layer: (heads, token, head_dim)."""
        return _joined([call.values[0] for call in self._calls(layer)])

    def scale(self, layer: int) -> float:
        """Return the factor of the dot product in a layer, usually 1/√head_dim."""
        return self._calls(layer)[0].scale

    def has_bias(self, layer: int) -> bool:
        """Return whether something is added to the dot products of a layer: relative positions or masked tokens."""
        return any(call.bias is not None for call in self._calls(layer))

    def attention_scores(self, layer: int) -> Tensor:
        """Return the attention scores of a layer, before the softmax: (heads, query, key), float32."""
        return _joined([_scores(call) for call in self._calls(layer)])

    def attention(self, layer: int) -> Tensor:
        """Return the attention of a layer, computed now: (heads, query, key), float32, rows sum to 1."""
        return _checked(self.attention_scores(layer).softmax(-1), f"the attention of layer {layer}")

    def attentions(self) -> Iterator[Tensor]:
        """Yield the attention of each layer in order, (heads, query, key); one layer is in memory at a time."""
        for layer in range(self.layers):
            yield self.attention(layer)

    def head_attentions(self, layer: int) -> Iterator[Tensor]:
        """Yield the attention of each head of a layer, (query, key); one head is in memory at a time.

        For large grids it is faster too: a head's map of a few megabytes stays in the processor's cache.
        """
        for call in self._calls(layer):
            for head in range(call.queries.shape[1]):
                map_ = _scores(call, head=slice(head, head + 1))[0].softmax(-1)
                yield _checked(map_, f"the attention of layer {layer}")

    def attention_row(self, layer: int, token: int | str) -> Tensor:
        """Return where one token looks: (heads, key), float32. Costs one row, not the whole matrix.

        ``token`` is a token index or the name of a prefix token such as "class".
        """
        index = self.token(token)
        rows = [_scores(call, slice(index, index + 1)) for call in self._calls(layer)]  # (heads, 1, key) each
        return _checked(torch.cat(rows)[:, 0].softmax(-1), f"the attention of layer {layer}")

    def attention_column(self, layer: int, token: int | str) -> Tensor:
        """Return who looks at one token, and how much: (heads, query), float32."""
        return self.attention(layer)[:, :, self.token(token)]

    def attention_gradient(self, layer: int) -> Tensor:
        """Return ∂ target / ∂ attention of a layer: (heads, query, key), float32.

        The attention is never part of the graph: with output O = A·V, ∂y/∂A = (∂y/∂O)·Vᵀ per head, exactly.
        Raises OptionError if the trace was made without a target.
        """
        return torch.stack(list(self.head_attention_gradients(layer)))

    def head_attention_gradients(self, layer: int) -> Iterator[Tensor]:
        """Yield ∂ target / ∂ attention of each head of a layer, (query, key); one head is in memory at a time."""
        slopes = self._gradients().outputs[check_index("Layer", layer, self.layers)]
        for call, slope in zip(self.calls[layer], slopes, strict=True):
            for values, gradient in zip(call.values[0], slope, strict=True):
                yield gradient.float() @ values.float().mT

    def pool_attention_gradient(self) -> Tensor:
        """Return ∂ target / ∂ attention of the attention pooling: (heads, query, key), float32.

        Raises OptionError for a model that pools in another way, and if the trace was made without a target.
        """
        slopes = self._gradients().pools
        call = self._pool_call()
        return slopes[0].float() @ call.values[0].float().mT

    @checked
    def stream_gradient(self, layer: int) -> Tensor:
        """Return ∂ target / ∂ residual stream after a block, (token, channel); layer -1 is the input of block 0."""
        return self._gradients().streams[0 if layer == -1 else check_index("Layer", layer, self.layers) + 1]

    def pixel_gradient(self) -> Tensor:
        """Return ∂ target / ∂ pixels: (3, height, width), float32."""
        return self._gradients().pixels

    def layer_gradient(self, layer: int) -> Tensor:
        """Return the gradient of the target, as a layer answers it, at its attention: (heads, query, key), float32.

        The layer's answer is what the model's last norm and head make of the residual stream after it. Where
        attention pools, the answer is formed by the pooling, and the gradient is at the pooling's map.
        Raises OptionError if the trace was made without ``layer_scores``.
        """
        rows, slopes = self.layer_gradient_rows(layer), self.layer_gradients[layer]
        if slopes.queries is None:
            return rows
        whole = rows.new_zeros(len(rows), self.grid.tokens, self.grid.tokens)
        whole[:, slopes.queries] = rows
        return whole

    def layer_gradient_rows(self, layer: int) -> Tensor:
        """Return ``layer_gradient`` without the queries that the layer's answer does not hear of: (heads, row, key).

        Where the head reads the class token, that is one row, and N times less work. The rows left out are 0.
        """
        if not self.layer_gradients:
            raise OptionError(
                "This trace has no gradients of layers. Call trace(vit, image, target=…, layer_scores=True)."
            )
        parts = self.layer_gradients[check_index("Layer", layer, self.layers)].parts
        if self.pool_calls:
            return parts[0]
        pairs = zip(self.calls[layer], parts, strict=True)
        return torch.cat([gradient.float() @ call.values[0].float().mT for call, gradient in pairs])

    def _gradients(self) -> Gradients:
        if self.gradients is None:
            raise OptionError(
                "This trace has no gradients: it was made without a target. Call trace(vit, image, target=…)."
            )
        return self.gradients

    def pool_attention(self) -> Tensor:
        """Return the map of the attention pooling, if the model has one: (heads, query, key); the query is learned.

        Raises OptionError for a model that pools in another way.
        """
        return _checked(_scores(self._pool_call()).softmax(-1), "the attention pooling")

    def _pool_call(self) -> AttentionCall:
        if not self.pool_calls:
            raise OptionError(
                "{model} has no attention pooling. Read the class token's row or a rollout instead.",
                model=self.model,
            )
        return self.pool_calls[0]

    @checked
    def residual(self, layer: int) -> Tensor:
        """Return the residual stream after a block, (token, channel); layer -1 is the input of block 0."""
        if layer != -1:
            check_index("Layer", layer, self.layers)
        return self.streams[layer + 1]

    def token(self, token: int | str) -> int:
        """Return the index of a token given by its index or by the name of a prefix token."""
        if isinstance(token, str):
            return self.grid.token(token)
        return check_index("Token", token, self.grid.tokens)

    @checked
    def top(self, count: int = 5) -> list[tuple[int, float]]:
        """Return the most probable classes as (class, probability), best first; empty without a classifier.

        A single logit, and each of a model with several labels, has the probability σ(logit).
        """
        if count < 0:
            raise OptionError("count is {count}; wanted 0 or more. 5 is the default.", count=count)
        if self.logits is None:
            return []
        best = self.probabilities().topk(min(count, len(self.logits)))
        return [(int(index), float(share)) for share, index in zip(best.values, best.indices, strict=True)]

    def probabilities(self) -> Tensor:
        """Return the probability of each class, (class,); raises OptionError for a model without a classifier."""
        if self.logits is None:
            raise OptionError(
                "{model} has no classifier, so no probabilities. Read the embedding instead.",
                model=self.model,
            )
        return probabilities(self.logits.float(), multi_label=self.multi_label)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the trace holds, tensors that share their memory counted once."""
        tensors = [self.pixels, self.embedding, *self.streams, *([] if self.logits is None else [self.logits])]
        for call in (*(call for layer in self.calls for call in layer), *self.pool_calls):
            tensors += [call.queries, call.keys, call.values, *([] if call.bias is None else [call.bias])]
        tensors += [*self.means, *self.relevances]
        for slopes in self.layer_gradients:
            tensors += [*slopes.parts, *([] if slopes.queries is None else [slopes.queries])]
        if self.gradients is not None:
            tensors += [self.gradients.pixels, *self.gradients.streams, *self.gradients.pools]
            tensors += [gradient for layer in self.gradients.outputs for gradient in layer]
        return held_bytes(tensors)

    def _calls(self, layer: int) -> tuple[AttentionCall, ...]:
        return self.calls[check_index("Layer", layer, self.layers)]


def held_bytes(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of memory that tensors hold, those that share theirs counted once."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
    return sum(storages.values())


def _joined(parts: list[Tensor]) -> Tensor:
    """Return the heads of parallel branches as one tensor; a copy only where there are branches."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _scores(call: AttentionCall, rows: slice = slice(None), head: slice = slice(None)) -> Tensor:
    queries, keys = call.queries[0, head, rows].float(), call.keys[0, head].float()
    scores = (queries * call.scale) @ keys.mT  # (heads, query, key)
    if call.bias is None:
        return scores
    bias = call.bias.expand(1, call.queries.shape[1], call.queries.shape[-2], keys.shape[-2])[0, head, rows]
    if bias.dtype == torch.bool:
        return scores.masked_fill(~bias, float("-inf"))
    return scores + bias.float()


def _checked(attention: Tensor, name: str) -> Tensor:
    if not math.isfinite(float(attention.sum())):  # one NaN or infinity makes the sum one, at the cost of one pass
        raise CaptureError(
            "{label} holds NaN or infinite numbers; wanted shares between 0 and 1. Check the weights.",
            label=name.capitalize(),
        )
    return attention
