"""A device that stands in for a GPU where there is none: real numbers, held apart from the processor's.

A far tensor says that it lies on the device "meta" and holds its numbers on the CPU. As on a GPU, an operation on a far
and a near tensor is an error, unless the near one is a single number or an index; as on Apple's, there is no float64.
What forgets to move a tensor fails here as it would there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
_MOVES = ("aten::_to_copy", "aten::copy_", "aten::index.Tensor", "aten::index_put_", "aten::index_put")


class Far(Tensor):
    """A tensor on the device."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Far:
        """Put a tensor on the device."""
        if held.dtype == torch.float64:
            raise TypeError("The far device has no float64, as Apple's has none.")
        made: Far = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device="cpu", dispatch_device=True,
        )  # fmt: skip
        made.held = held
        return made

    def __getitem__(self, index: Any) -> Tensor:
        """Return a part; torch would make a list of numbers an index without asking this class."""
        return super().__getitem__(_index(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        """Change a part."""
        super().__setitem__(_index(index), value)

    def tolist(self) -> Any:
        """Return its numbers."""
        return self.held.tolist()

    @property
    def is_meta(self) -> bool:  # type: ignore[override]
        """Say that there are numbers."""
        return False

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation outside of the mode: a backward pass, say."""
        return _run(function, args, kwargs or {})


class _Watch(TorchDispatchMode):
    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(function, args, kwargs or {})


def _run(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    if function is torch.ops.prim.device.default:
        return DEVICE if isinstance(args[0], Far) else args[0].device
    name = function.name()
    far = any(isinstance(tensor, Far) for tensor in tensors)
    near = [tensor for tensor in tensors if not isinstance(tensor, Far) and tensor.ndim]
    if far and near and not name.startswith(_MOVES):
        shapes = [tuple(tensor.shape) for tensor in tensors]
        raise RuntimeError(f"{name} got tensors of two devices, of shapes {shapes}")
    assert all(isinstance(tensor, Far) or not tensor.is_meta for tensor in tensors), f"{name} got no numbers"
    wanted = kwargs.get("device")
    if wanted is not None:
        far, kwargs = torch.device(wanted) == DEVICE, {**kwargs, "device": torch.device("cpu")}
    elif name == "aten::copy_":
        far = isinstance(args[0], Far)
    result = function(*tree_map(_held, args), **tree_map(_held, kwargs))
    if name.endswith("_") and isinstance(result, Tensor):
        return args[0]
    return tree_map(lambda part: Far(part) if isinstance(part, Tensor) else part, result) if far else result


def _index(index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(torch.tensor(part) if isinstance(part, list) else part for part in parts)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, Far) else value


@contextmanager
def far_device() -> Iterator[torch.device]:
    """Yield the device; what is to be moved there or made there has to be inside."""
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with _Watch(), mock.patch.object(torch, "inference_mode", _no_gradients):
            yield DEVICE
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)


def _no_gradients(mode: bool = True) -> Any:
    """Stand in for inference mode, which runs past what can be watched."""
    return torch.no_grad() if mode else nullcontext()


def moved(module: nn.Module) -> nn.Module:
    """Return a copy of a module on the device."""
    return copy.deepcopy(module).to(DEVICE)
