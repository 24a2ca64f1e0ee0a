"""load_vit: a model by name, with shipped, downloaded, local or random weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vitviz.errors import OptionError, UnknownModelError, suggest
from vitviz.models import hub, shipped, timm_door
from vitviz.models.class_names import ClassNames, listed_names
from vitviz.models.geometry import check_size, height_and_width
from vitviz.models.hugging_face import loading as hugging_face
from vitviz.models.hugging_face.loading import HF
from vitviz.models.support import check_family
from vitviz.models.timm_weights import TIMM, load_module, skeleton
from vitviz.models.vit import ViT
from vitviz.text_file import read_lines


def load_vit(
    name: str = "default",
    *,
    weights: str | Path = "pretrained",
    seed: int = 0,
    image_size: tuple[int, int] | int | None = None,
    class_names: ClassNames | str | Path | None = None,
    trained_size: tuple[int, int] | int | None = None,
) -> ViT:
    """Load a Vision Transformer by name, ready to be traced.

    ``name`` is "default" (shipped, needs no network), "timm:" and any timm Vision Transformer, with or without a
    tag, or "hf:" and a folder or a name of the hub with a vision model of Hugging Face's transformers, which is an
    extra. ``weights`` is "pretrained" (the hub, or its cache), "random" (from ``seed``) or the path of a local
    safetensors file. ``image_size`` is height and width in pixels, or one number for a square.
    ``class_names`` are in the order of the outputs, a dictionary from index to name or from name to index, or a text
    file with one name a line. ``trained_size`` is the size that a local
    file was trained for, then also the default of ``image_size``: only needed where the number of positions in the
    file does not tell their grid, as of a picture that is not square.

    Raises UnknownModelError, WeightsUnavailableError, CheckpointError, OptionError, or UnsupportedModelError for a
    model without global attention over patches.

    >>> vitviz.load_vit().class_name(31)
    'Persian cat'
    >>> vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", image_size=(96, 160)).grid
    PatchGrid(rows=6, columns=10, patch_size=(16, 16), prefix=('class',))
    """
    trained = _trained_size(trained_size, str(weights))
    size = None if image_size is None else height_and_width(image_size)
    size = size or trained
    names = _names(class_names)
    if name in shipped.MODELS:
        if str(weights) != "pretrained":
            raise OptionError(
                f"{name!r} has weights of its own; got weights={str(weights)!r}. "
                f"Use 'timm:{shipped.MODELS[name].architecture}' to choose the weights."
            )
        return shipped.load(name, image_size=size, class_names=names)
    if name.startswith(HF):
        return _hugging_face(name, str(weights), seed, size, names, trained)
    if not name.startswith(TIMM):
        known = [*shipped.MODELS, *(TIMM + each for each in timm_door.model_names())]
        raise UnknownModelError(
            f"There is no model {name!r}; wanted one of {', '.join(shipped.MODELS)} or 'timm:' and a timm name, "
            "or 'hf:' and a folder or name of Hugging Face."
            f"{suggest(name, known) or suggest(TIMM + name, known)} `python -m vitviz models` lists them."
        )
    architecture = name.removeprefix(TIMM)
    timm_door.check_name(architecture)
    _check_early(architecture, (size, trained))
    module, origin = load_module(
        architecture, str(weights), seed=seed, image_size=size, trained_size=trained, offline=shipped.available()
    )
    if names is None and str(weights) == "random":
        # a random classifier answers with numbers, not with names that would look like knowledge
        names = tuple(f"class {index}" for index in range(int(getattr(module, "num_classes", 0) or 0)))
    return ViT.from_module(module, name=name, class_names=names, image_size=size, weights=origin)


def _hugging_face(
    name: str,
    weights: str,
    seed: int,
    size: tuple[int, int] | None,
    names: tuple[str, ...] | None,
    trained: tuple[int, int] | None,
) -> ViT:
    if trained is not None:
        raise OptionError(
            f"trained_size={trained} belongs to a file of weights of timm; {name} says its own size. Leave it out."
        )
    model = hugging_face.load_module(name.removeprefix(HF), weights, seed=seed)
    return ViT.from_module(
        model.module,
        name=name,
        class_names=names,
        image_size=size,
        weights=model.weights,
        processor=model.processor,
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


def _trained_size(trained_size: tuple[int, int] | int | None, weights: str) -> tuple[int, int] | None:
    if trained_size is not None and weights in ("pretrained", "random"):
        raise OptionError(
            f"trained_size={trained_size} belongs to a local file of weights; "
            f"got weights={weights!r}, whose size is known. Leave it out, or give the file."
        )
    return None if trained_size is None else height_and_width(trained_size)


def _names(class_names: ClassNames | str | Path | None) -> tuple[str, ...] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str | Path):
        path = Path(class_names).expanduser()
        if not path.is_file():
            raise OptionError(f"There is no file of class names at {path}. Give a text file with one name a line.")
        return tuple(read_lines(path))
    return listed_names(class_names)
