"""load_vit: a model by name, with shipped, downloaded, local or random weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from vitviz.argument import checked
from vitviz.errors import OptionError, UnknownModelError, UnsupportedModelError, check_choice, suggest
from vitviz.images.crop import TRAINED, Crop, check_crop
from vitviz.models import hub, shipped, timm_door
from vitviz.models.assumptions import configured
from vitviz.models.checkpoints.classifier import HeadActivation
from vitviz.models.checkpoints.selection import WeightsKind
from vitviz.models.class_names import ClassNames, listed_names
from vitviz.models.devices import Placement, Precision
from vitviz.models.geometry import check_size, height_and_width
from vitviz.models.hugging_face import loading as hugging_face
from vitviz.models.hugging_face.loading import HF
from vitviz.models.names_file import read_names
from vitviz.models.support import check_family
from vitviz.models.timm_weights import TIMM, FileOptions, Loaded, Pooling, skeleton
from vitviz.models.vit import ViT
from vitviz.models.weights import load_module

IMAGENET = "imagenet"
"""What ``class_names`` may say of a local file that was trained on ImageNet."""


@checked
def load_vit(
    name: str = "default",
    *,
    weights: str | Path = "pretrained",
    seed: int = 0,
    image_size: tuple[int, int] | int | None = None,
    class_names: ClassNames | str | Path | None = None,
    trained_size: tuple[int, int] | int | None = None,
    heads: int | None = None,
    weights_kind: WeightsKind = "averaged",
    head_activation: HeadActivation | None = None,
    pooling: Pooling | None = None,
    multi_label: bool | None = None,
    device: str = "cpu",
    precision: Precision = "float32",
    crop: Crop = TRAINED,
) -> ViT:
    """Load a Vision Transformer by name, ready to be traced.

    ``name`` is "default" (shipped, needs no network), "timm:" and any timm Vision Transformer, with or without a
    tag, or "hf:" and a folder or a name of the hub with a vision model of Hugging Face's transformers, which is an
    extra. ``weights`` is "pretrained" (the hub, or its cache), "random" (from ``seed``) or the path of a local file:
    safetensors, a torch file or JAX's .npz, as timm, torchvision, Hugging Face, OpenAI's CLIP, DINO, MAE, MoCo-v3,
    BEiT and many training scripts save it. ``image_size`` is height and width in pixels, or one number for a square.
    ``class_names`` are in the order of the outputs, a dictionary from index to name or from name to index, a file of
    names, or "imagenet"; a local file has numbers unless it holds names itself. ``device`` is where it computes:
    "cpu", "cuda", "cuda:1", "mps", or "auto" for the first GPU that is here. ``precision`` is that of weights and
    passes. Results are float32 on the CPU whatever they are. ``multi_label`` says that classes may hold side by
    side, each with a probability of its own.

    The rest is of a local file. Without ``image_size`` it opens at the size of its own positions. ``trained_size`` is
    the size that it was trained for, only needed where the number of positions does not tell their grid. ``heads`` is
    the number of attention heads, which tensors do not tell: ``weights`` of the model says how many were assumed.
    ``weights_kind`` chooses "averaged" or "raw" weights where both are there; ``head_activation`` is "relu", "gelu",
    "tanh", "silu" or "none" between the matrices of a classifier of several layers. ``pooling`` is "token" or "avg",
    whether the answer is read from the class token or from the mean of the patches: timm's names are the same for
    both, and ``weights`` of the model says what was assumed.

    ``crop`` says how pictures of another shape are brought to that of the input: "trained", "pad", "squash" or a number
    from 0 to 1; see ``ViT.with_crop``.

    Raises UnknownModelError, WeightsUnavailableError, CheckpointError, OptionError, or UnsupportedModelError for a
    model without global attention over patches.

    >>> vitviz.load_vit().class_name(31)
    'Persian cat'
    >>> vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", image_size=(96, 160)).grid
    PatchGrid(rows=6, columns=10, patch_size=(16, 16), prefix=('class',))
    """
    check_crop(crop)
    placement = Placement.of(device, precision)
    _check_local(str(weights), trained_size=trained_size, heads=heads, head_activation=head_activation, pooling=pooling)
    check_choice("weights_kind", weights_kind, get_args(WeightsKind))
    if pooling not in (None, *get_args(Pooling)):
        raise OptionError("pooling is {pooling}; wanted 'token' or 'avg'. Choose one.", pooling=repr(pooling))
    file = FileOptions(
        None if trained_size is None else height_and_width(trained_size), heads, weights_kind, head_activation, pooling
    )
    size = file.trained_size if image_size is None else height_and_width(image_size)
    vit = _load(name, weights, seed, size, class_names, file, placement, multi_label)
    return vit if crop == TRAINED else vit.with_crop(crop)


def _load(
    name: str,
    weights: str | Path,
    seed: int,
    size: tuple[int, int] | None,
    class_names: ClassNames | str | Path | None,
    file: FileOptions,
    placement: Placement,
    multi_label: bool | None,
) -> ViT:
    if name in shipped.MODELS:
        shipped.check_weights(name, weights)
        return shipped.load(
            name, image_size=size, class_names=_names(class_names), placement=placement, multi_label=multi_label
        )
    if name in shipped.CONVNETS:
        raise UnsupportedModelError(
            "{name} is a convolutional network, with no attention between patches; wanted a Vision "
            "Transformer, such as {listed}. Load it with load_convnet.",
            name=name,
            listed=" or ".join(shipped.MODELS),
        )
    if name.startswith(HF):
        return _hugging_face(name, str(weights), seed, size, class_names, placement, multi_label)
    if not name.startswith(TIMM):
        known = [*shipped.MODELS, *(TIMM + architecture for architecture in timm_door.model_names())]
        raise UnknownModelError(
            "There is no model {given}; wanted one of {listed} or 'timm:' and a timm name, "
            "or 'hf:' and a folder or name of Hugging Face.{hint} `python -m vitviz models` lists them.",
            given=repr(name),
            listed=", ".join(shipped.MODELS),
            hint=suggest(name, known) or suggest(TIMM + name, known),
        )
    architecture = name.removeprefix(TIMM)
    timm_door.check_name(architecture)
    _check_early(architecture, (size, file.trained_size))
    loaded = load_module(architecture, str(weights), seed=seed, image_size=size, file=file, offline=shipped.available())
    names = _given_names(class_names, loaded)
    module = placement.put(loaded.module)
    size = size or loaded.image_size
    vit = ViT.from_module(
        module, name=name, class_names=names, image_size=size, weights=loaded.origin, multi_label=multi_label
    )
    # of timm's own weights all is known that its configuration says; of a file's only what it is usual for
    notes = vit.notes if loaded.local else configured(vit.notes)
    return replace(vit, notes=(*notes, *loaded.notes))


def _given_names(class_names: ClassNames | str | Path | None, loaded: Loaded) -> tuple[str, ...] | None:
    """Return what the classes of a model are called; None for timm's own weights, whose data set timm knows."""
    count = int(getattr(loaded.module, "num_classes", 0) or 0)
    if isinstance(class_names, str) and class_names == IMAGENET:
        return timm_door.imagenet_names(count)
    names = _names(class_names)
    if names is None and loaded.local:
        names = loaded.class_names
    if names is None and (loaded.local or loaded.origin.startswith("random")):
        # as many outputs as ImageNet has classes say nothing: numbers, not names that would look like knowledge
        names = tuple(f"class {index}" for index in range(count))
    return names


