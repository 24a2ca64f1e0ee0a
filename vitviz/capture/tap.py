"""AttentionTap: sees every fused attention call of this thread, records it and edits it on the way.

The tap stands on the operation ``scaled_dot_product_attention`` and not on a module's name. There the queries
and keys are final: after their norms, after rotary positions, with the relative-position bias. It is active in
the thread that entered it and nowhere else.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.graph import GraphWatch
from vitviz.capture.multi_head import multi_head_attention
from vitviz.capture.written import (
    NAMES,
    SOFTMAXES,
    Scores,
    Written,
    causal_mask,
    einsum_operands,
    product_with_values,
    softmax_dimension,
    unfolded,
    unreadable,
)
from vitviz.clause import Clause
from vitviz.errors import CaptureError, UnsupportedModelError
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class AttentionCall(Record):
    """One fused attention call: all that is needed to compute its attention matrix later."""

    layer: int | None
    """The block it happened in; None outside the blocks (attention pooling)."""
    queries: Tensor
    """(batch, heads, query, head_dim), after an edit of the temperature."""
    keys: Tensor
    """(batch, heads, key, head_dim)."""
    values: Tensor
    """(batch, heads, key, head_dim)."""
    bias: Tensor | None
    """Additive bias or boolean mask (True = may attend), any shape that broadcasts to (batch, heads, query, key)."""
    scale: float
    """Factor of the dot product, usually 1/√head_dim."""
    output: Tensor | None
    """(batch, heads, query, head_dim) as the kernel returned it; kept only when gradients are wanted."""


class AttentionTap(GraphWatch):
    """Records the attention calls and the residual stream of one forward pass of a watched shell.

    Where gradients are on it is a GraphWatch too: a pass that does not stay in autograd's graph is refused.
    """

    def __init__(
        self, edit: Edit = NO_EDIT, *, record: bool = True, keep_outputs: bool = False, images: int | None = None
    ) -> None:
        """``images`` is the number of pictures of a pass whose blocks report nothing: heads may lie beside them."""
        super().__init__()
        self.calls: list[AttentionCall] = []
        self.streams: dict[int, Tensor] = {}
        self.layer: int | None = None
        self._record, self._keep_outputs = record, keep_outputs
        self._temperature = dict(edit.temperature)
        self._ablate = edit.ablate_heads
        self._mask = edit.mask_tokens
        self._heads_seen = 0
        self._written = Written(images)

    def __enter__(self) -> AttentionTap:
        _active.stack.append(self)
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _active.stack.remove(self)
        super().__exit__(kind, error, trace)

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # A tap entered inside another's pass hands its calls on to the outer one, whose model they are not.
        kwargs = kwargs or {}
        if _active.stack[-1] is not self:
            result = function(*args, **kwargs)
        elif function is functional.scaled_dot_product_attention:
            result = self._attend(*args, **kwargs)
        elif function is functional.multi_head_attention_forward:
            return multi_head_attention(self, args, kwargs)  # what happens inside is followed there
        elif getattr(function, "__name__", "") in NAMES:
            result = self._by_hand(function, args, kwargs)
        else:
            result = function(*args, **kwargs)
        if self._watching:
            self.follow(function, args, kwargs, result)
        return result

    def place(self) -> str:
        """Return the block that the pass is in, in words."""
        return Clause("outside its blocks") if self.layer is None else Clause("in block {layer}", layer=self.layer)

    def enter_block(self, layer: int, stream: Tensor) -> Tensor | None:
        """Note that a block starts, and the residual stream at its input if it is the first.

        Returns the stream that the block gets in its place, or None to leave it.
        """
        self.layer, self._heads_seen = layer, 0
        self._written.forget()
        self._written.images = len(stream)
        if layer == 0 and self._record:
            self.streams[-1] = stream
        return None

    def leave_block(self, layer: int, stream: Tensor) -> None:
        """Note the residual stream after a block.

        Raises UnsupportedModelError for a softmax in it that no values were multiplied with.
        """
        if self._written.pending:
            raise unreadable(self.place(), "the softmax is not multiplied with the values as it is")
        self.layer = self._written.images = None
        if self._record:
            self.streams[layer] = stream

    def kernel(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, scale: float | None
    ) -> Tensor:
        """Return the output of one call, (batch, heads, query, head_dim), its inputs edited as they may be."""
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=attn_mask, scale=scale)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if dropout_p or is_causal and attn_mask is not None:
            raise UnsupportedModelError(
                "The model calls attention with dropout, or with a causal mask beside another one; "
                "wanted self-attention in eval mode. This model cannot be read truthfully."
            )
        if query.ndim == key.ndim == value.ndim == 3 and self._written.images is not None:
            return self._attend_in_batch(query, key, value, attn_mask, is_causal, scale)
        if query.ndim != 4:
            raise UnsupportedModelError(
                "The model calls attention on tensors of shape {shape}; wanted (batch, heads, "
                "token, head_dim). This model cannot be read truthfully.",
                shape=tuple(query.shape),
            )
        attn_mask = causal_mask(query, key) if is_causal or _is_causal(attn_mask, query, key) else attn_mask
        if enable_gqa:  # several heads share keys and values
            key, value = (part.repeat_interleave(query.shape[1] // part.shape[1], 1) for part in (key, value))
        factor = self._temperature.get(-1 if self.layer is None else self.layer, 1.0)
        if factor != 1:
            query = query / factor
            if attn_mask is not None and attn_mask.dtype != torch.bool:
                attn_mask = attn_mask / factor  # the bias is part of the scores that the temperature divides
        if self.layer is not None:
            attn_mask = self._with_masked_tokens(attn_mask, key)
        output = self.kernel(query, key, value, attn_mask, scale)
        factor_of_dot = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
        self._record_call(query, key, value, attn_mask, factor_of_dot, output)
        return self._without_ablated_heads(output)

    def _attend_in_batch(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, is_causal: bool, scale: float | None
    ) -> Tensor:
        """Attend where the heads lie in the batch, (image · head, token, head_dim); or where there is one alone."""
        images = self._written.images
        parts = [unfolded(tensor, images) for tensor in (query, key, value)]
        if mask is not None and mask.ndim == 3:
            mask = mask[None] if len(mask) == 1 else unfolded(mask, images)
        if any(part is None for part in parts):
            raise unreadable(self.place(), "its heads lie in the batch in a way that cannot be told")
        queries, keys, values = (part for part in parts if part is not None)
        return self._attend(queries, keys, values, mask, is_causal=is_causal, scale=scale).flatten(0, 1)

    def _by_hand(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation that attention may be written with, and follow it."""
        name = function.__name__
        if name in SOFTMAXES:
            return self._softmax(function, args, kwargs)
        shares = args[0] if args and name != "einsum" else (einsum_operands(args) or (None, None))[1]
        scores = self._written.shares_of(shares)
        product = None if scores is None else product_with_values(name, args, self._written.images)
        if scores is None or product is None or not isinstance(shares, Tensor):
            step = self._written.before(name, args, kwargs)
            result = function(*args, **kwargs)
            self._written.after(step, result)
            return result
        values, ordered = product
        self._check_shares(shares, scores)
        maps = shares if shares.ndim == 4 else shares.unflatten(0, values.shape[:2])  # (batch, heads, query, key)
        output = torch.matmul(maps, values)  # (batch, heads, query, head_dim)
        self._record_call(scores.queries, scores.keys, values, scores.bias, scores.scale, output)
        self._written.forget()
        return ordered(self._without_ablated_heads(output))

    def _softmax(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a softmax; over attention scores it is edited on the way."""
        given = args[0] if args else kwargs["input"]
        scores = self._written.scores_of(given)
        if scores is None or softmax_dimension(args, kwargs) not in (-1, given.ndim - 1):
            square = self.layer is not None and given.ndim in (3, 4) and given.shape[-1] == given.shape[-2]
            if square or scores is not None:
                raise unreadable(self.place(), "its scores are no product of queries and keys that could be followed")
            return function(*args, **kwargs)
        factor = self._temperature.get(-1 if self.layer is None else self.layer, 1.0)
        if factor != 1:
            given = given / factor
            bias = None if scores.bias is None else scores.bias / factor
            scores = replace(scores, queries=scores.queries / factor, bias=bias)
        keep = None if self.layer is None else self._with_masked_tokens(None, scores.keys)
        if keep is not None:
            given = given.masked_fill(~keep if given.ndim == 4 else ~keep[0], float("-inf"))
            scores = replace(scores, bias=self._with_masked_tokens(scores.bias, scores.keys))
        named = {key: value for key, value in kwargs.items() if key != "input"}
        result = function(given, *args[1:], **named)
        self._written.note_shares(result, scores)
        return result

    def _check_shares(self, shares: Tensor, scores: Scores) -> None:
        """Look at attention written out by hand, (batch, heads, query, key), beside what it was computed from."""

    def _record_call(
        self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float, output: Tensor
    ) -> None:
        if self._record:
            kept = output if self._keep_outputs else None
            self.calls.append(AttentionCall(self.layer, query, key, value, bias, scale, kept))

    def _with_masked_tokens(self, attn_mask: Tensor | None, key: Tensor) -> Tensor | None:
        if not self._mask:
            return attn_mask
        keep = torch.ones(key.shape[-2], dtype=torch.bool, device=key.device)  # (key,)
        keep[list(self._mask)] = False
        if attn_mask is None:
            return keep[None, None, None, :]
        if attn_mask.dtype == torch.bool:
            return attn_mask & keep
        return attn_mask.masked_fill(~keep, float("-inf"))

    def _without_ablated_heads(self, output: Tensor) -> Tensor:
        first, heads = self._heads_seen, output.shape[1]
        self._heads_seen += heads
        silenced = [head - first for layer, head in self._ablate if layer == self.layer and 0 <= head - first < heads]
        if not silenced:
            return output
        keep = torch.ones(heads, dtype=output.dtype, device=output.device)
        keep[silenced] = 0
        return output * keep[None, :, None, None]  # (batch, heads, query, head_dim)


def _is_causal(mask: Any, query: Tensor, key: Tensor) -> bool:
    """Return whether a mask is torch's own causal one, which holds no numbers, over as many queries as keys."""
    if type(mask).__module__ != "torch.nn.attention.bias":  # importing it takes seconds
        return False
    if query.shape[-2] != key.shape[-2]:
        raise UnsupportedModelError(
            "The model attends from {query} to {key} tokens under a causal mask; wanted as many. This model cannot be "
            "read truthfully.",
            query=query.shape[-2],
            key=key.shape[-2],
        )
    return True


class _Active(threading.local):
    """The taps that this thread has entered, innermost last."""

    def __init__(self) -> None:
        self.stack: list[AttentionTap] = []


_active = _Active()


def watch_blocks(blocks: Iterable[nn.Module], *, copied: bool = False) -> int:
    """Make the blocks of a shell report to the tap of the thread that runs them; return their number.

    ``copied`` reports copies of the tokens, for blocks that change them in place.
    """
    count = 0
    for layer, block in enumerate(blocks):
        block.register_forward_pre_hook(_reporter_before(layer, copied), with_kwargs=True)
        block.register_forward_hook(_reporter_after(layer, copied))
        count += 1
    return count


def _reporter_before(layer: int, copied: bool) -> Callable[..., Any]:
    def report(block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not _active.stack:
            return None
        name = None if args else next(iter(kwargs))
        stream = args[0] if name is None else kwargs[name]
        changed = _active.stack[-1].enter_block(layer, stream.clone() if copied else stream)
        if changed is None:
            return None
        return ((changed, *args[1:]), kwargs) if name is None else (args, {**kwargs, name: changed})

    return report


def _reporter_after(layer: int, copied: bool) -> Callable[..., None]:
    def report(block: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if _active.stack:
            stream = stream_in(output, layer)
            _active.stack[-1].leave_block(layer, stream.clone() if copied else stream)

    return report


def stream_in(output: Any, layer: int) -> Tensor:
    """Return the residual stream in what a block returns: the tensor, or the first of several things.

    Raises CaptureError if there is none.
    """
    stream = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(stream, Tensor):
        raise CaptureError(
            "Block {layer} returned a {kind}; wanted one tensor of tokens. This model cannot be read truthfully.",
            layer=layer,
            kind=type(stream).__name__,
        )
    return stream
