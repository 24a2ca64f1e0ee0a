"""Reading a weights file safely: safetensors, or a torch file of tensors only. Never a pickle that runs code."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vitviz.errors import CheckpointError, WeightsUnavailableError

_WRAPPERS = ("state_dict", "model", "module", "model_state_dict")
_BLOCKS = ("blocks.", "layer1.", "stages.")
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"  # how torch's files start: new and old


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weights file by name.

    Raises WeightsUnavailableError if there is no file, CheckpointError if it is a pickle, damaged or holds no tensors.
    """
    if not path.is_file():
        raise WeightsUnavailableError(f"There is no weights file at {path}. Give the path of a .safetensors file.")
    state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    while len(state) and not all(isinstance(value, Tensor) for value in state.values()):
        inner = next((state[key] for key in _WRAPPERS if isinstance(state.get(key), Mapping)), None)
        if inner is None:
            break
        state = dict(inner)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise CheckpointError(
            f"{path.name} holds no tensors; wanted the weights of a model. Save its state_dict as safetensors."
        )
    return tensors


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        if _is_pickle(path):  # asked only now: a real file may begin with the same byte
            raise CheckpointError(
                f"{path.name} is called safetensors but is a pickle, which can run code when it is opened; wanted "
                "a real safetensors file. Convert it on a machine that you trust with safetensors.torch.save_file."
            ) from error
        raise CheckpointError(
            f"{path.name} is not a complete safetensors file ({error}). Download or save it again."
        ) from error


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith((_ZIP, _PICKLE))


def _read_torch(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError, IndexError) as error:
        if isinstance(error, pickle.UnpicklingError) and _is_pickle(path):
            raise CheckpointError(
                f"{path.name} is a pickle that would run code when it is opened; wanted tensors only. "
                "Convert it on a machine that you trust with safetensors.torch.save_file."
            ) from error
        first = str(error).partition("\n")[0].partition(". ")[0]
        told = "it is no torch file" if isinstance(error, pickle.UnpicklingError) else first
        raise CheckpointError(
            f"{path.name} is damaged or no weights file ({told}). Save it again as safetensors."
        ) from error
    if not isinstance(state, Mapping):
        raise CheckpointError(
            f"{path.name} holds a {type(state).__name__}; wanted a state dict, names to tensors. "
            "Save model.state_dict()."
        )
    return dict(state)


def classes_in(state: Mapping[str, Tensor]) -> int | None:
    """Return the number of classes of a checkpoint's classifier: 0 if it has none, None if its names are not timm's.

    Vision Transformers, ResNets and ConvNeXts are known by the names of their blocks.
    """
    for name in ("head.weight", "classifier.weight", "fc.weight", "head.fc.weight"):
        if name in state:
            return int(state[name].shape[0])
    return 0 if any(name.startswith(_BLOCKS) for name in state) else None


def difference(name: str, state: Mapping[str, Tensor], module: nn.Module) -> str:
    """Return in words how a checkpoint differs from a module: missing and unknown names, other shapes."""
    wanted = module.state_dict()
    missing = sorted(set(wanted) - set(state))
    unknown = sorted(set(state) - set(wanted))
    other = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in sorted(set(wanted) & set(state))
        if state[key].shape != wanted[key].shape
    ]
    parts = [("missing", missing), ("not known to the model", unknown), ("of another shape", other)]
    told = "; ".join(f"{len(keys)} {what}: {_first(keys)}" for what, keys in parts if keys)
    return f"The checkpoint does not fit {name}: {told or 'its tensors could not be converted'}."


def _first(keys: list[str], count: int = 4) -> str:
    return ", ".join(keys[:count]) + (" …" if len(keys) > count else "")
