"""Files that are given for weights and are none, told by their first bytes: what they are, and what to do instead."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from vitviz.clause import Clause
from vitviz.errors import CheckpointError, WeightsUnavailableError
from vitviz.record import Record

_LOOKED_AT = 512  # bytes: tar's mark stands at byte 257
_WEIGHTS = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".npz", ".tar")


@dataclass(frozen=True)
class OtherFile(Record):
    """A kind of file that holds no weights that can be read here."""

    mark: bytes
    """What it begins with, or holds at ``place``."""
    name: Clause
    """What it is: "a web page"."""
    hint: Clause
    """What to do."""
    place: int = 0


_EXPORT = Clause("Load it with the library that wrote it, and save the model's state_dict as safetensors.")
_AGAIN = Clause("Take the weights file.")
_UNPACK = Clause("Unpack it, and give the weights file that is in it.")
_KINDS = (
    OtherFile(
        b"version https://git-lfs", Clause("a pointer of Git LFS, a few lines that stand for the file"),
        Clause("Fetch the file itself: git lfs pull."),
    ),
    OtherFile(b"<!DOCTYPE", Clause("a web page"), Clause("Download the file itself: a page was saved in its place.")),
    OtherFile(b"<html", Clause("a web page"), Clause("Download the file itself: a page was saved in its place.")),
    OtherFile(b"\x89HDF", Clause("an HDF5 file of Keras"), _EXPORT),
    OtherFile(b"GGUF", Clause("a GGUF file, quantised for llama.cpp"), Clause("Take the weights that it was made of.")),
    OtherFile(b"TFL3", Clause("a model of TensorFlow Lite"), _EXPORT, place=4),
    OtherFile(b"\x89PNG", Clause("a picture"), _AGAIN),
    OtherFile(b"\xff\xd8\xff", Clause("a picture"), _AGAIN),
    OtherFile(b"%PDF", Clause("a PDF"), _AGAIN),
    OtherFile(b"\x93NUMPY", Clause("one array of NumPy, without names"), Clause("Save a state_dict instead.")),
    OtherFile(b"\x1f\x8b", Clause("a gzip archive"), _UNPACK),
    OtherFile(b"7z\xbc\xaf", Clause("a 7z archive"), _UNPACK),
    OtherFile(b"Rar!", Clause("a RAR archive"), _UNPACK),
    OtherFile(b"ustar", Clause("a tar archive"), _UNPACK, place=257),
)  # fmt: skip
_SUFFIXES = {
    ".msgpack": OtherFile(b"", Clause("a msgpack of Flax"), _EXPORT),
    ".onnx": OtherFile(b"", Clause("a graph of ONNX"), Clause("Take the weights that it was exported from.")),
    ".pdparams": OtherFile(b"", Clause("a weights file of Paddle"), _EXPORT),
    ".distcp": OtherFile(
        b"", Clause("a part of a distributed checkpoint of torch"),
        Clause("Join the parts first: torch.distributed.checkpoint.format_utils.dcp_to_torch_save."),
    ),
}  # fmt: skip


def check_file(path: Path) -> None:
    """Raise an error that says what a path is, where it is no weights file.

    Raises WeightsUnavailableError for no file or one that cannot be opened, CheckpointError for a folder, an empty
    file, and kinds of files that are often taken for weights.
    """
    try:
        if path.is_dir():
            raise _folder(path)
        if not path.is_file():
            raise WeightsUnavailableError(
                "There is no weights file at {path}. Give the path of a .safetensors file.", path=path
            )
        with path.open("rb") as file:
            start = file.read(_LOOKED_AT)
    except OSError as error:
        raise WeightsUnavailableError(
            "The file {name} cannot be opened ({reason}). Give one that you may read.",
            name=path.name[:80],
            reason=error.strerror or type(error).__name__,
        ) from error
    if not start:
        raise CheckpointError(
            "{name} is empty: it has 0 bytes. Download or save it again; the disk may have been full.", name=path.name
        )
    kind = _kind(path, start)
    if kind is not None:
        raise CheckpointError(
            "{name} is {kind}; wanted the tensors of a model: safetensors, a torch file, or JAX's .npz. {hint}",
            name=path.name,
            kind=kind.name,
            hint=kind.hint,
        )


def _kind(path: Path, start: bytes) -> OtherFile | None:
    known = next((kind for kind in _KINDS if start[kind.place : kind.place + len(kind.mark)] == kind.mark), None)
    known = known or _SUFFIXES.get(path.suffix.lower())
    if known is not None:
        return known
    if start.startswith(b"PK\x03\x04") and zipfile.is_zipfile(path):
        return _zip(path)
    return OtherFile(b"", Clause("a text"), _AGAIN) if _is_text(start) else None


def _zip(path: Path) -> OtherFile | None:
    """Return what a zip archive is that is neither torch's nor NumPy's: often weights that somebody packed."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    if any(name.endswith((".npy", "data.pkl")) for name in names):
        return None
    inside = next((name for name in names if Path(name).suffix.lower() in _WEIGHTS), None)
    if inside is None:
        return OtherFile(b"", Clause("a zip archive without weights in it"), _AGAIN)
    return OtherFile(b"", Clause("a zip archive that holds {inside}", inside=inside), _UNPACK)


def _is_text(start: bytes) -> bool:
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        # the last sign may be cut off
        text = start[: error.start].decode("utf-8") if error.start > len(start) - 4 else "\0"
    return all(sign.isprintable() or sign in "\r\n\t\f\ufeff" for sign in text)


def _folder(path: Path) -> CheckpointError:
    files = sorted(file.name for file in path.iterdir() if file.suffix.lower() in _WEIGHTS)
    if (path / ".metadata").is_file() and not files:
        return CheckpointError(
            "{name} is a folder with a distributed checkpoint of torch; wanted one file. Join its parts first: "
            "torch.distributed.checkpoint.format_utils.dcp_to_torch_save.",
            name=path.name,
        )
    if not files:
        return CheckpointError("{name} is a folder without weights in it; wanted a weights file.", name=path.name)
    return CheckpointError(
        "{name} is a folder; wanted one file. It holds {files}. Give one of them; a folder that transformers saved "
        "can be loaded as a whole: load_vit('hf:FOLDER').",
        name=path.name,
        files=", ".join(files[:4]) + " …" * (len(files) > 4),
    )
