"""Two maps on one grid, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from vitviz.analysis.map_comparison import compare_maps, resample
from vitviz.analysis.redrawn import redrawn
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT


def test_cells_are_shared_out_by_area_and_the_sum_stays() -> None:
    values = np.array([[4.0, 0, 2]])
    np.testing.assert_allclose(resample(values, (1, 2)), [[4, 2]])
    np.testing.assert_allclose(resample(values, (2, 3)), [[2, 0, 1], [2, 0, 1]])
    drawn = np.random.default_rng(0).normal(size=(16, 16))
    coarse = resample(drawn, (7, 5))
    assert coarse.sum() == pytest.approx(drawn.sum())
    np.testing.assert_array_equal(resample(drawn, (16, 16)), drawn)
    with pytest.raises(GridError, match=r"A map has \(rows, columns\); got shape \(3,\)"):
        resample(np.zeros(3), (1, 1))


def test_difference_and_correlation_by_hand() -> None:
    grids = PatchGrid(1, 3, (2, 2)), PatchGrid(1, 3, (2, 2))
    result = compare_maps(np.array([[1.0, 2, -1]]), np.array([[4.0, 3, 1]]), grids)
    np.testing.assert_allclose(result.difference, [[1 / 4 - 4 / 8, 2 / 4 - 3 / 8, -1 / 4 - 1 / 8]])
    assert result.correlation == pytest.approx(0.5)  # ranks 2 3 1 and 3 2 1
    assert not result.resampled
    plain = compare_maps(np.array([[1.0, 2, -1]]), np.array([[4.0, 3, 1]]), grids, unit="value")
    np.testing.assert_allclose(plain.difference, [[-3, -1, -2]])
    assert np.isnan(compare_maps(np.zeros((1, 3)), np.ones((1, 3)), grids).correlation)
    with pytest.raises(OptionError, match="Unit 'tea' is unknown"):
        compare_maps(np.zeros((1, 3)), np.ones((1, 3)), grids, unit="tea")


def test_pixels_are_summed_and_finer_grids_made_coarse() -> None:
    pixels = np.arange(16.0).reshape(4, 4)
    grids = PatchGrid(2, 2, (2, 2)), PatchGrid(4, 4, (1, 1))
    result = compare_maps(pixels, pixels, grids, unit="value")
    np.testing.assert_allclose(result.first, result.second)
    assert result.resampled
    assert result.grids == ((2, 2), (4, 4))


def test_weights_are_redrawn_on_a_copy(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit, name="tiny", class_names=[f"c{n}" for n in range(10)])
    before = {name: value.clone() for name, value in tiny_vit.state_dict().items()}
    other = redrawn(vit, seed=1)
    assert other.class_names == vit.class_names
    for name, value in tiny_vit.state_dict().items():
        assert value.equal(before[name])
        drawn = other.module.state_dict()[name]
        assert not drawn.equal(value) or value.std() == 0
        if value.numel() > 500:
            assert float(drawn.std()) == pytest.approx(float(value.std()), rel=0.2)
