"""Which tokens a model has: its prefix tokens by name and its patch grid, read from the module itself."""

from __future__ import annotations

from typing import Any

from torch import nn

from vitviz.errors import UnsupportedModelError
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
    if not size or min(size) < 1:
        raise UnsupportedModelError(
            f"{type(module).__name__} does not say how it cuts a picture into patches; wanted a patch_embed with a grid. "
            "Only Vision Transformers whose tokens are patches can be explained."
        )
    rows, columns = int(size[0]), int(size[1])
    return PatchGrid(rows, columns, (image_size[0] // rows, image_size[1] // columns), prefix_names(module))
