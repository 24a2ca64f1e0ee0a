"""The only file that imports timm: names, construction, data settings, class names.

What timm prints goes to its log: standard output belongs to the program that loads a model.
"""

from __future__ import annotations

import inspect
import logging
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image
from torch import Tensor, nn

from vitviz.errors import OptionError, UnknownModelError, suggest
from vitviz.models.compiler_waits import compiler_waits
from vitviz.models.geometry import declared_size
from vitviz.models.seeding import SeededInitialisation
from vitviz.models.torchvision_mend import mend_torchvision
from vitviz.record import Record

with compiler_waits():
    mend_torchvision()  # before timm, which imports torchvision
    import timm
    import timm.data
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset
    from timm.layers import resample_patch_embed
    from timm.models.deit import VisionTransformerDistilled
    from timm.models.vision_transformer import VisionTransformer

VERSION: str = timm.__version__
_PROJECTIONS = (384, 512, 640, 768, 1024, 1152, 1280)  # the widths of embeddings that CLIP's towers project to


def _log(*parts: object, **options: object) -> None:
    logging.getLogger("timm").info(" ".join(map(str, parts)))


# timm prints while it converts some weights, DINOv3's for one. Exchanging sys.stdout meanwhile would take away what
# other threads print.
for _name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
    vars(sys.modules[_name])["print"] = _log


@dataclass(frozen=True)
class DataSettings(Record):
    """How a model wants its pictures, from its own timm data config."""

    image_size: tuple[int, int]
    """Height and width in pixels."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    transform: Callable[[Image.Image], Tensor]
    """From an RGB picture to the (3, height, width) input: resize, crop, normalise."""
    crop_pct: float = 1.0
    """Side of the crop as a share of the resized picture."""
    interpolation: str = "bicubic"
    crop_mode: str = "center"
    """What is done with a picture of another shape: "center" cuts it, "squash" distorts it, "border" adds to it."""


@lru_cache(maxsize=1)
def model_names() -> tuple[str, ...]:
    """Return the names of all architectures that timm can build."""
    return tuple(timm.list_models())


def names_of(files: Collection[str]) -> tuple[str, ...]:
    """Return the architectures that some of timm's source files, by their names, define."""
    return tuple(
        name for name in model_names() if timm.models.model_entrypoint(name).__module__.rpartition(".")[2] in files
    )


def source_of(name: str) -> str:
    """Return the few lines of timm that name an architecture's settings."""
    return inspect.getsource(timm.models.model_entrypoint(name))


@lru_cache(maxsize=256)
def architectures_of(width: int, depth: int) -> tuple[str, ...]:
    """Return the Vision Transformers whose source in timm says this number of channels and of blocks."""
    return tuple(name for name in model_names() if _declared(name) == (width, depth))


@lru_cache(maxsize=4096)
def _declared(name: str) -> tuple[int, int] | None:
    """Return channels and blocks that an architecture's source names, or None: building all of them takes minutes."""
    source = inspect.getsource(timm.models.model_entrypoint(name))
    numbers = [re.search(rf"\b{key}=(\d+)", source) for key in ("embed_dim", "depth")]
    # what is not said is the family's default
    return (
        (int(numbers[0][1]) if numbers[0] else 768, int(numbers[1][1]) if numbers[1] else 12) if any(numbers) else None
    )


def check_name(name: str) -> str:
    """Return the architecture of a timm model name with an optional tag ("vit_tiny_patch16_224.augreg_in21k").

    Raises UnknownModelError, with the nearest names, if timm has no such model.
    """
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise UnknownModelError(
            "timm has no model called {given}; wanted one of its {count} architectures."
            "{hint} `python -m vitviz models --timm PATTERN` lists them.",
            given=repr(name),
            count=len(model_names()),
            hint=suggest(architecture, model_names()),
        )
    tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        raise UnknownModelError(
            "timm's {architecture} has no weights called {given}; wanted one of {listed}."
            "{hint} Leave the tag out for the standard weights.",
            architecture=architecture,
            given=repr(tag),
            listed=", ".join(tags) or "none",
            hint=suggest(tag, tags),
        )
    return architecture


