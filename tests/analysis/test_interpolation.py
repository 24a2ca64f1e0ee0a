"""Interpolated positions: identity, linear ramps, timm's own function, and what antialiasing changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.families import FAMILIES, member
from vitviz.analysis.interpolation import USERS, interpolate_positions, interpolated_similarity
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.models.timm_door import timm
from vitviz.models.vit import ViT

GRID = PatchGrid(6, 8, (8, 8), ("class",))
VECTORS = torch.randn(48, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("antialias", USERS)
def test_the_same_grid_gives_the_same_vectors(antialias: bool) -> None:
    assert torch.equal(interpolate_positions(VECTORS, GRID, 6, 8, antialias=antialias), VECTORS)


@pytest.mark.parametrize("antialias", USERS)
@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (12, 16), (9, 5), (1, 1)])
def test_it_is_what_timm_does(antialias: bool, rows: int, columns: int) -> None:
    theirs = timm.layers.resample_abs_pos_embed(
        VECTORS[None], new_size=[rows, columns], old_size=[6, 8], num_prefix_tokens=0, antialias=antialias
    )
    torch.testing.assert_close(interpolate_positions(VECTORS, GRID, rows, columns, antialias=antialias), theirs[0])


def test_constant_vectors_stay_constant() -> None:
    result = interpolate_positions(torch.full((48, 3), 2.5), GRID, 11, 5)
    torch.testing.assert_close(result, torch.full((55, 3), 2.5))


def cubic(distance: float, parameter: float) -> float:
    """Keys' kernel at a distance below 1."""
    return (parameter + 2) * distance**3 - (parameter + 3) * distance**2 + 1


@pytest.mark.parametrize(("antialias", "parameter"), [(True, -0.5), (False, -0.75)])
def test_a_grid_of_twice_the_size_by_hand(antialias: bool, parameter: float) -> None:
    """A one at place 3 of 8: new places 6 and 7 lie a quarter of a place beside it, 5 and 8 three quarters."""
    line = torch.zeros(8, 1)
    line[3] = 1
    result = interpolate_positions(line, PatchGrid(1, 8, (8, 8)), 1, 16, antialias=antialias).flatten().tolist()
    near, far = cubic(0.25, parameter), cubic(0.75, parameter)
    assert result[5:9] == pytest.approx([far, near, near, far], abs=1e-6)


def test_both_ways_differ_most_on_shrinking(wide: ViT) -> None:
    grown = interpolated_similarity(wide, 6, 10)
    assert grown.similarity_after[True].shape == (60, 60)
    shrunk = interpolated_similarity(wide, 2, 2)
    assert shrunk.difference > 2 * grown.difference > 0
    np.testing.assert_allclose(np.diag(shrunk.similarity_after[False]), 1, rtol=1e-5)
    assert shrunk.after == PatchGrid(2, 2, (8, 8), ("class",))
    assert shrunk.similarity_before.shape == (15, 15)
    assert interpolated_similarity(wide, 3, 5).difference == 0


def test_both_ways_are_named_after_who_uses_them() -> None:
    assert "timm" in USERS[True]
    assert "DINOv2" in USERS[False]


def test_what_cannot_be_interpolated_is_refused() -> None:
    with pytest.raises(GridError, match="0 × 4 patches has none"):
        interpolate_positions(VECTORS, GRID, 0, 4)
    size = FAMILIES["BEiT"].sizes[1]
    vit = ViT.from_module(member("BEiT", size), name="beit", image_size=size)
    with pytest.raises(OptionError, match=r"beit adds no position vectors to its tokens \(it has relative\)"):
        interpolated_similarity(vit, 4, 4)