def _hugging_face(
    name: str,
    weights: str,
    seed: int,
    size: tuple[int, int] | None,
    class_names: ClassNames | str | Path | None,
    placement: Placement,
    multi_label: bool | None,
) -> ViT:
    model = hugging_face.load_module(name.removeprefix(HF), weights, seed=seed)
    if isinstance(class_names, str) and class_names == IMAGENET:
        config: Any = model.module.config
        class_names = timm_door.imagenet_names(int(config.num_labels))
    return ViT.from_module(
        placement.put(model.module),
        name=name,
        class_names=_names(class_names),
        image_size=size,
        weights=model.weights,
        processor=model.processor,
        multi_label=multi_label,
    )


def _check_early(name: str, sizes: Iterable[tuple[int, int] | None]) -> None:
    """Refuse an unsupported family, and sizes that its patches do not cover, before weights are fetched or read."""
    module = skeleton(name)
    if module is None:
        return  # the checks after loading decide
    check_family(TIMM + name, module)
    for size in sizes:
        if size is not None:
            check_size(TIMM + name, module, size)


def offline_names() -> list[str]:
    """Return the models that can be loaded without a network: the shipped ones and the cached ones."""
    return [*shipped.available(), *hub.cached_models()]


def _check_local(weights: str, **options: object) -> None:
    for name, value in options.items():
        if value is not None and weights in ("pretrained", "random"):
            raise OptionError(
                "{name}={value} belongs to a local file of weights; got weights={weights}, of "
                "which it is known. Leave it out, or give the file.",
                name=name,
                value=repr(value),
                weights=repr(weights),
            )


def _names(class_names: ClassNames | str | Path | None) -> tuple[str, ...] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str | Path):
        path = Path(class_names).expanduser()
        if not path.is_file():
            raise OptionError(
                "There is no file of class names at {path}. Give a text, CSV, TSV or JSON file, or 'imagenet'.",
                path=path,
            )
        return listed_names(read_names(path))
    return listed_names(class_names)