def build(
    name: str,
    *,
    image_size: tuple[int, int] | None = None,
    classes: int | None = None,
    pretrained: bool = False,
    overlay: dict[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> nn.Module:
    """Build a timm model in eval mode, its random weights drawn from ``seed`` and not from the global generator.

    ``overlay`` replaces entries of the model's pretrained config, so that a state dict given there passes through
    the family's own conversion (other grids, other patch sizes). ``options`` are more of timm's own, by name.
    Raises OptionError if the model cannot take that image size.
    """
    options = {"pretrained": pretrained, "num_classes": classes, "pretrained_cfg_overlay": overlay, **(options or {})}
    if image_size is not None:
        options["img_size"] = image_size
    try:
        module = _create(name, options, seed)
    except TypeError as error:
        if image_size is None or "img_size" not in str(error):
            raise
        options.pop("img_size")  # NaFlexViT and some others take any size without being told
        module = _create(name, options, seed)
    except AssertionError as error:
        raise OptionError(
            "{name} cannot be built for an image size of {image_size}{reason}. Choose a height and "
            "width that are multiples of its patch size.",
            name=name,
            image_size=image_size,
            reason=f" ({error})" if str(error) else "",
        ) from error
    # timm keeps all weights there once more
    module.pretrained_cfg.pop("state_dict", None)  # type: ignore[operator, union-attr]
    module.eval().requires_grad_(False)
    return module


def build_small(
    *,
    image_size: int,
    patch_size: int,
    width: int,
    depth: int,
    heads: int,
    classes: int,
    mlp_ratio: float = 4.0,
    distilled: bool = False,
    seed: int = 0,
) -> nn.Module:
    """Build a Vision Transformer of any dimensions, to be trained: timm's own, with a distillation token if asked for.

    It is in training mode, sees pictures of values in [0, 1] as they are, and is initialised from ``seed``.
    Raises OptionError for a width that the heads do not divide, or a picture that the patches do not.
    """
    if width % heads or image_size % patch_size:
        raise OptionError(
            "A width of {width} in {heads} heads and pictures of {image_size} pixels in patches of "
            "{patch_size}: both must divide without a rest. Choose a multiple.",
            width=width,
            heads=heads,
            image_size=image_size,
            patch_size=patch_size,
        )
    family = VisionTransformerDistilled if distilled else VisionTransformer
    with SeededInitialisation(seed):
        module: nn.Module = family(
            img_size=image_size,
            patch_size=patch_size,
            embed_dim=width,
            depth=depth,
            num_heads=heads,
            num_classes=classes,
            mlp_ratio=mlp_ratio,
        )
    module.pretrained_cfg = {  # type: ignore[assignment]
        "input_size": (3, image_size, image_size),
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "crop_pct": 1.0,
    }
    return module.train()


def _create(name: str, options: dict[str, Any], seed: int) -> nn.Module:
    with SeededInitialisation(seed):
        module: nn.Module = timm.create_model(name, **options)
    return module


def small_vit(
    *, image_size: tuple[int, int], patch_size: int, width: int, layers: int, heads: int, mlp_ratio: float, classes: int
) -> VisionTransformer:
    """Build a plain Vision Transformer of any size.

    The first weights are drawn as in the original JAX code, in proportion to 1/√width: timm's own are made for large
    widths, and so small in a narrow model that attention starts out uniform and learns slowly.
    """
    return VisionTransformer(
        img_size=image_size,
        patch_size=patch_size,
        embed_dim=width,
        depth=layers,
        num_heads=heads,
        mlp_ratio=mlp_ratio,
        num_classes=classes,
        weight_init="jax",
    )


def pretrained_settings(name: str) -> dict[str, Any]:
    """Return the pretrained config of a timm model name, or an empty dictionary if it has no weights."""
    config = timm.models.get_pretrained_cfg(name)
    return dict(config.to_dict()) if config is not None else {}


def data_settings(module: nn.Module, image_size: tuple[int, int] | None = None) -> DataSettings:
    """Return the preprocessing of a module from its own timm data config, for another size if one is given."""
    config = timm.data.resolve_model_data_config(module)
    if image_size is None:
        image_size = declared_size(module) or tuple(config["input_size"][1:])
    transform = timm.data.create_transform(**{**config, "input_size": (3, *image_size)}, is_training=False)
    size = int(image_size[0]), int(image_size[1])
    return DataSettings(
        size,
        tuple(config["mean"]),
        tuple(config["std"]),
        transform,
        float(config["crop_pct"] or 1.0),
        str(config["interpolation"]),
        str(config["crop_mode"] or "center"),
    )


def transform_for(image_size: tuple[int, int], **settings: Any) -> Callable[[Image.Image], Tensor]:
    """Return timm's transform from an RGB picture to an input of a size; ``settings`` are timm's, by name."""
    transform: Callable[[Image.Image], Tensor] = timm.data.create_transform((3, *image_size), **settings)
    return transform


def resample_patch_embedding(weight: Tensor, patch_size: tuple[int, int]) -> Tensor:
    """Return a patch embedding's kernel (channel, colour, height, width) for another patch size, by pseudo-inverse."""
    resampled: Tensor = resample_patch_embed(weight, list(patch_size))
    return resampled


def class_names(module: nn.Module, count: int) -> tuple[str, ...]:
    """Return readable class names: ImageNet's where the number of classes tells, else "class 0" and so on.

    ``count`` is what the classifier really returns: a module whose head was exchanged may still say another number.
    """
    subset = infer_imagenet_subset(module) if count else None
    names = () if subset is None else _imagenet_names(subset)
    return names if len(names) == count else tuple(f"class {index}" for index in range(count))


def imagenet_names(count: int) -> tuple[str, ...]:
    """Return the readable class names of the ImageNet that has ``count`` classes.

    Raises OptionError for a number that none of them has.
    """
    subsets = {1000: "imagenet-1k", 11221: "imagenet-21k-miil", 11821: "imagenet-12k", 21841: "imagenet-22k",
               21843: "imagenet-21k-goog"}  # fmt: skip
    if count not in subsets:
        raise OptionError(
            "No ImageNet has {count} classes; wanted a model of {listed}. Give a file of class names instead.",
            count=count,
            listed=", ".join(map(str, subsets)),
        )
    return _imagenet_names(subsets[count])


def projects(module: nn.Module) -> bool:
    """Return whether what looks like a module's classifier projects to an embedding shared with texts.

    timm gives a tower of CLIP its projection as a head whose outputs are as many as its config says; a tower that was
    fine-tuned on classes says a data set's number.
    """
    config = dict(getattr(module, "pretrained_cfg", None) or {})
    head: Any = getattr(module, "get_classifier", lambda: None)()
    outputs = getattr(head, "out_features", None)
    name = f"{config.get('architecture', '')}.{config.get('tag', '')}"
    tower = re.search(r"clip|_mci_|_pe_core_|siglip", name) is not None and "_ft_" not in f"_{config.get('tag', '')}_"
    return tower and outputs is not None and outputs == config.get("num_classes") and outputs in _PROJECTIONS


@lru_cache(maxsize=4)
def _imagenet_names(subset: str) -> tuple[str, ...]:
    info = ImageNetInfo(subset)
    return tuple(info.index_to_description(index).partition(",")[0] for index in range(info.num_classes()))


@lru_cache(maxsize=1)
def imagenet_wnids() -> tuple[str, ...]:
    """Return the WordNet ids of ImageNet's 1,000 classes in the order of a classifier's outputs."""
    info = ImageNetInfo("imagenet-1k")
    return tuple(info.index_to_label_name(index) for index in range(info.num_classes()))
