"""The models that come with vitviz and need no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from vitviz.assets import WEIGHTS
from vitviz.errors import CheckpointError, OptionError, WeightsUnavailableError
from vitviz.images.crop import PAD, SQUASH
from vitviz.models import checkpoints, timm_weights
from vitviz.models.assumptions import configured
from vitviz.models.devices import HERE, Placement
from vitviz.models.geometry import check_size
from vitviz.models.vit import ViT
from vitviz.record import Record


@dataclass(frozen=True)
class FamiliarityFigures(Record):
    """What benchmarks/none_of_them.py measured of a classifier, as its card tells it."""

    threshold: float
    """Largest probability below which a photo perhaps shows none of the classes."""
    false_alarms: float
    """Share of the validation photos below the threshold, in [0, 1]."""
    detected: float
    """Share of the photos of other classes below the threshold, in [0, 1]."""
    auroc: float
    """Of validation photos beside photos of other classes, in [0, 1]."""


@dataclass(frozen=True)
class ShippedModel(Record):
    """A model whose weights lie in assets/weights."""

    architecture: str
    """timm's name of the architecture."""
    file: str
    """Half-precision safetensors in assets/weights."""
    sha256: str
    """What the file must hash to: a truncated or exchanged file is refused."""
    classes: str
    """Tab-separated text in assets/weights: WordNet id and readable name, one class a line."""
    image_size: tuple[int, int]
    """Height and width in pixels that it was trained for."""
    summary: str
    """One line for lists."""
    familiarity: FamiliarityFigures | None = None
    """Of the model at ``image_size``; None where nothing was measured."""


MODELS: dict[str, ShippedModel] = {
    "default": ShippedModel(
        architecture="vit_small_patch14_dinov2",
        file="vit_small_patch14_tiny_imagenet.safetensors",
        sha256="27a04e1cb9fa3b11bf1e48d1e56bc3aefdf224e10cc96994aea8348db7e0a2c0",
        classes="classes.txt",
        image_size=(224, 224),
        summary="ViT-S/14 of the DINOv2 kind, 22 M parameters, fine-tuned on 200 classes of natural photos",
        familiarity=FamiliarityFigures(threshold=0.328, false_alarms=0.1, detected=0.246, auroc=0.711),
    )
}
"""The Vision Transformers, by the name that ``load_vit`` takes."""

CONVNETS: dict[str, ShippedModel] = {
    "cnn": ShippedModel(
        architecture="efficientnet_lite0",
        file="efficientnet_lite0_tiny_imagenet.safetensors",
        sha256="fc1784d8b96dbfc95931114ecb44ac50ee821d7c31338e9fbed68ffc3499330d",
        classes="classes.txt",
        image_size=(224, 224),
        summary="EfficientNet-Lite0, a convolutional network, 3.6 M parameters, fine-tuned on the same 200 classes",
    )
}
"""The convolutional networks, by the name that ``load_convnet`` takes."""
WHOLE_PICTURE = {"crop_pct": 1.0}
"""What replaces an entry of a convolutional network's data config: it sees a photo as the Vision Transformer does."""


def available() -> list[str]:
    """Return the names of the shipped Vision Transformers."""
    return list(MODELS)


def check_weights(name: str, weights: str | Path) -> None:
    """Raise OptionError if other weights are asked for than those that a shipped model comes with."""
    if str(weights) != "pretrained":
        raise OptionError(
            "{name} has weights of its own; got weights={weights}. Use 'timm:{architecture}' to choose the weights.",
            name=repr(name),
            weights=repr(str(weights)),
            architecture=(MODELS | CONVNETS)[name].architecture,
        )


def load(
    name: str,
    *,
    image_size: tuple[int, int] | None = None,
    class_names: Sequence[str] | None = None,
    placement: Placement = HERE,
    multi_label: bool | None = None,
) -> ViT:
    """Load a shipped model, after checking its weights against their SHA-256.

    ``class_names`` replace its own names; there must be as many. Raises OptionError otherwise, or for a size that
    its patches do not cover.
    """
    model = MODELS[name]
    size = image_size or model.image_size
    plain = timm_weights.skeleton(model.architecture)
    if plain is not None:
        check_size(name, plain, size)
    module = _module(model, size)
    vit = ViT.from_module(
        placement.put(module),
        name=name,
        class_names=read_class_names(WEIGHTS / model.classes) if class_names is None else class_names,
        image_size=size,
        weights=_origin(model),
        multi_label=multi_label,
    )
    return replace(vit, notes=configured(vit.notes))


def convnet(name: str) -> tuple[nn.Module, tuple[str, ...], str]:
    """Return a shipped convolutional network, its class names and where its weights come from, in words.

    Raises WeightsUnavailableError or CheckpointError if its file is missing or is not the one that was shipped.
    """
    model = CONVNETS[name]
    module = _module(model, None)
    module.pretrained_cfg = {**module.pretrained_cfg, **WHOLE_PICTURE}  # type: ignore[assignment, dict-item]
    return module, tuple(read_class_names(WEIGHTS / model.classes)), _origin(model)


def _module(model: ShippedModel, size: tuple[int, int] | None) -> nn.Module:
    """Return the timm model, computing in float32, after checking its file; ``size`` is of a Vision Transformer."""
    path = checked(WEIGHTS / model.file, model.sha256)
    state = {key: value.float() for key, value in checkpoints.read_checkpoint(path).items()}
    return timm_weights.from_state(
        model.architecture,
        state,
        image_size=size,
        classes=checkpoints.classes_in(state),
        trained_size=None if size is None else model.image_size,
    )


def _origin(model: ShippedModel) -> str:
    return f"{model.file}, SHA-256 {model.sha256}"


def familiarity_of(vit: ViT) -> FamiliarityFigures | None:
    """Return what was measured of a model; None unless it is a shipped one that sees pictures as it was trained."""
    if vit.crop in (PAD, SQUASH):
        return None
    for model in MODELS.values():
        if model.sha256 in vit.weights and model.image_size == vit.image_size:
            return model.familiarity
    return None


def checked(path: Path, sha256: str) -> Path:
    """Return ``path`` if the file's SHA-256 is the one given.

    Raises WeightsUnavailableError if the file is missing, CheckpointError if it is not the one that was shipped.
    """
    if not path.is_file():
        raise WeightsUnavailableError(
            "The shipped weights {name} are missing from {parent}; the copy of vitviz is "
            "incomplete. Clone or download it again, large files included.",
            name=path.name,
            parent=path.parent,
        )
    digest = checkpoints.sha256_of(path)
    if digest != sha256:
        raise CheckpointError(
            "{name} is damaged or was exchanged: its SHA-256 is {digest}; wanted {sha256}. Clone "
            "or download vitviz again.",
            name=path.name,
            digest=digest,
            sha256=sha256,
        )
    return path


def read_class_names(path: Path) -> list[str]:
    """Return the readable class names of a file with a WordNet id, a tab and a name in each line."""
    return [line.partition("\t")[2].strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
