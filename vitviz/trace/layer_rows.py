"""Gradients through the end of a block where they come from few tokens: that end is run again for those alone.

Behind its attention a block treats every token by itself. So where the head reads the class token, the gradient of a
layer's answer at that layer's attention is zero for every other query, and the end of the block, run again for that
one token on the recorded attention output, gives the rest without a backward pass through all tokens. That a block is
like this is not assumed: what it answers for the few tokens must be what it answered for them among all.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vitviz.capture.graph import gradients_of
from vitviz.capture.tap import AttentionCall, AttentionTap
from vitviz.errors import VitvizError
from vitviz.progress import is_out_of_memory

MOST = 4
"""The most tokens that count as few."""


def rows_read(slope: Tensor) -> Tensor | None:
    """Return the tokens, (row,), at which a gradient (1, token, channel) is not zero; None if these are not few."""
    rows = slope[0].any(-1).nonzero()[:, 0]
    return rows if 0 < len(rows) <= MOST else None


def row_gradients(
    block: nn.Module, before: Tensor, after: Tensor, calls: Sequence[AttentionCall], slope: Tensor, rows: Tensor
) -> tuple[Tensor, ...] | None:
    """Return the gradients at a block's attention outputs for some queries, (heads, row, head_dim) for each call.

    ``before`` and ``after`` are the residual stream at both ends of the block and ``slope`` the gradient behind it,
    (1, token, channel), zero but at ``rows``. None where the block does not treat these tokens by themselves.
    """
    outputs = [call.output[:, :, rows].detach().requires_grad_() for call in calls if call.output is not None]
    entering, expected = before.detach()[:, rows], after.detach()[:, rows]  # (1, row, channel)
    try:
        replay = _Replay(outputs)
        with replay:
            again = block(entering)  # (1, row, channel)
        close = torch.allclose(again.detach(), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
        if replay.left or again.shape != expected.shape or not close:
            return None
        slopes = gradients_of((again * slope[:, rows]).sum(), outputs)
    except (VitvizError, RuntimeError, LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        if is_out_of_memory(error):
            raise
        return None  # it wants all tokens, positions or more arguments; the whole graph tells what it comes to
    if any(part is None for part in slopes):
        return None
    return tuple(part[0].detach() for part in slopes if part is not None)


class _Replay(AttentionTap):
    """Answers the attention calls of one block with given outputs, (1, heads, row, head_dim), in their order."""

    def __init__(self, outputs: Sequence[Tensor]) -> None:
        super().__init__(record=False)
        self.left = list(outputs)
        """Those not yet asked for."""

    def kernel(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, scale: float | None
    ) -> Tensor:
        """Return the next of the given outputs; raises LookupError or ValueError for a call that was not recorded."""
        output = self.left.pop(0)
        if output.shape != query.shape[:-1] + value.shape[-1:]:
            raise ValueError(f"the call has queries of shape {tuple(query.shape)}; wanted {tuple(output.shape)}")
        return output
