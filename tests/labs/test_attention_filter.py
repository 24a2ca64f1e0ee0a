"""Attention as a filter: uniform and identity attention by hand, the cut residual path against its own forward pass."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from vitviz.analysis.spectrum import token_spectrum
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.labs import attention_filter
from vitviz.labs.attention_filter import attention_gain, compare_residual
from vitviz.labs.residual_filter import laplacian
from vitviz.models.vit import ViT
from vitviz.trace import trace


def _attending(matrix: torch.Tensor, grid: PatchGrid) -> Any:
    return SimpleNamespace(grid=grid, layers=1, attention=lambda layer: matrix[None])


def test_uniform_attention_lets_only_the_mean_through_and_identity_everything() -> None:
    grid = PatchGrid(4, 5, (8, 8))
    uniform = attention_gain(_attending(torch.full((20, 20), 1 / 20), grid))
    assert np.allclose(uniform.attention[0], [1] + [0] * (len(uniform.frequency) - 1), atol=1e-6)
    assert np.allclose(uniform.residual[0, 1:], 0.5, atol=1e-6)
    identity = attention_gain(_attending(torch.eye(20), grid))
    assert np.allclose(identity.attention, 1)
    assert np.allclose(identity.residual, 1)


def test_attention_that_is_a_residual_block_has_the_gain_of_the_closed_form() -> None:
    """I − αΛ has rows that sum to 1; where each band holds one frequency its gain is 1 − αλ."""
    grid = PatchGrid(3, 3, (8, 8))
    alpha = 0.1
    matrix = torch.eye(9).double() - alpha * torch.from_numpy(laplacian("grid", 3))
    gain = attention_gain(_attending(matrix, grid))
    assert np.allclose(gain.frequency, [0, 1, 2, 3, 4, 6])
    assert np.allclose(gain.attention[0], 1 - alpha * gain.frequency)
    assert np.allclose(gain.residual[0], 1 - alpha / 2 * gain.frequency)


def test_attention_to_prefix_tokens_is_left_out() -> None:
    grid = PatchGrid(3, 3, (8, 8), ("class",))
    matrix = torch.zeros(10, 10)
    matrix[:, 0] = 0.7
    matrix[1:, 1:] = 0.3 * torch.eye(9)
    assert np.allclose(attention_gain(_attending(matrix, grid)).attention, 1)


def test_a_cut_residual_path_gives_the_branches_alone(tiny_vit: Any) -> None:
    vit = ViT.from_module(tiny_vit)
    traced = trace(vit, torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0)))
    streams = attention_filter._without_residual(vit, traced.pixels)
    x = traced.residual(-1)[None]
    with torch.no_grad():
        for block, expected in zip(tiny_vit.blocks, streams, strict=True):
            x = block(x) - x
            assert torch.allclose(x[0], expected, atol=1e-4)
    kept = token_spectrum(traced)
    compared = compare_residual(vit, traced)
    assert np.array_equal(compared.with_residual, kept.stream)
    assert np.allclose(compared.without_residual[0], kept.stream[0])
    assert np.allclose(compared.without_residual[1], kept.branch[0], atol=1e-4)
    again = trace(vit, traced.pixels)
    assert torch.equal(again.residual(1), traced.residual(1))


def test_a_grid_without_an_inside_is_refused() -> None:
    with pytest.raises(OptionError, match="grid of 1 × 2 patches has no spatial frequencies"):
        attention_gain(_attending(torch.eye(2), PatchGrid(1, 2, (8, 8))))
