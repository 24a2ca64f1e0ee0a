"""Which tokens a model has: its prefix tokens by name and its patch grid, read from the module itself."""

from __future__ import annotations

from typing import Any

from torch import nn

from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.grid import PatchGrid


def _setting(module: nn.Module, *names: str) -> Any:
    """Return the first of the attributes that the module, or its embedding module, has and that is not None."""
    for owner in (module, getattr(module, "embeds", None)):
        for name in names:
            value = getattr(owner, name, None)
            if value is not None:
                return value
    return None


def prefix_names(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the tokens before the patches, in the order in which the model concatenates them."""
    total = int(_setting(module, "num_prefix_tokens") or 0)
    names: list[str] = []
    if total and _setting(module, "cls_token") is not None:
        names.append("class")
    if _setting(module, "dist_token") is not None:
        names.append("distillation")
    names += [f"register {number}" for number in range(1, total - len(names) + 1)]
    if len(names) != total:
        raise UnsupportedModelError(
            f"The model says it has {total} prefix tokens, but {', '.join(names) or 'none'} were found. "
            "vitviz cannot tell its special tokens from its patches."
        )
    return tuple(names)


def grid_of(module: nn.Module, image_size: tuple[int, int]) -> PatchGrid:
    """Return the patch grid of a module for an input of the given height and width in pixels.

    Raises UnsupportedModelError if the module does not say how it cuts the picture up.
    """
    embedding = getattr(module, "patch_embed", None)
    size: Any = None
    if embedding is not None and hasattr(embedding, "dynamic_feat_size"):
        size = embedding.dynamic_feat_size(image_size)
    patch = _setting(module, "patch_size")
    if size is None and patch is not None:
        height, width = (patch, patch) if isinstance(patch, int) else patch
        size = image_size[0] // height, image_size[1] // width
    if size and min(size) < 1:
        raise OptionError(
            f"A picture of {image_size[0]} × {image_size[1]} pixels holds not one patch of "
            f"{type(module).__name__}; wanted "
            "at least one. Choose a larger image size."
        )
    if not size:
        raise UnsupportedModelError(
            f"{type(module).__name__} does not say how it cuts a picture into patches; wanted a "
            "patch_embed with a grid. "
            "Only Vision Transformers whose tokens are patches can be explained."
        )
    rows, columns = int(size[0]), int(size[1])
    return PatchGrid(
        rows, columns, (image_size[0] // rows, image_size[1] // columns), prefix_names(module)
    )


def check_size(name: str, module: nn.Module, image_size: tuple[int, int]) -> None:
    """Raise OptionError unless the patches of a module cover a picture of the given height and width exactly.

    The module's own size is always right: some were trained with a margin that no patch covers.
    """
    embedding: Any = getattr(module, "patch_embed", None)
    step = (
        embedding.feat_ratio(as_scalar=False)
        if hasattr(embedding, "feat_ratio")
        else _setting(module, "patch_size")
    )
    height, width = (step, step) if isinstance(step, int) else step
    own = tuple((getattr(module, "pretrained_cfg", None) or {}).get("input_size", ()))[1:]
    if image_size != own and (image_size[0] % height or image_size[1] % width):
        near = [
            max(1, round(size / side)) * side
            for size, side in zip(image_size, (height, width), strict=True)
        ]
        raise OptionError(
            f"{name} cuts pictures into patches of {height} × {width} pixels; got an image size of {image_size[0]} × "
            f"{image_size[1]}, wanted multiples of the patch. Choose {near[0]} × {near[1]}, for instance."
        )
