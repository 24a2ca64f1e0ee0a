"""Let torchvision and timm be imported without torch's compiler, which neither needs until somebody compiles.

torchvision 0.28 takes one function of the compiler, for regions pooled on a GPU, and timm 1.0 marks two functions of
NaFlexViT as not to be compiled. Each brings all of the compiler, and sympy with it: 1.4 of the 3.7 seconds of processor
time in which a process that explains a photo starts, and 68 of its 339 MB. Both requests wait until they are used.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch.compiler
from torch import _compile

_UTILITIES = "torch._dynamo.utils"


class _Utilities(ModuleType):
    """Stands for a module of the compiler until somebody wants more of it than the one function."""

    @staticmethod
    def is_compile_supported(device_type: str) -> bool:
        """Return what the compiler, imported now, says of a device."""
        return bool(importlib.import_module(_UTILITIES).is_compile_supported(device_type))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python asks any module for
            raise AttributeError(name)
        if sys.modules.get(_UTILITIES) is self:
            del sys.modules[_UTILITIES]
        return getattr(importlib.import_module(_UTILITIES), name)


def _disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Mark a function as not to be compiled, as ``torch.compiler.disable`` does, but not before it is called."""
    return _compile._disable_dynamo(fn, recursive)


@contextmanager
def compiler_waits() -> Iterator[None]:
    """Let imports meanwhile bring no compiler; where it is there already, or another asks for it, nothing changes."""
    if "torch._dynamo" in sys.modules or not hasattr(_compile, "_disable_dynamo"):
        yield
        return
    utilities = sys.modules[_UTILITIES] = _Utilities(_UTILITIES)
    disable, torch.compiler.disable = torch.compiler.disable, _disable
    try:
        yield
    finally:
        torch.compiler.disable = disable
        if sys.modules.get(_UTILITIES) is utilities:
            del sys.modules[_UTILITIES]
