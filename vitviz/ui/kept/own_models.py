"""Readers' own models: files of the server's folder and uploads, recognised and loaded, known by their content.

What is kept is found by SHA-256 alone: whoever has no file of that content gets nothing that another reader loaded.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from weakref import WeakSet

import streamlit as st

import vitviz
from vitviz.clause import Clause
from vitviz.errors import CheckpointError, OptionError, VitvizError
from vitviz.models.checkpoints import recognise, sha256_of
from vitviz.models.checkpoints.selection import WeightsKind
from vitviz.models.model_folder import ModelFolder
from vitviz.models.vit import ViT
from vitviz.trace.trace import held_bytes
from vitviz.ui.kept.model_choice import ModelChoice
from vitviz.ui.kept.placing import placing
from vitviz.ui.kept.shelf import Shelf
from vitviz.ui.text import N_, _

MOST_BYTES = 2_000_000_000
"""Of memory for the uploads of all readers together."""
MODEL_BYTES = 1_000_000_000
"""Of memory for the weights of the models that are loaded."""
_FAULTS = (
    RuntimeError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, ArithmeticError, OSError,
)  # fmt: skip
_LENGTH = 8  # bytes of a safetensors file that say how long its header is


@dataclass(frozen=True, eq=False)
class OwnFile:
    """A file or folder of a reader's own."""

    title: str
    """Its path below the folder, or its name."""
    digest: str
    """SHA-256 of its content."""
    path: Path | None = None
    """Where it lies, of one in the folder."""
    data: bytes = field(default=b"", repr=False)
    """What it holds, of an upload."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of transformers."""
        return self.path is not None and self.path.is_dir()

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """Have it as a path; an upload lies on the disk no longer than that."""
        if self.path is not None:
            yield self.path
            return
        with TemporaryDirectory(prefix="vitviz-") as folder:
            path = Path(folder) / (re.sub(r"[^\w.-]", "_", Path(self.title).name)[-100:] or "weights.safetensors")
            path.write_bytes(self.data)
            yield path


@dataclass(frozen=True)
class Recognised:
    """What a weights file is, without its tensors."""

    layout: str
    steps: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    """timm's that fit, the likeliest first."""
    declared: str | None = None
    """The one that the file names."""
    heads: int | None = None
    """Heads that the file fixes; None where they are assumed."""
    width: int = 0
    classes: int = 0
    named: bool = False
    """Whether the file has class names."""
    several_layers: bool = False
    """Whether its classifier has several layers, between which stands what tensors do not tell."""
    both_kinds: bool = False
    pools: bool = False
    """Whether its classifier may read the class token or the mean of the patches, which tensors do not tell."""

    @property
    def guess(self) -> str:
        """The architecture that is taken where none is chosen; empty if none fits."""
        return self.declared or next(iter(self.architectures), "")


@st.cache_resource(max_entries=1, show_spinner=False)
def _uploads() -> WeakSet[OwnFile]:
    """Return the uploads that some reader's session holds; one that ended holds nothing."""
    return WeakSet()


def uploaded(name: str, data: bytes) -> OwnFile:
    """Return an uploaded file, counted as long as somebody holds it.

    Raises CheckpointError for what is no safetensors file by its first bytes, OptionError where the uploads of all
    readers are too many.
    """
    length = int.from_bytes(data[:_LENGTH], "little")
    if len(data) < _LENGTH + 2 or data[_LENGTH : _LENGTH + 1] != b"{" or length > len(data) - _LENGTH:
        raise CheckpointError(
            "{name} is no complete safetensors file; wanted one, because other kinds of weights can hold code. "
            "Save the model with safetensors.torch.save_file, and upload that file.",
            name=name,
        )
    held = sum(len(file.data) for file in _uploads())
    if held + len(data) > MOST_BYTES:
        raise OptionError(
            _(
                "The uploads of all readers take {held:.0f} MB; with {more:.0f} MB more they would pass the limit of "
                "{most:.0f} MB. Try again later, or have the file put into the folder of models."
            ).format(held=held / 1e6, more=len(data) / 1e6, most=MOST_BYTES / 1e6)
        )
    file = OwnFile(name, hashlib.sha256(data).hexdigest(), data=data)
    _uploads().add(file)
    return file


def folder() -> ModelFolder | None:
    """Return the folder of models that the server shows, if whoever started it named one; OptionError if it is gone."""
    try:
        return ModelFolder.of_environment()
    except OptionError as error:  # which says where it should be: nobody's business here
        raise OptionError(
            _("The folder of models that this server should show is not there. Tell whoever started it.")
        ) from error


@st.cache_data(ttl=5, max_entries=2, show_spinner=False)
def names_in_folder() -> tuple[str, ...]:
    """Return the models of the folder, looked for again after some seconds."""
    try:
        shown = folder()
    except OptionError:  # it is gone: a model that is asked for says so
        return ()
    return () if shown is None else shown.names()


def in_folder(name: str) -> OwnFile:
    """Return a weights file or a model of transformers of the folder; raises VitvizError with the reason if it cannot.

    Its path is looked at anew each time: a link that leads out is refused whenever it appears.
    """
    path = _folder(name).path(name)
    beside = [path.parent / "config.json", path.parent / "adapter_config.json"]  # they are read with it
    files = sorted(path.iterdir()) if path.is_dir() else [path, *(file for file in beside if file.is_file())]
    return OwnFile(name, _digest(tuple(map(_state, files))), path)


