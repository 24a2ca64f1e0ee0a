"""Checks of a map that need no curve: does it depend on the weights, and does it lie on the object?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vitviz.analysis.faithfulness import patch_values
from vitviz.analysis.redrawn import check_redrawable, redraw
from vitviz.argument import checked
from vitviz.capture.shell import copied_module
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.record import Result

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels of the model's input; right and bottom are exclusive."""


@dataclass(frozen=True, eq=False)
class Randomisation(Result):
    """How a map changes as a model's layers are replaced by random ones, from the top.

    >>> import numpy as np
    >>> ones = np.ones(2)
    >>> vitviz.Randomisation(("as trained", "layer 1"), ones, ones).stages  # vitviz.model_randomisation returns one
    ('as trained', 'layer 1')
    """

    stages: tuple[str, ...]
    """What is random so far: "nothing", "head", "layer 11" …, "embedding"; each with all before it."""
    correlations: NDArray[np.float64]
    """(stage,) Spearman's rank correlation with the map of the true model, over patches; NaN for a flat map."""
    absolute: NDArray[np.float64]
    """(stage,) the same for the maps' absolute values, in which signs may flip unseen."""


@checked
def model_randomisation(
    vit: ViT, explain: Callable[[ViT], NDArray[Any]], *, seed: int = 0, progress: Progress | None = None
) -> Randomisation:
    """Return how a map changes as layers become random, from the head down to the embedding.

    Adebayo et al. 2018, section 3.1, cascading randomisation: a map that stays the same does not explain the model.
    ``explain`` returns the map of a model, over patches or pixels, and must name a fixed target: the top class of a
    random model is another. Every parameter is drawn anew with its own mean and standard deviation, on a copy.
    Raises UnsupportedModelError for weights that are kept as integers, and what ``explain`` raises.

    >>> small = vitviz.load_vit("default", image_size=56)  # 4 × 4 patches
    >>> def explain(other):
    ...     return vitviz.attribute("rollout", other, "photo.jpg").values
    >>> vitviz.model_randomisation(small, explain).stages[:3]
    ('nothing', 'head', 'layer 11')
    """
    check_redrawable(vit)
    module = copied_module(vit.module)
    changed = ViT.from_module(  # it is observed once, and proven again whenever its weights have changed
        module, name=vit.name, transform=vit.transform, class_names=vit.class_names, image_size=vit.image_size
    )
    changed = replace(changed, lock=vit.lock, mean=vit.mean, std=vit.std)  # a copy takes its turns with the model
    generator = torch.Generator().manual_seed(seed)
    parts = _parts(module, vit)
    total = len(parts) + 1
    maps = [patch_values(explain(vit), vit.grid)]
    report(progress, 1, total)
    for done, (_, parameters) in enumerate(parts, start=2):
        redraw(parameters, generator)
        maps.append(patch_values(explain(changed), vit.grid))
        report(progress, done, total)
    names = ("nothing", *(name for name, _ in parts))
    plain = [rank_correlation(maps[0], values) for values in maps]
    absolute = [rank_correlation(np.abs(maps[0]), np.abs(values)) for values in maps]
    return Randomisation(names, np.array(plain), np.array(absolute))


_EMBEDDING = ("patch_embed.", "pos_embed", "norm_pre.")
"""What precedes the blocks, even where it was built after them."""


