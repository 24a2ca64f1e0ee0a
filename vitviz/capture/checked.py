"""CheckedTap: the tap of the pass that a module is proven on, which looks for what would make its maps untrue.

That the observed answer is the module's own says nothing of the maps: the blocks may run side by side or in another
order, tokens may change places between them, scores may be written over before the softmax. Each is noted here, and
refused or told by ``vitviz.models.examination``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vitviz.capture.proof import differ
from vitviz.capture.tap import AttentionTap
from vitviz.capture.written import Scores, unreadable

_SHARES = {"sigmoid", "sigmoid_", "special_expit", "softmax", "special_softmax"}


class CheckedTap(AttentionTap):
    """Records a pass, and what happened in it to the tokens on their way from block to block."""

    def __init__(self) -> None:
        super().__init__()
        self.entered: list[int] = []
        """The blocks in the order in which they were entered."""
        self.beside: set[int] = set()
        """Blocks that were given what the block before was given, and not what it answered."""
        self.reordered: set[int] = set()
        """Blocks whose tokens stand in another order than the block before left them in."""
        self.changed: set[int] = set()
        """Blocks that were given something else than what the block before answered."""
        self.shares: list[Tensor] = []
        """What came out of a sigmoid or a softmax outside of the blocks."""
        self._given: Tensor | None = None
        self._left: Tensor | None = None
        self._seen: list[tuple[Tensor, Tensor]] = []

    def __enter__(self) -> CheckedTap:
        super().__enter__()
        return self

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = super().__torch_function__(function, types, args, kwargs)
        if self.layer is None and getattr(function, "__name__", "") in _SHARES and isinstance(result, Tensor):
            self.shares.append(result)
        return result

    def enter_block(self, layer: int, stream: Tensor) -> Tensor | None:
        """Note a block, and where its tokens come from."""
        self.entered.append(layer)
        if self._left is not None and self._given is not None and not _same(stream, self._left):
            self.changed.add(layer)
            if _same(stream, self._given):
                self.beside.add(layer)
            elif _is_reordered(stream, self._left):
                self.reordered.add(layer)
        self._given = stream.detach().clone()
        self._note(stream)
        return super().enter_block(layer, stream)

    def leave_block(self, layer: int, stream: Tensor) -> None:
        """Note what a block answered."""
        self._left = stream.detach().clone()
        self._note(stream)
        super().leave_block(layer, stream)

    @property
    def overwritten(self) -> bool:
        """Whether tokens, queries, keys or values were changed in place after they had been seen."""
        return not all(
            torch.allclose(_sum(tensor), then, rtol=0, atol=0, equal_nan=True) for tensor, then in self._seen
        )

    def _note(self, *tensors: Tensor) -> None:
        self._seen += [(tensor, _sum(tensor)) for tensor in tensors]

    def _record_call(
        self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float, output: Tensor
    ) -> None:
        self._note(query, key, value)
        super()._record_call(query, key, value, bias, scale, output)

    def _check_shares(self, shares: Tensor, scores: Scores) -> None:
        """Raise UnsupportedModelError unless attention written out by hand is what it was computed from says."""
        if differ(scores.softmax().to(shares.dtype), shares) is not None:
            raise unreadable(self.place(), "what the values are multiplied with is not the softmax of those scores")


def _same(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)


def _sum(tensor: Tensor) -> Tensor:
    """Return two numbers that a tensor does not keep when it is written into; a device may have no float64."""
    values = tensor.detach().float()
    return torch.stack([values.sum(), values.norm()])


def _is_reordered(tokens: Tensor, before: Tensor) -> bool:
    """Return whether tokens (1, token, channel) are those of before, some of them in other places."""
    if tokens.shape != before.shape or tokens.ndim != 3:
        return False
    own, other = tokens[0].float(), before[0].float()
    nearest = torch.cdist(own, other).min(-1)
    moved = nearest.indices.cpu() != torch.arange(len(own))
    return bool((moved & (nearest.values.cpu() < 1e-3 * (1 + own.norm(dim=-1).cpu()))).any())
