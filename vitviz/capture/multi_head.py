"""torch's own multi-head attention, with the fused call inside of it in sight.

``torch.nn.MultiheadAttention`` hands everything over to one function, which hides from a TorchFunctionMode what it
calls. A copy of that function, equal but for the check that hides it, is run in its place.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from vitviz.capture.written import causal_mask


class _Relay(TorchFunctionMode):
    """Hands on what happens inside to the mode that the call happened under."""

    def __init__(self, mode: TorchFunctionMode) -> None:
        super().__init__()
        self._mode = mode
        self._call: tuple[Any, ...] = ()

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if function is functional.scaled_dot_product_attention:
            self._call = args
        return self._mode.__torch_function__(function, types, args, kwargs)

    def weights(self) -> Tensor:
        """Return the attention of the call, (batch, heads, query, key)."""
        query, key, _, mask, _, causal = self._call
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        if causal:
            scores = scores.masked_fill(~causal_mask(query, key), float("-inf"))
        weights: Tensor = (scores if mask is None else scores + mask).softmax(-1)
        return weights


def multi_head_attention(
    mode: TorchFunctionMode, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, Tensor | None]:
    """Run torch's multi-head attention under a mode that sees its fused call; its weights are computed beside it."""
    given = dict(_SIGNATURE.bind(*args, **kwargs).arguments)
    wanted, mean = given.pop("need_weights", True), given.pop("average_attn_weights", True)
    relay = _Relay(mode)
    with relay:
        output, _ = _OPEN(**given, need_weights=False)
    weights = relay.weights() if wanted else None
    return output, weights if weights is None or not mean else weights.mean(1)


def _opened() -> Callable[..., Any]:
    function: Any = functional.multi_head_attention_forward
    world = {**function.__globals__, "has_torch_function": lambda *_: False}
    made = FunctionType(function.__code__, world, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


_SIGNATURE = inspect.signature(functional.multi_head_attention_forward)
_OPEN = _opened()
