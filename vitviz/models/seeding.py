"""Random weights from a seed, without touching the global random state.

timm's and torch's initialisers draw from the global generator. Setting its seed would change the random numbers
of every other thread, so the initialisers are handed a generator of their own instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_IN_PLACE = (
    Tensor.normal_,
    Tensor.uniform_,
    Tensor.bernoulli_,
    Tensor.exponential_,
    Tensor.random_,
    Tensor.log_normal_,
    torch.rand,
    torch.randn,
    torch.randint,
    torch.randperm,
    torch.normal,
    torch.bernoulli,
    nn.init.uniform_,
    nn.init.normal_,
    nn.init.trunc_normal_,
    nn.init.xavier_uniform_,
    nn.init.xavier_normal_,
    nn.init.kaiming_uniform_,
    nn.init.kaiming_normal_,
    nn.init.orthogonal_,
    nn.init.sparse_,
)
_OF_VALUES = (*(draw for draw in _IN_PLACE if draw.__name__.endswith("_")), Tensor.erfinv_, Tensor.clamp_)
"""Nothing to do for tensors without memory; torch would import its compiler for it, a second and 60 MB."""


class SeededInitialisation(TorchFunctionMode):
    """Within this context, random initialisers of the current thread draw from a generator with the given seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if function in _OF_VALUES and (filled := args[0] if args else kwargs["tensor"]).is_meta:
            return filled
        kwargs = dict(kwargs or {})
        if function in _IN_PLACE and kwargs.get("generator") is None:
            kwargs["generator"] = self._generator
        return function(*args, **kwargs)
