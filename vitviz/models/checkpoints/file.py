"""Reading a weights file safely, whatever it is called: safetensors, a torch file, TorchScript, or NumPy's archive."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from vitviz.clause import Clause
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints import records, torchscript
from vitviz.models.checkpoints.other_files import check_file
from vitviz.models.checkpoints.shards import parts_of
from vitviz.record import Record

_WRAPPERS = ("state_dict", "model", "module", "model_state_dict")
_BLOCKS = ("blocks.", "layer1.", "stages.")
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # how torch's files start: new and old
_TORCH_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # what torch's old files begin with, behind the protocol
_FAULTS = (
    pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, IndexError, TypeError,
    AttributeError, NotImplementedError, zipfile.BadZipFile,
)  # fmt: skip


@dataclass(frozen=True)
class Contents(Record):
    """What a weights file holds."""

    name: str
    """The file's name."""
    kind: str
    """safetensors, torch file, TorchScript archive or NumPy archive."""
    values: Mapping[str, Any] = field(repr=False)
    """What it holds, as it was saved: tensors, records and tables of them."""
    tables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """JSON files beside it that tell of it: "config" of Hugging Face, "adapter_config" of PEFT."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, that of a table before those in it: "state_dict.blocks.0.norm1.weight"."""
        return dict(_tensors(self.values, ""))

    @property
    def tables_of_tensors(self) -> list[str]:
        """The names of the tables that hold tensors, each with a dot at its end; "" is the file itself."""
        return ["", *_tables(self.values, "")]


def _tensors(values: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Tensor]]:
    for name, value in values.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
        elif isinstance(value, Mapping):
            yield from _tensors(value, f"{prefix}{name}.")


def _with_arrays(values: dict[str, Any]) -> dict[str, Any]:
    """Return what a file holds with arrays of NumPy as tensors, where it has no tensors of torch's."""
    if any(_tensors(values, "")):
        return values
    return {name: _as_tensors(value) for name, value in values.items()}


def _as_tensors(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_tensors(inner) for name, inner in value.items()}
    return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else value


def _tables(values: Mapping[Any, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield f"{prefix}{name}."
            yield from _tables(value, f"{prefix}{name}.")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_contents(path: Path) -> Contents:
    """Return what a weights file holds; its kind is read from its first bytes, not from its name.

    Raises WeightsUnavailableError if there is no file, CheckpointError if it is a pickle of anything but tensors and
    harmless records, if it is damaged, or if it holds no tensors.
    """
    kind = ""
    values: dict[str, Any] = {}
    for part in parts_of(path):
        check_file(part)
        kind, held = _read(part)
        values |= held
    names = ("config", "adapter_config")
    tables = {name: _json(path.parent / f"{name}.json") for name in names if (path.parent / f"{name}.json").is_file()}
    contents = Contents(path.name, kind, _with_arrays(values), tables)
    if not contents.tensors:
        raise CheckpointError(
            "{name} holds no tensors; wanted the weights of a model. Save its state_dict as safetensors.",
            name=path.name,
        )
    return contents


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file of vitviz's or timm's own by name, taken out of a table such as "model".

    Raises as ``read_contents``. ``recognise`` reads the files of others.
    """
    state: Mapping[str, Any] = read_contents(path).values
    while not all(isinstance(value, Tensor) for value in state.values()):
        inner = next((state[key] for key in _WRAPPERS if isinstance(state.get(key), Mapping)), None)
        if inner is None:
            break
        state = inner
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    with path.open("rb") as file:
        start = file.read(64)
    if start[8:9] == b"{":  # a length of eight bytes, then JSON
        return "safetensors", _read_safetensors(path)
    if path.suffix.lower() == ".safetensors":
        return "safetensors", _read_safetensors(path)  # says what is wrong with it
    names = zipfile.ZipFile(path).namelist() if start.startswith(_ZIP) and zipfile.is_zipfile(path) else []
    if names and all(name.endswith(".npy") for name in names):
        return "NumPy archive", _read_numpy(path)
    scripted = next((name for name in names if name.endswith("/constants.pkl")), None)
    if start.startswith(_PICKLE) and _TORCH_MAGIC not in start:
        raise CheckpointError(
            "{name} is a pickle, but not torch's, which can run code when it is opened; wanted tensors only. "
            "Convert it on a machine that you trust with safetensors.torch.save_file.",
            name=path.name,
        )
    try:
        if scripted is not None:
            return "TorchScript archive", dict(torchscript.tensors_of(path, scripted.partition("/")[0]))
        values = records.load(path)
    except _FAULTS as error:
        raise _unreadable(path, error) from error
    if not isinstance(values, Mapping):
        raise CheckpointError(
            "{name} holds a {kind}; wanted a state dict, names to tensors. Save model.state_dict().",
            name=path.name,
            kind=type(values).__name__,
        )
    return "torch file", {str(name): value for name, value in values.items()}


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return {**tensors, **dict(file.metadata() or {})}
    except (SafetensorError, OSError) as error:
        if _is_pickle(path):  # asked only now: a real file may begin with the same byte
            raise CheckpointError(
                "{name} is called safetensors but is a pickle, which can run code when it is opened; wanted a real "
                "safetensors file. Convert it on a machine that you trust with safetensors.torch.save_file.",
                name=path.name,
            ) from error
        raise CheckpointError(
            "{name} is not a complete safetensors file ({error}). Download or save it again.",
            name=path.name,
            error=str(error),
        ) from error


def _read_numpy(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: _of_array(archive[name]) for name in archive.files}
    except _FAULTS as error:
        told = str(error).partition("\n")[0].partition(". ")[0]
        raise CheckpointError(
            "{name} is a NumPy archive that cannot be read ({told}); wanted arrays of numbers. Save it again.",
            name=path.name,
            told=told,
        ) from error


def _of_array(array: Any) -> Tensor:
    """Return an array as a tensor; NumPy writes JAX's bfloat16 as two bytes without a meaning."""
    if array.dtype.kind == "V" and array.dtype.itemsize == 2:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith((_ZIP, _PICKLE))


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    if isinstance(error, pickle.UnpicklingError) and _is_pickle(path):
        wanted = re.search(r"GLOBAL ([\w.]+)|(?:global|class|function) ([\w.]+\.\w+)", str(error))
        kind = Clause(" (it wants {wanted})", wanted=wanted[1] or wanted[2]) if wanted else ""
        return CheckpointError(
            "{name} is a pickle that would run code when it is opened{kind}; wanted tensors only. Convert it on a "
            "machine that you trust with safetensors.torch.save_file.",
            name=path.name,
            kind=kind,
        )
    first = str(error).partition("\n")[0].partition(". ")[0]
    told = Clause("it is no torch file") if isinstance(error, pickle.UnpicklingError) else first
    return CheckpointError(
        "{name} is damaged or no weights file ({told}). Save it again as safetensors.", name=path.name, told=told
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            "{name}, beside the weights, is no JSON ({error}). Mend it, or keep the weights elsewhere.",
            name=path.name,
            error=error,
        ) from error
    return table if isinstance(table, dict) else {}


def classes_in(state: Mapping[str, Tensor]) -> int | None:
    """Return the number of classes of a checkpoint's classifier: 0 if it has none, None if its names are not timm's.

    Vision Transformers, ResNets and ConvNeXts are known by the names of their blocks.
    """
    for name in ("head.weight", "classifier.weight", "fc.weight", "head.fc.weight"):
        if name in state:
            return int(state[name].shape[0])
    return 0 if any(name.startswith(_BLOCKS) for name in state) else None
