"""What a classifier is measured by: top-k accuracy, calibration, attention inside a box. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BINS = 15


def top_k(logits: Tensor, labels: Tensor, k: int) -> float:
    """Return the part of images whose class is among the ``k`` highest of ``logits`` (image, class)."""
    return float((logits.topk(k, dim=1).indices == labels[:, None]).any(dim=1).double().mean())


def calibration_error(logits: Tensor, labels: Tensor, *, bins: int = BINS) -> float:
    """Return the expected calibration error: sum over bins of n_b / n * |accuracy_b - confidence_b|.

    The confidence is the highest softmax probability. Bin b of B holds the images whose confidence lies in
    (b/B, (b+1)/B]; Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    ``logits`` (image, class), ``labels`` (image,).
    """
    confidence, answers = logits.double().softmax(dim=1).max(dim=1)  # (image,)
    right = (answers == labels).double()
    bin_of = (confidence * bins).ceil().long().clamp(1, bins) - 1  # (image,)
    gaps = torch.zeros(bins, dtype=torch.float64).index_add_(0, bin_of, right - confidence)
    return float(gaps.abs().sum() / len(labels))


def box_coverage(box: Sequence[int], *, image_side: int, rows: int, columns: int) -> NDArray[np.float64]:
    """Return the part of each patch that a box covers, (row, column), in [0, 1].

    ``box`` is x0, y0, x1, y1 in pixels, both ends inclusive, of a square image of ``image_side`` pixels that the grid
    of patches spans.
    """
    horizontal = _overlap(box[0], box[2] + 1, image_side, columns)
    vertical = _overlap(box[1], box[3] + 1, image_side, rows)
    return np.outer(vertical, horizontal)


def _overlap(start: int, end: int, length: int, parts: int) -> NDArray[np.float64]:
    """Return how much of each of ``parts`` equal parts of [0, length] lies in [start, end]."""
    edges = np.linspace(0, length, parts + 1)
    covered = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
    overlap: NDArray[np.float64] = np.clip(covered, 0, None) * parts / length
    return overlap


def box_mass(attention: NDArray[np.floating[Any]], coverage: NDArray[np.floating[Any]]) -> float:
    """Return the part of a map's sum that lies inside a box.

    ``attention`` (row, column) is not negative; ``coverage`` (row, column) is the part of each patch in the box.
    """
    return float((attention * coverage).sum() / attention.sum())
