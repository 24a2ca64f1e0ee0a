"""The grid that the positions of a weights file were trained for: a table says only how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

from torch import Tensor, nn

from vitviz.errors import CheckpointError
from vitviz.models.geometry import own_size, patch_size_of

Size = tuple[int, int]


def grid_in_file(
    name: str, state: Mapping[str, Tensor], module: nn.Module, *, image_size: Size | None, trained_size: Size | None
) -> Size | None:
    """Return rows and columns of the patches whose positions a weights file holds, or None if it has no such table.

    ``module`` is the architecture at its own size, with or without memory. Without ``trained_size`` the grid is the
    architecture's own, a square, or that of ``image_size``, whichever has as many patches as the table.
    Raises CheckpointError where none of them has, or several: a table read in rows of a wrong length is scrambled.
    """
    side = _side_of_biases(state, module)
    if side is not None and trained_size is None:
        return side, side
    count = _positions(state, module)
    file, wanted = _patch_in_file(state, module), patch_size_of(module)
    if count is None or count < 1 or file is None or wanted is None:
        return None
    if trained_size is not None:
        return _checked(name, count, trained_size, _cut(trained_size, file))
    side = round(count**0.5)
    grids = [_cut(own_size(module), file), (side, side), _cut(image_size, wanted)]
    fitting = sorted({grid for grid in grids if grid and grid[0] * grid[1] == count})
    if len(fitting) != 1:
        raise _unknown(name, count, fitting)
    return fitting[0]


def is_own_grid(grid: Size, state: Mapping[str, Tensor], module: nn.Module) -> bool:
    """Return whether a grid is the one that the architecture has at its own size."""
    file = _patch_in_file(state, module)
    return file is not None and grid == _cut(own_size(module), file)


def size_of(grid: Size, module: nn.Module) -> Size | None:
    """Return height and width in pixels of the pictures that an architecture cuts into a grid of patches."""
    patch = patch_size_of(module)
    return None if patch is None else (grid[0] * patch[0], grid[1] * patch[1])


def _positions(state: Mapping[str, Tensor], module: nn.Module) -> int | None:
    """Return the number of patch positions in a file of timm's own names; other names timm converts by itself."""
    table, own = state.get("pos_embed"), module.state_dict()
    if table is None or "pos_embed" not in own or table.ndim != 3 or own["pos_embed"].ndim != 3:
        return None
    if _body(state) != _body(own) or table.shape[-1] != own["pos_embed"].shape[-1]:
        return None  # another architecture: loading says which tensors differ
    prefixed = not getattr(module, "no_embed_class", False)
    return int(table.shape[1]) - (int(getattr(module, "num_prefix_tokens", 1)) if prefixed else 0)


def _side_of_biases(state: Mapping[str, Tensor], module: nn.Module) -> int | None:
    """Return the side of the square grid that a table of BEiT's biases by distance is for, or None for another one.

    It has a row for each distance along rows and columns, and three for the class token.
    """
    own = module.state_dict()
    name = next((key for key in state if key.endswith("relative_position_bias_table")), "")
    if name not in own or _body(state) != _body(own) or state[name].shape[1:] != own[name].shape[1:]:
        return None
    distances = len(state[name]) - 3
    along = isqrt(max(0, distances))
    return (along + 1) // 2 if along % 2 and along**2 == distances else None


def _body(state: Mapping[str, Tensor]) -> set[str]:
    return {name for name in state if not name.startswith("head")}


def _patch_in_file(state: Mapping[str, Tensor], module: nn.Module) -> Size | None:
    """Return the patch size of the file in pixels: its kernel may be larger or smaller than the module's."""
    patch, name = patch_size_of(module), "patch_embed.proj.weight"
    own = module.state_dict().get(name)
    file = state.get(name)
    if patch is None or own is None or file is None or {own.ndim, file.ndim} != {4}:
        return patch
    height, width = (
        side * int(kernel) // int(here)
        for side, kernel, here in zip(patch, file.shape[-2:], own.shape[-2:], strict=True)
    )
    return height, width


def _cut(size: Size | None, patch: Size) -> Size | None:
    return None if size is None else (size[0] // patch[0], size[1] // patch[1])


def _checked(name: str, count: int, size: Size, grid: Size | None) -> Size:
    rows, columns = grid or (0, 0)
    if rows * columns != count:
        raise CheckpointError(
            "{name} holds the positions of {count} patches; trained_size={size} means {rows} × {columns} = {other}. "
            "Give the height and width in pixels that the weights were trained for.",
            name=name,
            count=count,
            size=size,
            rows=rows,
            columns=columns,
            other=rows * columns,
        )
    return rows, columns


def _unknown(name: str, count: int, fitting: list[Size]) -> CheckpointError:
    if not fitting:
        return CheckpointError(
            "{name} holds the positions of {count} patches, and they fit neither the architecture nor a square; wanted "
            "one grid, because a wrong guess scrambles them. Give trained_size=(height, width): the picture's size in "
            "pixels that the weights were trained for.",
            name=name,
            count=count,
        )
    return CheckpointError(
        "{name} holds the positions of {count} patches, and they can lie in {first} or {second}; wanted one grid, "
        "because a wrong guess scrambles them. Give trained_size=(height, width): the picture's size in pixels that "
        "the weights were trained for.",
        name=name,
        count=count,
        first=" × ".join(map(str, fitting[0])),
        second=" × ".join(map(str, fitting[1])),
    )
