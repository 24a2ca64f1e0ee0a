"""A model of transformers by the name of a folder or of a repository: safetensors only, and only the library's code."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from vitviz.clause import Clause
from vitviz.errors import CheckpointError, OptionError, UnsupportedModelError, VitvizError, WeightsUnavailableError
from vitviz.models import checkpoints, hub
from vitviz.models.hugging_face.families import check_kind, refusal
from vitviz.models.hugging_face.library import quiet, transformers
from vitviz.models.seeding import SeededInitialisation
from vitviz.record import Record

HF = "hf:"
_SAFE = ("model.safetensors", "model.safetensors.index.json")
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_FAULTS = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, eq=False)
class Loaded(Record):
    """A model of transformers with what lay beside it."""

    module: nn.Module
    processor: Any
    """Its image processor, or None where it came without one."""
    weights: str
    """Where the weights come from, in words."""


def load_module(place: str, weights: str, *, seed: int = 0) -> Loaded:
    """Return the model of a folder or repository, in eval mode, and its image processor.

    ``weights`` is "pretrained", those beside the configuration, or "random", drawn from ``seed``.
    Raises UnsupportedModelError for a kind that is not read, before its weights are; WeightsUnavailableError,
    CheckpointError, OptionError, or VitvizError where transformers is not installed.
    """
    if weights not in ("pretrained", "random"):
        raise OptionError(
            "{hf}{place} has weights beside its configuration; got weights={weights}. Leave the "
            "weights out, or put the file into the folder as model.safetensors.",
            hf=HF,
            place=place,
            weights=repr(weights),
        )
    source = _source(place)
    config, kind = _kind(place, source)
    with quiet():
        processor = _processor(source)
        if weights == "random":
            # a random classifier answers with numbers, not with names that would look like knowledge
            config.id2label = {index: f"LABEL_{index}" for index in range(config.num_labels)}
            with SeededInitialisation(seed):
                module: Any = kind(config)
            origin = f"random, seed {seed}"
        else:
            module, origin = _pretrained(place, source, kind, config)
    module.eval().requires_grad_(False)
    return Loaded(module, processor, origin)


@dataclass(frozen=True)
class _Source(Record):
    """Where files are read from, and whether the network may be asked."""

    path: str
    folder: Path | None
    options: tuple[tuple[str, bool], ...]


def _source(place: str) -> _Source:
    """Return the folder, the cached repository, or the repository to be fetched."""
    folder = Path(place).expanduser()
    fixed = (("trust_remote_code", False),)
    if place.strip() and folder.is_dir():
        if not (folder / "config.json").is_file():
            raise CheckpointError(
                "The folder {folder} holds no config.json, which says what kind of model it is; "
                "wanted a folder as model.save_pretrained writes it.",
                folder=folder,
            )
        return _Source(str(folder), folder, (*fixed, ("local_files_only", True)))
    if place.startswith((".", "/", "~")) or place.count("/") > 1 or not place.strip():
        raise WeightsUnavailableError(
            "There is no folder {place}; wanted one as model.save_pretrained writes it, or a name "
            "of the hub such as hf:google/vit-base-patch16-224.",
            place=repr(place),
        )
    offline = _Source(place, None, (*fixed, ("local_files_only", True)))
    if _is_cached(offline):
        return offline
    if not hub.reachable():
        raise WeightsUnavailableError(
            "There is no folder {place} here, the cache holds no model of that name, and the hub "
            "does not answer. Give the path of a folder as model.save_pretrained writes it, or try "
            "again with a network.",
            place=repr(place),
        )
    return _Source(place, None, fixed)


def check_no_folder(name: str) -> None:
    """Raise OptionError for "hf:" and a folder of this machine: readers of a server may name the hub's models only."""
    place = name.removeprefix(HF)
    if name.startswith(HF) and (not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", place) or Path(place).exists()):
        raise OptionError(
            "{name} names a folder; here models of Hugging Face are taken by their name in the "
            "hub, such as hf:google/vit-base-patch16-224. Load a folder in Python or in the "
            "terminal.",
            name=name,
        )


def _is_cached(source: _Source) -> bool:
    library = transformers()
    try:
        with quiet():
            library.AutoConfig.from_pretrained(source.path, **dict(source.options))
    except _FAULTS:
        return False
    return True


def _kind(place: str, source: _Source) -> tuple[Any, type]:
    """Return the configuration and the class of a model, checked before any weight is read."""
    library = transformers()
    try:
        with quiet():
            config = library.AutoConfig.from_pretrained(source.path, **dict(source.options))
    except _FAULTS as error:
        raise _unreadable(place, source, error) from error
    names = [str(name) for name in config.architectures or ()]
    kind = getattr(library, names[0], None) if names else None
    if not isinstance(kind, type):
        if names:
            raise UnsupportedModelError(
                "{hf}{place} is a {names}, which transformers {version} does not have: its code "
                "would come with the weights, and such code is never run. Choose a model of the "
                "library's own kinds.",
                hf=HF,
                place=place,
                names=names[0],
                version=library.__version__,
            )
        kind = _base_class(place, config)
    check_kind(HF + place, kind, config)
    return config, kind


def _base_class(place: str, config: Any) -> type:
    """Return the class that AutoModel would take for a configuration."""
    mapping = transformers().AutoModel._model_mapping
    if type(config) not in mapping:
        raise refusal(HF + place, type(config), Clause("transformers has no model of its kind"))
    base: type = mapping[type(config)]
    return base


def _unreadable(place: str, source: _Source, error: Exception) -> VitvizError:
    """Return the error for a configuration that cannot be read, told by what is in it."""
    told = str(error).strip().partition("\n")[0]
    if source.folder is not None:
        try:
            held = json.loads((source.folder / "config.json").read_text(encoding="utf-8"))
        except ValueError:
            return CheckpointError(
                "The config.json in {folder} is damaged ({told}). Save the model again.",
                folder=source.folder,
                told=told,
            )
        if isinstance(held, dict) and held.get("auto_map"):
            return UnsupportedModelError(
                "{hf}{place} needs code that lies beside its weights (auto_map), and such code is "
                "never run. Choose a model of transformers' own kinds.",
                hf=HF,
                place=place,
            )
    return CheckpointError(
        "The configuration of {hf}{place} cannot be read ({told}); wanted a config.json of a "
        "vision model of transformers. Save it again with model.save_pretrained.",
        hf=HF,
        place=place,
        told=told,
    )


def _processor(source: _Source) -> Any:
    """Return the image processor beside a model, or None if there is none."""
    if source.folder is not None and not any(
        (source.folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")
    ):
        return None
    try:
        return transformers().AutoImageProcessor.from_pretrained(source.path, **dict(source.options))
    except OSError:
        return None
    except _FAULTS as error:
        told = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            "The image processor of {hf}{path} cannot be read ({told}); wanted a "
            "preprocessor_config.json of transformers. Mend it, or take it away and give a "
            "transform to ViT.from_module.",
            hf=HF,
            path=source.path,
            told=told,
        ) from error


def _pretrained(place: str, source: _Source, kind: Any, config: Any) -> tuple[nn.Module, str]:
    _check_safe(place, source)
    try:
        module, told = kind.from_pretrained(
            source.path,
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            attn_implementation="sdpa",
            **dict(source.options),
        )
    except Exception as error:  # safetensors and transformers raise kinds of their own
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            "The weights of {hf}{place} cannot be loaded ({first}); wanted safetensors that fit "
            "its config.json. Save the model again with model.save_pretrained.",
            hf=HF,
            place=place,
            first=first,
        ) from error
    missing = sorted(told["missing_keys"])
    poolers = [name for name in missing if "pooler." in name]
    if poolers and getattr(module, "pooler", None) is not None:
        module.pooler = None  # else it would be random
    rest = [name for name in missing if name not in poolers]
    if rest or told.get("mismatched_keys"):
        raise CheckpointError(
            "The weights of {hf}{place} lack {count} tensors of a {kind}, which would be random: "
            "{listed}{reason}. Save the whole model with model.save_pretrained.",
            hf=HF,
            place=place,
            count=len(rest),
            kind=kind.__name__,
            listed=", ".join(rest[:4]),
            reason=" …" if len(rest) > 4 else "",
        )
    return module, _origin(place, source, bool(poolers))


def _check_safe(place: str, source: _Source) -> None:
    """Refuse a folder whose weights are a pickle."""
    if source.folder is None or any((source.folder / name).is_file() for name in _SAFE):
        return
    held = [name for name in _PICKLES if (source.folder / name).is_file()]
    if held:
        raise CheckpointError(
            "The weights of {hf}{place} are in {held}, a pickle, which can run code when it is "
            "opened; wanted model.safetensors. Convert it on a machine that you trust: load it "
            "there and call model.save_pretrained.",
            hf=HF,
            place=place,
            held=held[0],
        )
    raise WeightsUnavailableError(
        "The folder {folder} holds no model.safetensors.",
        advice={"weights='random'": "For random weights of its configuration: weights='random'."},
        folder=source.folder,
    )


def _origin(place: str, source: _Source, no_pooler: bool) -> str:
    told = f"{place}, from the hub or its cache"
    if source.folder is not None:
        file = source.folder / _SAFE[0]
        told = f"{source.folder.name}/{_SAFE[0]}, SHA-256 {checkpoints.sha256_of(file)}" if file.is_file() else place
    return f"{told}, without a pooler" if no_pooler else told
