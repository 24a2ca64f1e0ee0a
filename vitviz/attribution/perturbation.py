"""Explanations from the answers to changed pictures: patches are taken away, and the score is watched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vitviz.analysis.masked import masked_scores
from vitviz.analysis.replacement import REMOVED, REPLACEMENTS, replacement_picture
from vitviz.analysis.scoring import SoFar, in_batches, score_batch, scores
from vitviz.attribution.method import Knob, Method, RawMap, Task
from vitviz.attribution.shapley import coalitions, shapley_values, standard_error
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid

REPLACEMENT = Knob(
    "replacement", "mean", "What takes the place of a patch.", choices=REPLACEMENTS, label="Put in its place"
)


def occlusion(task: Task, *, replacement: str, window: int, stride: int) -> RawMap:
    """Return how much the score falls when patches are taken away: (rows, columns), signed.

    Zeiler & Fergus 2014, section 4.2. A square of ``window`` × ``window`` patches moves by ``stride`` patches; a patch
    under several squares gets the mean of their falls, as in Captum's Occlusion.
    """
    grid = task.vit.grid
    squares = occlusion_windows(grid, window, stride)  # (square, patch)
    squares = squares[coarse_first(*(len(_starts(side, window, stride)) for side in (grid.rows, grid.columns)))]
    whole = scores(task.vit, [task.pixels], task.target)

    def raw(masked: Tensor) -> RawMap:
        return RawMap(grid.to_map(mean_falls(whole - masked, squares[: len(masked)], grid)))

    return raw(_masked_scores(task, squares, replacement, lambda so_far: task.show(lambda: raw(so_far()))))


def mean_falls(falls: Tensor, squares: Tensor, grid: PatchGrid) -> Tensor:
    """Return the mean fall (square,) of the squares (square, patch) over each patch; of others the nearest square's."""
    covered = squares.float()
    values = falls @ covered / covered.sum(0).clamp(min=1)  # (patch,)
    open_patches = covered.sum(0) == 0
    if open_patches.any():
        places = torch.cartesian_prod(torch.arange(grid.rows), torch.arange(grid.columns)).float()  # (patch, 2)
        centres = covered @ places / covered.sum(1, keepdim=True)  # (square, 2)
        values[open_patches] = falls[torch.cdist(places[open_patches], centres).argmin(1)]
    return values


def coarse_first(rows: int, columns: int) -> Tensor:
    """Return an order of the places of a grid, (place,), in which every fourth comes first, then every second."""
    row, column = torch.arange(rows)[:, None], torch.arange(columns)
    level = sum(((row % step == 0) & (column % step == 0)).int() for step in (2, 4))
    return torch.as_tensor(level).flatten().argsort(descending=True, stable=True)


def occlusion_windows(grid: PatchGrid, window: int, stride: int) -> Tensor:
    """Return the patches under each square, (square, patch) of bool, row by row; the last ones end at the edge.

    Raises OptionError for a square larger than the grid and for a step that would leave patches out.
    """
    if window > min(grid.rows, grid.columns):
        raise OptionError(
            "window is {window} patches; the grid has {rows} × {columns}. Choose at most {least}.",
            window=window,
            rows=grid.rows,
            columns=grid.columns,
            least=min(grid.rows, grid.columns),
        )
    if stride > window:
        raise OptionError(
            "stride {stride} is larger than window {window}, so patches would be left out; wanted "
            "at most {window}. Choose a smaller stride or a larger window.",
            stride=stride,
            window=window,
        )
    squares = []
    for top in _starts(grid.rows, window, stride):
        for left in _starts(grid.columns, window, stride):
            square = torch.zeros(grid.rows, grid.columns, dtype=torch.bool)
            square[top : top + window, left : left + window] = True
            squares.append(square.flatten())
    return torch.stack(squares)


def _starts(size: int, window: int, stride: int) -> range:
    return range(0, (math.ceil((size - window) / stride) + 1) * stride, stride)


