"""Which tokens a model has: its prefix tokens by name and its patch grid, read from the module itself."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

import numpy as np
from torch import Tensor, nn

from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.grid import PatchGrid

BLOCK_LISTS = ("blocks", "layers", "layer", "resblocks")
"""How lists of transformer blocks are called: timm, DINO, MAE; torchvision; Hugging Face; CLIP."""


def blocks_in(module: nn.Module) -> str | None:
    """Return the name of a module's list of transformer blocks, the one nearest to its root, or None."""
    lists = [
        name
        for name, part in module.named_modules()
        if name.rpartition(".")[2] in BLOCK_LISTS and isinstance(part, nn.ModuleList | nn.Sequential) and len(part)
    ]
    return min(lists, key=lambda name: name.count("."), default=None)


def _setting(module: nn.Module, *names: str) -> Any:
    """Return the first of the attributes that the module, or its embedding module, has and that is not None."""
    for owner in (module, getattr(module, "embeds", None)):
        for name in names:
            value = getattr(owner, name, None)
            if value is not None:
                return value
    return None


CLASS_TOKENS = ("cls_token", "class_token", "class_embedding")
_PROMPTS = ("prompt_embeddings", "prompt_embedding", "prompt_tokens", "prompts", "prompt")
"""Tokens that were learned later and stand between the class token and the patches (VPT)."""
_REGISTERS = ("reg_token", "register_tokens", "storage_tokens")


