"""Files that people give for weights and that are none, or are those of another kind of network: all to be refused."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.layouts.case import Answer, Case, answer_of, prefixed, save, small
from vitviz.models.timm_door import timm

State = dict[str, Tensor]
_POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 343328912\n"
)


def _bytes(name: str, file: str, content: bytes, refused: str) -> Case:
    def write(path: Path) -> Answer:
        path.write_bytes(content)
        return answer_of(small())

    return Case(name, file, write, refused=refused)


def _written(name: str, file: str, write: Callable[[Path], Any], refused: str) -> Case:
    def written(path: Path) -> Answer:
        write(path)
        return answer_of(small())

    return Case(name, file, written, refused=refused)


def _network(name: str, state: Callable[[], State], refused: str) -> Case:
    return _written(name, "a.pth", lambda path: save(path, state()), refused)


def cases() -> Iterator[Case]:
    """Yield the cases."""
    yield from _files()
    yield from _networks()


def _files() -> Iterator[Case]:
    whole = io.BytesIO()
    torch.save(small().state_dict(), whole)
    yield _bytes("an empty file", "a.pth", b"", "is empty")
    yield _bytes("an empty safetensors file", "a.safetensors", b"", "is empty")
    yield _bytes("Git LFS's pointer", "model.safetensors", _POINTER.encode(), "pointer of Git LFS.*git lfs pull")
    yield _bytes("a web page", "a.pth", b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page")
    yield _bytes("a text", "a.pth", b"lr: 0.1\nepochs: 30\n", "is a text")
    yield _bytes("half of a torch file", "a.pth", whole.getvalue()[:200_000], "breaks off|not complete|damaged")
    yield _bytes("Flax's msgpack", "flax_model.msgpack", b"\x82\xa6params\x81\xa3vit\x80", "msgpack of Flax")
    yield _bytes("HDF5 of Keras", "model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(64), "HDF5 file of Keras")
    yield _bytes("GGUF", "model.gguf", b"GGUF\x03\x00\x00\x00" + bytes(64), "GGUF")
    yield _bytes("ONNX", "model.onnx", b"\x08\x08\x12\x07pytorch\x1a\x052.1.0" + bytes(64), "ONNX")
    yield _bytes("a picture", "a.pth", b"\x89PNG\r\n\x1a\n" + bytes(64), "is a picture")
    yield _written("a tar archive", "a.pth.tar", _tarred, "tar archive.*[Uu]npack")
    yield _written("a zip with weights in it", "a.zip", _zipped, "zip archive.*run/best.pth.*[Uu]npack")
    yield _written("a table without tensors", "a.pth", lambda path: torch.save({"epoch": 3}, path), "holds no tensors")
    yield _written("a list of tensors", "a.pth", lambda path: torch.save([torch.ones(2)], path), "holds a list")
    yield _written("Detectron2's plain pickle", "a.pkl", _pickled, "is a pickle, but not torch's")
    yield _written("one array", "a.npy", lambda path: np.save(path, np.ones((2, 3))), "one array")
    yield _written("a torch file that runs code", "a.pth", lambda path: torch.save({"a": _Runs()}, path), "run code")
    yield _written("an optimiser's states", "optimizer.pt", _optimiser, "states of an optimi[sz]er")


def _networks() -> Iterator[Case]:
    yield _network("Swin V2", lambda: _timm("swinv2_tiny_window8_256", embed_dim=16, depths=(1, 1, 1, 1)), "Swin")
    yield _network("Swin under backbone.", lambda: prefixed(
        _timm("swin_tiny_patch4_window7_224", embed_dim=16, depths=(1, 1, 1, 1)), "backbone."), "Swin")  # fmt: skip
    yield _network("ResNet", lambda: _timm("resnet18"), "convolutional")
    yield _network("ConvNeXt", lambda: _timm("convnext_atto"), "convolutional")
    yield _network("a language model", _language, "language")
    yield _network("a video ViT (tubes of frames)", _video, "video")
    yield _network("a ViT in int8", _integers, "int8")


def _timm(name: str, **options: Any) -> State:
    return dict(timm.create_model(name, **options).state_dict())


def _language() -> State:
    place = "model.layers.0."
    return {
        "model.embed_tokens.weight": torch.ones(9, 8), f"{place}input_layernorm.weight": torch.ones(8),
        f"{place}self_attn.q_proj.weight": torch.ones(8, 8), f"{place}mlp.gate_proj.weight": torch.ones(16, 8),
        "model.norm.weight": torch.ones(8), "lm_head.weight": torch.ones(9, 8),
    }  # fmt: skip


def _video() -> State:
    state = dict(small().state_dict())
    return state | {"patch_embed.proj.weight": torch.ones(64, 3, 2, 16, 16)}


def _integers() -> State:
    state = dict(small().state_dict())
    return {
        name: (value * 100).to(torch.int8) if value.ndim == 2 else value
        for name, value in state.items()
    }  # fmt: skip


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


def _tarred(path: Path) -> None:
    inner = path.with_name("best.pth")
    torch.save(small().state_dict(), inner)
    with tarfile.open(path, "w") as archive:
        archive.add(inner, "run/best.pth")


def _zipped(path: Path) -> None:
    inner = path.with_name("best.pth")
    torch.save(small().state_dict(), inner)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(inner, "run/best.pth")
        archive.writestr("run/config.json", json.dumps({}))


def _pickled(path: Path) -> None:
    state = {name: value.numpy() for name, value in small().state_dict().items()}
    path.write_bytes(pickle.dumps({"model": state, "__author__": "third party"}))


def _optimiser(path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    torch.save(optimiser.state_dict(), path)
