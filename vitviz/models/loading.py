"""load_vit: a model by name, with shipped, downloaded, local or random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vitviz.errors import CheckpointError, OptionError, UnknownModelError, VitvizError, suggest
from vitviz.models import checkpoints, hub, shipped, timm_door
from vitviz.models.geometry import check_size
from vitviz.models.support import check_family
from vitviz.models.vit import ViT

TIMM = "timm:"


def load_vit(
    name: str = "default",
    *,
    weights: str | Path = "pretrained",
    seed: int = 0,
    image_size: tuple[int, int] | int | None = None,
    class_names: Sequence[str] | str | Path | None = None,
) -> ViT:
    """Load a Vision Transformer by name, ready to be traced.

    ``name`` is "default" (shipped, needs no network) or "timm:" and any timm Vision Transformer, with or without a
    tag. ``weights`` is "pretrained" (the hub, or its cache), "random" (from ``seed``) or the path of a local
    safetensors file. ``image_size`` is height and width in pixels, or one number for a square.
    ``class_names`` is a sequence, or a text file with one name a line.

    Raises UnknownModelError, WeightsUnavailableError, CheckpointError, OptionError, or UnsupportedModelError for a
    model without global attention over patches.
    """
    size = _size(image_size)
    names = _names(class_names)
    if name in shipped.MODELS:
        if str(weights) != "pretrained":
            raise OptionError(
                f"{name!r} has weights of its own; got weights={str(weights)!r}. Use "
                f"'timm:{shipped.MODELS[name].architecture}' to choose the weights."
            )
        return shipped.load(name, image_size=size)
    if not name.startswith(TIMM):
        known = [*shipped.MODELS, *(TIMM + each for each in timm_door.model_names())]
        raise UnknownModelError(
            f"There is no model {name!r}; wanted one of {', '.join(shipped.MODELS)} or 'timm:' and a timm name."
            f"{suggest(name, known) or suggest(TIMM + name, known)} `python -m vitviz models` lists them."
        )
    architecture = name.removeprefix(TIMM)
    timm_door.check_name(architecture)
    module, origin = _timm_module(architecture, str(weights), seed, size)
    check_family(name, module)
    if size is not None:
        check_size(name, module, size)
    if names is None and str(weights) == "random":
        # a random classifier answers with numbers, not with names that would look like knowledge
        names = [f"class {index}" for index in range(int(getattr(module, "num_classes", 0) or 0))]
    return ViT.from_module(module, name=name, class_names=names, image_size=size, weights=origin)


def _timm_module(
    name: str, weights: str, seed: int, size: tuple[int, int] | None
) -> tuple[nn.Module, str]:
    if weights == "random":
        return timm_door.build(name, image_size=size, seed=seed), f"random, seed {seed}"
    _refuse_early(name)
    if weights == "pretrained":
        return _pretrained(name, size)
    path = Path(weights).expanduser()
    state = checkpoints.read_checkpoint(path)
    module = _from_state(name, state, size, checkpoints.classes_in(state))
    return module, f"{path.name}, SHA-256 {checkpoints.sha256_of(path)}"


def _refuse_early(name: str) -> None:
    """Refuse an unsupported family before its weights are fetched."""
    with torch.device("meta"):
        try:
            module = timm_door.build(name)
        except (RuntimeError, NotImplementedError):
            return  # cannot be built without memory; the check after loading decides
    check_family(TIMM + name, module)


def _pretrained(name: str, size: tuple[int, int] | None) -> tuple[nn.Module, str]:
    settings = timm_door.pretrained_settings(name)
    full = hub.hub_name(name)
    if not settings.get("hf_hub_id") and not settings.get("url"):
        raise hub.unavailable(TIMM + name, "timm has no weights of that name", offline_names())
    cached = hub.cached_file(settings)
    if cached is not None:
        return _from_state(
            name, checkpoints.read_checkpoint(cached), size, None
        ), f"{full}, from the cache"
    if not hub.reachable():
        raise hub.unavailable(TIMM + full, "the hub does not answer", offline_names())
    try:
        return timm_door.build(name, image_size=size, pretrained=True), f"{full}, downloaded"
    except VitvizError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise hub.unavailable(
            TIMM + full, str(error).partition("\n")[0], offline_names()
        ) from error


def _from_state(
    name: str, state: dict[str, Tensor], size: tuple[int, int] | None, classes: int | None
) -> nn.Module:
    overlay: dict[str, Any] = {"state_dict": state, "source": "", "custom_load": False}
    if classes is not None:
        overlay["num_classes"] = classes
    try:
        return timm_door.build(
            name, image_size=size, classes=classes, pretrained=True, overlay=overlay
        )
    except VitvizError:
        raise
    except (
        RuntimeError,
        KeyError,
        ValueError,
        IndexError,
        AttributeError,
        TypeError,
        AssertionError,
    ) as error:
        with torch.device("meta"):
            plain = timm_door.build(name, image_size=size, classes=classes)
        told = checkpoints.difference(TIMM + name, state, plain)
        raise CheckpointError(
            f"{told} Choose the architecture that the file was saved from."
        ) from error


def offline_names() -> list[str]:
    """Return the models that can be loaded without a network: the shipped ones and the cached ones."""
    return [*shipped.available(), *hub.cached_models()]


def _size(image_size: tuple[int, int] | int | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    if min(height, width) < 1 or max(height, width) > 4096:
        raise OptionError(
            f"An image size of {height} × {width} pixels cannot be used; wanted 1 to 4096. Choose a smaller one."
        )
    return int(height), int(width)


def _names(class_names: Sequence[str] | str | Path | None) -> list[str] | None:
    if class_names is None:
        return None
    if isinstance(class_names, str | Path):
        path = Path(class_names).expanduser()
        if not path.is_file():
            raise OptionError(
                f"There is no file of class names at {path}. Give a text file with one name a line."
            )
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise OptionError(
                f"{path.name} is no UTF-8 text ({error}). Give a text file with one name a line."
            ) from error
        return [line.strip() for line in text.splitlines() if line.strip()]
    return list(class_names)