def names_in(name: str) -> OwnFile:
    """Return a file of class names of the folder; raises as ``in_folder``."""
    path = _folder(name).names_path(name)
    return OwnFile(name, _digest((_state(path),)), path)


def _folder(name: str) -> ModelFolder:
    shown = folder()
    if shown is None:
        raise OptionError(
            _(
                "{name} lies in a folder of models, and this server shows none. Whoever starts it names one: "
                "python -m vitviz serve --models FOLDER."
            ).format(name=name)
        )
    return shown


State = tuple[str, int, int, int]


def _state(path: Path) -> State:
    told = path.stat()
    return str(path), told.st_size, told.st_mtime_ns, told.st_ino


@st.cache_data(max_entries=64, show_spinner=False)
def _digest(states: tuple[State, ...]) -> str:
    """Return the SHA-256 of files as they are now, of several that of all of theirs."""
    digests = [sha256_of(Path(path)) for path, *_ in states if Path(path).is_file()]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def recognised(file: OwnFile, kind: WeightsKind) -> Recognised:
    """Return what a file is; raises VitvizError, without the paths of this machine, for one that is not known."""
    return _recognised(file.digest, kind, file)


@st.cache_resource(max_entries=16, show_spinner=N_("Recognising the file …"))
def _recognised(digest: str, kind: WeightsKind, _file: OwnFile) -> Recognised:
    if _file.is_folder:
        return Recognised("Hugging Face")
    with _file.opened() as path, _without_paths(path, _file.title):
        recognition = recognise(path, weights_kind=kind)
        norm = recognition.state.get("blocks.0.norm1.weight")
        return Recognised(
            recognition.layout,
            recognition.steps,
            recognition.architectures,
            recognition.declared,
            recognition.heads,
            0 if norm is None else int(norm.shape[0]),
            recognition.classes,
            recognition.class_names is not None,
            bool(recognition.classifier.state) and not recognition.classifier.matrix,
            recognition.both_kinds,
            "cls_token" in recognition.state,
        )


def load(choice: ModelChoice, file: OwnFile, names: OwnFile | None) -> ViT:
    """Return an own model, named by its file and architecture; raises VitvizError with the reason if it cannot.

    ``choice`` has an architecture, unless the file is a folder of transformers.
    """
    told = _("Loading the model …")
    return models().watched(choice.key, lambda: _loaded(choice, file, names), told, show_time=True)


@st.cache_resource(max_entries=1, show_spinner=False)
def models() -> Shelf:
    """Return the own models of all readers: forty of 25 MB, as a class has them, or one of more than the limit."""
    return Shelf(MODEL_BYTES, size=nbytes)


def nbytes(vit: ViT) -> int:
    """Return the bytes of a model's weights, those that share their memory counted once."""
    return held_bytes([*vit.module.parameters(), *vit.module.buffers()])


def _loaded(choice: ModelChoice, file: OwnFile, names: OwnFile | None) -> ViT:
    with file.opened() as path, _without_paths(path, file.title):
        if names is None:
            vit = _called(choice, path, "", file.is_folder)
        else:
            with names.opened() as listed, _without_paths(listed, names.title):
                vit = _called(choice, path, str(listed), file.is_folder)
        weights = vit.weights.replace(str(path), file.title)
    if file.path is not None and in_folder(file.title).digest != file.digest:
        raise CheckpointError("{name} was changed while it was read. Open it again.", name=file.title)
    kind = type(getattr(vit.module, "model", vit.module)).__name__ if file.is_folder else choice.own.architecture
    return replace(vit, name=f"{file.title} ({kind})", weights=weights)


def _called(choice: ModelChoice, path: Path, names: str, folder: bool) -> ViT:
    call = choice.call(str(path), names, folder)
    vit = vitviz.load_vit(call.name, **{**placing(), **call.options})
    return vit.with_preprocessing(**call.preprocessing) if call.preprocessing else vit


@contextmanager
def _without_paths(path: Path, title: str) -> Iterator[None]:
    """Have errors name a file as its reader does: the folders of this machine are nobody's business."""

    def told(value: object) -> object:
        if isinstance(value, Clause):
            return Clause(str(told(value.template)), **{name: told(part) for name, part in value.values.items()})
        if not isinstance(value, str | Path):
            return value
        return re.sub(rf"(?:hf:)?{re.escape(str(path))}", lambda _: title, str(value))

    try:
        yield
    except VitvizError as error:
        values = {name: told(value) for name, value in error.values.items()}
        advice = {name: str(told(text)) for name, text in error.advice.items()}
        raise type(error)(str(told(error.template)), advice=advice, **values) from error
    except _FAULTS as error:  # a stranger's file may hold anything
        logging.getLogger(__name__).exception("%s cannot be loaded", title)
        first = str(told(str(error).strip().partition("\n")[0])) or type(error).__name__
        raise CheckpointError(
            "{name} cannot be loaded ({error}); wanted the weights of a Vision Transformer. Save them again, or choose "
            "another file.",
            name=title,
            error=first,
        ) from error
