"""Each measure by hand on a few numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vitviz.models.training.measures import box_coverage, box_mass, calibration_error, top_k


def test_top_k_counts_the_class_among_the_k_highest() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [2.0, 3.0, 1.0]])
    labels = torch.tensor([0, 0, 0])
    assert top_k(logits, labels, 1) == pytest.approx(1 / 3)
    assert top_k(logits, labels, 2) == pytest.approx(2 / 3)
    assert top_k(logits, labels, 3) == 1


def test_the_calibration_error_of_two_bins_by_hand() -> None:
    # Two classes, probabilities (p, 1 - p): 0.9 right, 0.9 wrong, 0.6 right, 0.6 right; ten bins.
    logits = torch.tensor([[math.log(p / (1 - p)), 0.0] for p in (0.91, 0.91, 0.61, 0.61)])
    labels = torch.tensor([0, 1, 0, 0])
    by_hand = 0.5 * abs(0.5 - 0.91) + 0.5 * abs(1.0 - 0.61)
    assert calibration_error(logits, labels, bins=10) == pytest.approx(by_hand)


def test_sure_and_right_has_no_calibration_error_and_sure_and_wrong_has_all() -> None:
    logits = torch.tensor([[50.0, 0.0], [0.0, 50.0]])
    assert calibration_error(logits, torch.tensor([0, 1])) == pytest.approx(0)
    assert calibration_error(logits, torch.tensor([1, 0])) == pytest.approx(1)


def test_a_box_covers_whole_and_partial_patches() -> None:
    # 8 pixels, 2x2 patches of 4: columns 2..5 and rows 0..3, both ends included.
    coverage = box_coverage((2, 0, 5, 3), image_side=8, rows=2, columns=2)
    assert coverage.tolist() == [[0.5, 0.5], [0.0, 0.0]]
    assert box_coverage((0, 0, 7, 7), image_side=8, rows=2, columns=2).tolist() == [[1, 1], [1, 1]]


def test_the_coverage_adds_to_the_boxs_area_on_any_grid() -> None:
    for side in (3, 7, 16):
        coverage = box_coverage((5, 11, 40, 50), image_side=64, rows=side, columns=side)
        assert coverage.mean() == pytest.approx(36 * 40 / 64**2)


def test_the_mass_is_the_covered_part_of_the_maps_sum() -> None:
    coverage = np.array([[0.5, 0.0], [1.0, 0.0]])
    assert box_mass(np.array([[4.0, 2.0], [1.0, 1.0]]), coverage) == pytest.approx(3 / 8)
    assert box_mass(np.ones((2, 2)), coverage) == pytest.approx(coverage.mean())