def prefix_names(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the tokens before the patches, in the order in which the model concatenates them.

    timm says how many there are; of other code it is known by the parameters that it has for them.
    """
    said = _setting(module, "num_prefix_tokens")
    token = _setting(module, *CLASS_TOKENS)
    empty = isinstance(token, Tensor) and not token.numel()  # as vit-pytorch keeps one that is not used
    names = ["class"] if said != 0 and token is not None and not empty else []
    if _setting(module, "dist_token") is not None:
        names.append("distillation")
    registers = _setting(module, *_REGISTERS)
    held = registers.shape[-2] if isinstance(registers, Tensor) and registers.ndim > 1 else 0
    learned = next((value for name in _PROMPTS if isinstance(value := getattr(module, name, None), nn.Parameter)), None)
    prompts = int(learned.shape[-2]) if learned is not None and learned.ndim in (2, 3) else 0
    total = len(names) + held if said is None else int(said)
    names += [f"register {number}" for number in range(1, total - len(names) + 1)]
    if len(names) != total:
        raise UnsupportedModelError(
            "The model says it has {total} prefix tokens, but {listed} were found. vitviz cannot "
            "tell its special tokens from its patches.",
            total=total,
            listed=", ".join(names) or "none",
        )
    return (*names, *(f"prompt {number}" for number in range(1, prompts + 1)))


def patch_size_of(module: nn.Module) -> tuple[int, int] | None:
    """Return height and width in pixels of the patches that a module cuts, or None if it does not say.

    For a hybrid model it is the picture's share of one place of the convolutional stem's output.
    """
    embedding: Any = getattr(module, "patch_embed", None)
    if hasattr(embedding, "feat_ratio"):
        patch = embedding.feat_ratio(as_scalar=False)
    else:
        patch = getattr(embedding, "patch_size", None) or _setting(module, "patch_size") or _stride(module)
    if patch is None:
        return None
    height, width = (patch, patch) if isinstance(patch, int) else patch
    return int(height), int(width)


def _stride(module: nn.Module) -> tuple[int, int] | None:
    """Return the patch of the first convolution of a module that steps by the size of its kernel, or None."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == layer.stride and max(layer.stride) > 1:
            return int(layer.stride[0]), int(layer.stride[1])
    return next((patch for layer in module.modules() if (patch := _rearranged(layer)) is not None), None)


def _rearranged(layer: nn.Module) -> tuple[int, int] | None:
    """Return the patch that einops' layer cuts, its pattern "b c (h p1) (w p2) -> …" with p1 = p2 = 8 for one."""
    pattern, lengths = getattr(layer, "pattern", None), getattr(layer, "axes_lengths", None)
    if not isinstance(pattern, str) or not isinstance(lengths, dict):
        return None
    sides = [
        [lengths[name] for name in axes.split() if name in lengths]
        for axes in re.findall(r"\(([^)]*)\)", pattern.partition("->")[0])
    ]
    if [len(side) for side in sides] != [1, 1]:
        return None
    return int(sides[0][0]), int(sides[1][0])


def channels_of(module: nn.Module) -> tuple[int, ...]:
    """Return the channels that a module's input may have, the likeliest first; 3 if nothing says them.

    They are those of its first convolution, or of the first matrix behind the layer that cuts patches out, which may
    be given several copies of the picture beside each other.
    """
    embedding, patch = getattr(module, "patch_embed", None), None
    for owner in (embedding, module):
        for layer in owner.modules() if isinstance(owner, nn.Module) else ():
            if isinstance(layer, nn.Conv2d):
                return (layer.in_channels,)
            patch = patch or _rearranged(layer)
            if patch is not None and isinstance(layer, nn.Linear):
                return tuple(dict.fromkeys((layer.in_features // (patch[0] * patch[1]), 3)))
    return (int(getattr(module, "in_chans", 3)),)


def grid_of(module: nn.Module, image_size: tuple[int, int]) -> PatchGrid:
    """Return the patch grid of a module for an input of the given height and width in pixels.

    A margin that no patch covers belongs to no patch: the patch size is the module's, not the picture's share.
    Raises UnsupportedModelError if the module does not say how it cuts the picture up.
    """
    patch = patch_size_of(module)
    if patch is None:
        raise UnsupportedModelError(
            "{kind} does not say how it cuts a picture into patches; wanted a patch_embed with a "
            "grid. Only Vision Transformers whose tokens are patches can be explained.",
            kind=type(module).__name__,
        )
    embedding: Any = getattr(module, "patch_embed", None)
    if hasattr(embedding, "dynamic_feat_size"):
        rows, columns = embedding.dynamic_feat_size(image_size)
    else:
        rows, columns = image_size[0] // patch[0], image_size[1] // patch[1]
    if min(rows, columns) < 1:
        raise OptionError(
            "A picture of {height} × {width} pixels holds not one patch of {kind}; wanted at least "
            "one. Choose a larger image size.",
            height=image_size[0],
            width=image_size[1],
            kind=type(module).__name__,
        )
    return PatchGrid(int(rows), int(columns), patch, prefix_names(module))


def width_of(module: nn.Module) -> int:
    """Return the number of channels of a module's tokens, or 0 if it does not say."""
    said = _setting(module, "embed_dim", "num_features", "hidden_dim")
    if isinstance(said, int):
        return said
    token = _setting(module, *CLASS_TOKENS, "pos_embed")
    if isinstance(token, Tensor):
        return int(token.shape[-1])
    place = blocks_in(module)
    blocks = module if place is None else module.get_submodule(place)
    norms = (part for part in blocks.modules() if isinstance(part, nn.LayerNorm))
    return next((int(norm.normalized_shape[-1]) for norm in norms), 0)


def own_size(module: nn.Module) -> tuple[int, int] | None:
    """Return height and width in pixels that a module was made for, as its timm config or else its embedding says."""
    size = tuple((getattr(module, "pretrained_cfg", None) or {}).get("input_size") or ())[1:]
    if len(size) != 2:  # not made by timm's factory: what it was built for is all that is known
        return declared_size(module)
    return int(size[0]), int(size[1])


def size_of_positions(module: nn.Module) -> tuple[int, int] | None:
    """Return height and width in pixels of the square picture that a module's table of positions is for, or None."""
    patch = patch_size_of(module)
    if patch is None or hasattr(module, "pretrained_cfg"):
        return None
    for held in _positions(module):
        for rows in (held - len(prefix_names(module)), held):
            side = math.isqrt(max(0, rows))
            if side and side**2 == rows:
                return side * patch[0], side * patch[1]
    return None


def possible_sizes(module: nn.Module) -> tuple[tuple[int, int], ...]:
    """Return heights and widths of pictures for which a module's table of positions has enough, the squarest first.

    None where it has no such table, or does not say how it cuts pictures up.
    """
    patch, prefix = patch_size_of(module), len(prefix_names(module))
    count = next((rows - prefix for rows in _positions(module) if rows > prefix), 0)
    if patch is None or not count:
        return ()
    sides = [(side, count // side) for side in range(math.isqrt(count), 0, -1) if count % side == 0]
    return tuple((rows * patch[0], columns * patch[1]) for side in sides for rows, columns in {side, side[::-1]})


def _positions(module: nn.Module) -> list[int]:
    """Return how many rows the tables of positions of a module have."""
    kept = [(name, value) for name, value in vars(module).items() if isinstance(value, Tensor)]  # as SimpleViT does
    tables = [*module.named_parameters(), *module.named_buffers(), *kept]
    return [int(table.shape[-2]) for name, table in tables if "pos" in name.rpartition(".")[2] and table.ndim in (2, 3)]


def declared_size(module: nn.Module) -> tuple[int, int] | None:
    """Return height and width in pixels that a module's patch embedding says it was built for, or None.

    timm says (height, width); the original DINO and MAE code one number for a square.
    """
    declared: Any = getattr(getattr(module, "patch_embed", None), "img_size", None)
    if declared is None and not hasattr(module, "pretrained_cfg"):
        declared = _setting(module, "img_size", "image_size")
    if isinstance(declared, int | np.integer) and not isinstance(declared, bool):
        return int(declared), int(declared)
    size = tuple(declared) if isinstance(declared, tuple | list) else ()
    return (int(size[0]), int(size[1])) if len(size) == 2 else None


def height_and_width(image_size: tuple[int, int] | int) -> tuple[int, int]:
    """Return height and width in pixels of an input, given as both or as one number for a square.

    Raises OptionError for what is no size, and for one beyond 4096 pixels.
    """
    try:
        given: Any = (image_size, image_size) if isinstance(image_size, int | np.integer) else tuple(image_size)
        height, width = (operator.index(side) for side in given)
    except (TypeError, ValueError):
        raise OptionError(
            "An image size of {image_size} cannot be used; wanted height and width in whole "
            "pixels, such as (224, 224), or one number for a square.",
            image_size=repr(image_size),
        ) from None
    if min(height, width) < 1 or max(height, width) > 4096:
        raise OptionError(
            "An image size of {height} × {width} pixels cannot be used; wanted 1 to 4096. Choose a smaller one.",
            height=height,
            width=width,
        )
    return height, width


def check_size(name: str, module: nn.Module, image_size: tuple[int, int]) -> None:
    """Raise OptionError unless the patches of a module cover a picture of the given height and width exactly.

    The module's own size is always right: some were trained with a margin that no patch covers.
    """
    patch = patch_size_of(module)
    if patch is None or image_size == own_size(module):
        return
    height, width = patch
    if image_size[0] % height or image_size[1] % width:
        near = [max(1, round(size / side)) * side for size, side in zip(image_size, (height, width), strict=True)]
        raise OptionError(
            "{name} cuts pictures into patches of {height} × {width} pixels; got an image size of "
            "{other_height} × {other_width}, wanted multiples of the patch. Choose {near} × "
            "{other_near}, for instance.",
            name=name,
            height=height,
            width=width,
            other_height=image_size[0],
            other_width=image_size[1],
            near=near[0],
            other_near=near[1],
        )
