"""The tensors of a TorchScript archive, read without its code: OpenAI's CLIP is handed out as one."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch
from torch import Tensor

_TYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class _Part:
    """A module of the archive: what it holds by name, without what it does."""

    held: dict[str, Any]

    def __init__(self, *_: Any) -> None:
        self.held = {}

    def __setstate__(self, state: Any) -> None:
        self.held = dict(state) if isinstance(state, dict) else {}


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    return storage.as_strided(size, stride, offset)


def _first(value: Any, *_: Any) -> Any:
    return value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _first,
    "collections.OrderedDict": OrderedDict,
    **{f"torch.jit._pickle.{name}": _first for name in (
        "restore_type_tag", "build_intlist", "build_tensorlist", "build_doublelist", "build_boollist",
    )},
}  # fmt: skip


class _Reader(pickle.Unpickler):
    """Knows the archive's own types, all of which become plain parts, and no other."""

    def __init__(self, archive: ZipFile, root: str) -> None:
        super().__init__(archive.open(f"{root}/data.pkl"))
        self._archive, self._root = archive, root

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return _Part
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if f"{module}.{name}" in _FUNCTIONS:
            return _FUNCTIONS[f"{module}.{name}"]
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL {module}.{name} was not an allowed global")

    def persistent_load(self, pid: Any) -> Tensor:
        _, kind, key, _, count = pid
        data = bytearray(self._archive.read(f"{self._root}/data/{key}"))
        return torch.frombuffer(data, dtype=kind, count=count) if count else torch.zeros(0, dtype=kind)


def tensors_of(path: Path, root: str) -> dict[str, Tensor]:
    """Return the tensors of an archive by the names that its state dict has; no code of it is run or compiled.

    ``root`` is the folder that all of the archive lies in. Raises UnpicklingError for a type that is not its own.
    """
    with ZipFile(path) as archive:
        part = _Reader(archive, root).load()
    tensors: dict[str, Tensor] = {}
    _collect(part, "", tensors)
    return tensors


def _collect(part: Any, prefix: str, tensors: dict[str, Tensor]) -> None:
    for name, value in part.held.items() if isinstance(part, _Part) else ():
        if isinstance(value, Tensor):
            tensors[prefix + name] = value
        _collect(value, f"{prefix}{name}.", tensors)
