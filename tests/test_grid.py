"""Where each token lies, counted on grids of two by three."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid

GRID = PatchGrid(2, 3, (10, 20), ("class", "register 1"))


def test_it_counts() -> None:
    assert (GRID.patches, GRID.tokens, GRID.image_size) == (6, 8, (20, 60))
    assert GRID.names == ("class", "register 1", "0", "1", "2", "3", "4", "5")
    assert PatchGrid(2, 3, (10, 20)).prefix == ()


@pytest.mark.parametrize("size", [(0, 3, (8, 8)), (2, -1, (8, 8)), (2, 3, (0, 8)), (2, 3, (8, 0))])
def test_an_empty_grid_is_refused(size: tuple[int, int, tuple[int, int]]) -> None:
    with pytest.raises(GridError, match=rf"at least one row, column and pixel; got {size[0]} rows, {size[1]} columns"):
        PatchGrid(*size)


def test_it_is_a_value() -> None:
    assert PatchGrid(2, 3, (10, 20), ("class", "register 1")) == GRID
    assert len({GRID, PatchGrid(2, 3, (10, 20), ("class", "register 1"))}) == 1
    with pytest.raises(FrozenInstanceError):
        GRID.rows = 3  # type: ignore[misc]


@pytest.mark.parametrize("kind", [np.arange, torch.arange])
def test_patches_are_laid_out_row_by_row(kind: type) -> None:
    assert GRID.to_map(kind(6)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert GRID.to_map(kind(8)).tolist() == [[2, 3, 4], [5, 6, 7]]  # prefix tokens are dropped
    several = GRID.to_map(kind(4 * 8).reshape(2, 2, 8))
    assert several.shape == (2, 2, 2, 3)
    assert several[1, 0].tolist() == [[18, 19, 20], [21, 22, 23]]


def test_other_numbers_of_values_are_refused() -> None:
    with pytest.raises(GridError, match=r"Cannot lay out 7 values; wanted 6 patches \(2 × 3\) or 8 tokens"):
        GRID.to_map(np.arange(7))


def test_tokens_go_by_name_or_patch_number() -> None:
    assert [GRID.token(name) for name in ("class", "register 1", "0", "5", 0, 5)] == [0, 1, 2, 7, 2, 7]
    assert all(GRID.token(name) == index for index, name in enumerate(GRID.names))


@pytest.mark.parametrize("name", [6, "6", -1, "-1", "", "patch", "register 2", "1.0", "²", "<script>"])
def test_tokens_that_do_not_exist_are_refused(name: str | int) -> None:
    with pytest.raises(OptionError, match=r"wanted a patch number from 0 to 5 .*\('class', 'register 1'\)") as caught:
        GRID.token(name)
    assert repr(name) in str(caught.value)


def test_near_names_of_tokens_are_suggested() -> None:
    with pytest.raises(OptionError, match="Did you mean 'class'"):
        GRID.token("clas")
    with pytest.raises(OptionError, match=r"special token of this model \(none\)"):
        PatchGrid(2, 3, (8, 8)).token("class")


def test_pixels_boxes_and_positions_agree() -> None:
    assert GRID.position(4) == (1, 1)
    assert GRID.box(4) == (20, 10, 40, 20)
    for patch in range(6):
        left, top, right, bottom = GRID.box(patch)
        for x, y in [(left, top), (right - 1, bottom - 1), (right - 0.01, bottom - 0.01)]:
            assert GRID.patch_at(x, y) == patch
    assert sum((right - left) * (bottom - top) for left, top, right, bottom in map(GRID.box, range(6))) == 20 * 60


@pytest.mark.parametrize("pixel", [(-1, 0), (0, -0.5), (60, 0), (0, 20), (1e9, 1e9)])
def test_pixels_outside_are_refused(pixel: tuple[float, float]) -> None:
    with pytest.raises(OptionError, match=r"outside the picture; wanted 0 ≤ x < 60 and 0 ≤ y < 20"):
        GRID.patch_at(*pixel)


@pytest.mark.parametrize("patch", [-1, 6, 99])
def test_patches_outside_are_refused(patch: int) -> None:
    for method in (GRID.position, GRID.box):
        with pytest.raises(OptionError, match=f"There is no patch {patch}; give one from 0 to 5"):
            method(patch)


def test_distances_are_between_centres() -> None:
    distances = GRID.distances()
    assert distances[0].tolist() == pytest.approx([0, 1, 2, 1, 2**0.5, 5**0.5])
    np.testing.assert_array_equal(distances, distances.T)
    assert GRID.pixel_distances()[0].tolist() == pytest.approx([0, 20, 40, 10, 500**0.5, 1700**0.5])
    square = PatchGrid(5, 4, (7, 7))
    np.testing.assert_allclose(square.pixel_distances(), 7 * square.distances())


def test_every_grid_is_its_own_inverse() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        rows, columns, height, width = (int(each) for each in generator.integers(1, 9, 4))
        grid = PatchGrid(rows, columns, (height, width), ("class",) * int(generator.integers(0, 2)))
        patch = int(generator.integers(grid.patches))
        row, column = grid.position(patch)
        assert grid.to_map(np.arange(grid.patches))[row, column] == patch
        assert grid.token(patch) == len(grid.prefix) + patch
        assert grid.patch_at((column + 0.5) * width, (row + 0.5) * height) == patch