def rise(task: Task, *, n_masks: int, replacement: str, keep: float, cells: int) -> RawMap:
    """Return the mean score of random masks that show a pixel, minus the mean over all masks: (height, width), signed.

    Petsiuk et al. 2018, equation 6, with smooth random masks of ``cells`` × ``cells``; the mean of all masks is taken
    off, so that 0 means no influence, and divided by their spread, so that a value is what showing the pixel adds.
    """
    generator = torch.Generator().manual_seed(task.seed)
    behind = replacement_picture(task.vit, task.pixels, replacement, seed=task.seed)
    size = task.vit.image_size
    sums = _MaskSums(size)

    def run(masks: list[Tensor]) -> Tensor:
        pictures = torch.stack([_blend(task.pixels, behind, mask) for mask in masks])
        scores = score_batch(task.vit, pictures, task.target)
        # only now: what does not fit into memory fails above, and comes again in halves
        sums.add(torch.stack(masks), scores)
        task.show(sums.raw)
        return scores

    drawn = (smooth_mask(size, cells, keep, generator) for _ in range(n_masks))
    # one batch of masks is in memory at a time
    in_batches(task.vit, run, drawn, batch_size=task.batch_size, progress=task.progress, total=n_masks)
    return sums.raw()


class _MaskSums:
    """What is kept of masks and their scores: sums over all masks, of which small differences are taken: in float64."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._count, self._score, self._score_square = 0, 0.0, 0.0
        self._mask = torch.zeros(size, dtype=torch.float64)
        self._square = torch.zeros(size, dtype=torch.float64)
        self._product = torch.zeros(size, dtype=torch.float64)

    def add(self, masks: Tensor, scores: Tensor) -> None:
        """Add masks (mask, height, width) and their scores (mask,)."""
        masks, scores = masks.double(), scores.detach().cpu().double()
        self._count += len(masks)
        self._score += float(scores.sum())
        self._score_square += float(scores.square().sum())
        self._mask += masks.sum(0)
        self._square += masks.square().sum(0)
        self._product += torch.einsum("m,mhw->hw", scores, masks)

    def raw(self) -> RawMap:
        """Return the covariance of score and mask by the variance of the mask at each pixel, (height, width).

        That is the slope of a line through the masks' scores; its standard error is the usual one of least squares.
        """
        count, mean = self._count, self._mask / self._count
        together = self._product / count - self._score / count * mean
        spread = (self._square / count - mean.square()).clamp(min=1e-6)
        slope = together / spread  # (height, width)
        left = (self._score_square / count - (self._score / count) ** 2) - slope.square() * spread
        error = (left.clamp(min=0) / spread / (count - 2)).mean().sqrt() if count > 2 else None
        return RawMap(slope.float(), sampling_error=None if error is None else float(error))


def smooth_mask(size: tuple[int, int], cells: int, keep: float, generator: torch.Generator) -> Tensor:
    """Return one random mask with values in [0, 1], (height, width): a coarse grid of 0 and 1, enlarged and shifted."""
    height, width = (math.ceil(side / cells) for side in size)
    coarse = (torch.rand(1, 1, cells + 1, cells + 1, generator=generator) < keep).float()
    fine = functional.interpolate(
        coarse, ((cells + 1) * height, (cells + 1) * width), mode="bilinear", align_corners=False
    )
    top = int(torch.randint(height, (), generator=generator))
    left = int(torch.randint(width, (), generator=generator))
    return fine[0, 0, top : top + size[0], left : left + size[1]]


def _blend(pixels: Tensor, behind: Tensor, mask: Tensor) -> Tensor:
    mask = mask.to(pixels)
    return mask * pixels + (1 - mask) * behind


def kernel_shap(task: Task, *, n_samples: int, replacement: str) -> RawMap:
    """Return an estimate of each patch's Shapley value: (rows, columns), signed.

    Lundberg & Lee 2017, theorem 2: a weighted least-squares fit to the scores of random coalitions of patches, drawn
    in pairs of a coalition and its complement. The values add up to score(picture) − score(no patch).
    """
    patches = task.vit.grid.patches
    shown = coalitions(patches, n_samples, torch.Generator().manual_seed(task.seed))
    none, whole = scores(task.vit, _extremes(task, replacement), task.target).tolist()

    def raw(masked: Tensor) -> RawMap:
        first = shown[: len(masked)]
        values = shapley_values(first, masked, none, whole)
        error = standard_error(first, masked, none, whole)
        return RawMap(task.vit.grid.to_map(values), float(values.sum()) - (whole - none), error)

    return raw(_masked_scores(task, ~shown, replacement, lambda so_far: task.show(lambda: raw(so_far()))))


def _extremes(task: Task, replacement: str) -> Iterator[Tensor]:
    yield replacement_picture(task.vit, task.pixels, replacement, seed=task.seed)
    yield task.pixels


def _masked_scores(task: Task, gone: Tensor, replacement: str, so_far: SoFar) -> Tensor:
    """Return the score with each choice of patches (choice, patch) gone: (choice,)."""
    behind = replacement_picture(task.vit, task.pixels, replacement, seed=task.seed)
    return masked_scores(
        task.vit,
        task.pixels,
        list(gone),
        task.target,
        replacement,
        behind=behind,
        batch_size=task.batch_size,
        progress=task.progress,
        so_far=so_far,
    )


_PAINTED = tuple(name for name in REPLACEMENTS if name != REMOVED)


def _positions(knobs: Mapping[str, Any], grid: PatchGrid) -> float:
    """Return at how many places the window stands."""
    down, across = (-(-side // knobs["stride"]) for side in (grid.rows, grid.columns))
    return float(down * across)


METHODS = (
    Method(
        "occlusion",
        "Occlusion",
        "How much the target's score falls when a patch is taken away.",
        "s(x) − s(x without the patch)",
        "Zeiler & Fergus 2014, Visualizing and Understanding Convolutional Networks",
        "1 forward for each position of the window",
        "What is left in a patch's place is a picture too, and parts that stand in for each other hide each other.",
        occlusion,
        (
            REPLACEMENT,
            Knob("window", 1, "Side of the square that is taken away, in patches.", 1, 64, label="Window (patches)"),
            Knob("stride", 1, "Step of the square, in patches.", 1, 64, label="Step (patches)"),
        ),
        signed=True,
        passes=_positions,
    ),
    Method(
        "rise",
        "RISE",
        "What showing a pixel adds to the target's score, over random masks.",
        "mean_i (s(x ⊙ m_i) − s̄) (m_i − m̄) / var m",
        "Petsiuk, Das & Saenko 2018, RISE: Randomized Input Sampling for Explanation, BMVC",
        "1 forward for each mask",
        "It is noisy with few masks, and the model sees pictures unlike any photo.",
        rise,
        (
            Knob("n_masks", 256, "Random masks.", 2, 8192, label="Random masks"),
            Knob("replacement", "mean", "What shows where the mask hides.", choices=_PAINTED, label="Put in its place"),
            Knob(
                "keep", 0.5, "Share of the coarse cells that show the picture.", 0.05, 0.95, label="Share that is shown"
            ),
            Knob("cells", 7, "Coarse cells a side.", 2, 32, label="Coarse cells a side"),
        ),
        signed=True,
        pixelwise=True,
        seeded=True,
        passes=lambda knobs, _grid: knobs["n_masks"],
    ),
    Method(
        "kernel_shap",
        "KernelSHAP",
        "How the score is shared among the patches if each is paid what it adds to any group of others.",
        "argmin_φ Σ_S w(|S|) (s(x_S) − s(x_∅) − Σ_(i ∈ S) φ_i)²",
        "Lundberg & Lee 2017, A Unified Approach to Interpreting Model Predictions",
        "1 forward for each coalition",
        "With fewer samples than a few per patch it is little more than noise.",
        kernel_shap,
        (
            Knob("n_samples", 512, "Coalitions of patches.", 4, 16384, label="Coalitions"),
            Knob("replacement", "mean", "What takes the place of a patch.", choices=_PAINTED, label="Put in its place"),
        ),
        signed=True,
        seeded=True,
        passes=lambda knobs, _grid: knobs["n_samples"],
    ),
)