def _parts(module: nn.Module, vit: ViT) -> list[tuple[str, list[nn.Parameter]]]:
    """Return the parameters by stage, from the top: what follows the blocks, each block, what precedes them."""
    named = list(module.named_parameters())
    places = tuple(f"{block}." for block in vit.structure.blocks)
    body = f"{vit.structure.body}." if vit.structure.body else ""
    first = next(at for at, (name, _) in enumerate(named) if name.startswith(places))
    before = {name for name, _ in named[:first]} | {
        name for name, _ in named if name.startswith(tuple(body + part for part in _EMBEDDING))
    }
    after = [p for name, p in named if name not in before and not name.startswith(places)]
    blocks = [
        (f"layer {layer}", [p for name, p in named if name.startswith(places[layer])])
        for layer in reversed(range(vit.layers))
    ]
    embedding = [p for name, p in named if name in before]
    stages = [("head", after), *blocks, ("embedding", embedding)]
    return [(name, parameters) for name, parameters in stages if parameters]


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Spearman's rank correlation in [−1, 1], ties at their mean rank; NaN if either is flat."""
    ranks = [_ranks(np.asarray(values, dtype=np.float64).ravel()) for values in (first, second)]
    centred = [ranking - ranking.mean() for ranking in ranks]
    length = float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum()) / length if length else float("nan")


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = ((last - counts + last - 1) / 2)[places]
    return ranks


@checked
def pointing_game(values: NDArray[Any], grid: PatchGrid, box: Box) -> bool:
    """Return whether a map's largest value lies inside a box (Zhang et al. 2018, Top-Down Neural Attention).

    A patch counts as inside if its centre is. Raises OptionError for a box that is empty or outside the picture,
    GridError for a map of another shape.

    >>> import numpy as np
    >>> vitviz.pointing_game(np.eye(16)[:1].repeat(16, 0), vit.grid, (0, 0, 112, 112))
    True
    """
    weights = patch_values(values, grid)
    return bool(_inside(grid, box)[int(weights.argmax())])


@checked
def energy_in_box(values: NDArray[Any], grid: PatchGrid, box: Box) -> float:
    """Return the share of a map's positive values inside a box, in [0, 1] (Wang et al. 2020, Score-CAM, section 4.3).

    A patch counts as inside by the part of its area that is. Raises OptionError for a box that is empty or outside
    the picture or a map without positive values, GridError for a map of another shape.

    >>> import numpy as np
    >>> vitviz.energy_in_box(np.ones((16, 16)), vit.grid, (0, 0, 112, 112))  # a quarter of the picture
    0.25
    """
    weights = patch_values(values, grid).clip(min=0)
    if not weights.sum():
        raise OptionError(
            "The map has no positive values, so it puts no energy anywhere; wanted at least one. Choose another method."
        )
    return float(weights @ box_coverage(grid, box) / weights.sum())


def box_coverage(grid: PatchGrid, box: Box) -> NDArray[np.float64]:
    """Return the part of each patch's area that lies inside a box, in [0, 1]: (patch,)."""
    left, top, right, bottom = _checked(grid, box)
    height, width = grid.patch_size
    down = _overlap(top, bottom, height, grid.rows)
    across = _overlap(left, right, width, grid.columns)
    coverage: NDArray[np.float64] = np.outer(down, across).ravel()
    return coverage


def _inside(grid: PatchGrid, box: Box) -> NDArray[np.bool_]:
    left, top, right, bottom = _checked(grid, box)
    height, width = grid.patch_size
    down = (np.arange(grid.rows) + 0.5) * height
    across = (np.arange(grid.columns) + 0.5) * width
    rows, columns = (top <= down) & (down < bottom), (left <= across) & (across < right)
    inside: NDArray[np.bool_] = np.outer(rows, columns).ravel()
    return inside


def _overlap(start: int, end: int, size: int, count: int) -> NDArray[np.float64]:
    """Return the part of each of ``count`` cells of a given size that lies in [start, end)."""
    edges = np.arange(count) * float(size)
    overlap: NDArray[np.float64] = np.minimum(edges + size, end) - np.maximum(edges, start)
    return overlap.clip(min=0) / size


def _checked(grid: PatchGrid, box: Box) -> Box:
    left, top, right, bottom = box
    height, width = grid.image_size
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise OptionError(
            "The box {box} is empty or reaches outside the picture; wanted 0 ≤ left < right ≤ {width} "
            "and 0 ≤ top < bottom ≤ {height}. Count pixels in the model's input.",
            box=box,
            width=width,
            height=height,
        )
    return box
