"""What a torch file may hold beside tensors: a fixed list of harmless records, none of which can run code."""

from __future__ import annotations

import argparse
import collections
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class Settings(argparse.Namespace):
    """Stands for a record of settings of another library, which need not be installed: its attributes, no code."""


class SettingsTable(dict[Any, Any]):
    """Stands for a dictionary of settings of another library."""


_RECORDS = (
    *(f"omegaconf.base.{name}" for name in ("ContainerMetadata", "Metadata")),
    *(f"omegaconf.nodes.{name}Node" for name in ("Any", "Integer", "Float", "String", "Boolean", "Path", "Enum")),
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.nodes.InterpolationResultNode",
    "types.SimpleNamespace",
    "mmengine.logging.history_buffer.HistoryBuffer",
)
_TABLES = (
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "yacs.config.CfgNode",
    "fvcore.common.config.CfgNode",
    "easydict.EasyDict",
    "addict.addict.Dict",
    "mmengine.config.config.ConfigDict",
)
_PATHS = {
    "PosixPath": pathlib.PurePosixPath,
    "PurePosixPath": pathlib.PurePosixPath,
    "WindowsPath": pathlib.PureWindowsPath,
    "PureWindowsPath": pathlib.PureWindowsPath,
}
_SCALARS = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _numpy() -> list[Any]:
    # asked of NumPy itself, because the module's name has changed: numpy.core, then numpy._core
    scalar: Any = np.float64(0).__reduce__()[0]
    array: Any = np.zeros(0).__reduce__()[0]
    both = [(function, f"numpy.{core}.multiarray.{name}") for core in ("core", "_core") for function, name in (
        (scalar, "scalar"), (array, "_reconstruct"))]  # fmt: skip
    kinds = {type(np.dtype(name)) for name in (*_SCALARS, "bool", "str", "object")}
    return [*both, np.ndarray, np.dtype, *kinds, *(getattr(np, name) for name in _SCALARS), np.bool_]


HARMLESS: tuple[Any, ...] = (
    argparse.Namespace,
    *((Settings, name) for name in _RECORDS),
    *((SettingsTable, name) for name in _TABLES),
    *((kind, f"{module}.{name}") for module in ("pathlib", "pathlib._local") for name, kind in _PATHS.items()),
    (Any, "typing.Any"),
    collections.defaultdict,
    collections.OrderedDict,
    *((kind, f"builtins.{kind.__name__}") for kind in (dict, list, set, tuple, int, float, str, bool)),
    *_numpy(),
)
"""What ``torch.serialization.safe_globals`` is given; each is a class that holds values, or NumPy's maker of arrays."""


def attributes(value: Any) -> Mapping[Any, Any] | None:
    """Return what a mapping or a record holds by name, or None for any other value."""
    if isinstance(value, Mapping):
        return value
    return vars(value) if isinstance(value, argparse.Namespace) else None


def load(path: pathlib.Path) -> Any:
    """Return what a torch file holds: tensors and harmless records; raises what ``torch.load`` raises."""
    with torch.serialization.safe_globals(list(HARMLESS)):
        return torch.load(path, map_location="cpu", weights_only=True)
