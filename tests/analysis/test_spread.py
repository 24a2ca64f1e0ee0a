"""Spread of a map: areas, rings and moments by hand, and RepLKNet's loop written out again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vitviz.analysis.spread import area_ratios, gaussian_fit, radial_profile, root_mean_square_radius
from vitviz.errors import OptionError


def bell(shape: tuple[int, int], centre: tuple[float, float], sigma: tuple[float, float]) -> NDArray[np.float64]:
    rows, columns = np.indices(shape)
    down, across = (rows - centre[0]) / sigma[0], (columns - centre[1]) / sigma[1]
    map_: NDArray[np.float64] = np.exp(-0.5 * (down**2 + across**2))
    return map_


def replknet_area(data: NDArray[np.float64], share: float) -> float:
    """Grow a square around pixel (h // 2, w // 2) until it holds more than the share."""
    height, width = data.shape
    for half in range(max(data.shape)):
        top, left = max(0, height // 2 - half), max(0, width // 2 - half)
        part = data[top : height // 2 + half + 1, left : width // 2 + half + 1]
        if part.sum() / data.sum() >= share - 1e-12:
            return part.size / data.size
    raise AssertionError("the whole picture holds less than all")


def test_a_point_fills_one_pixel() -> None:
    map_ = np.zeros((5, 9))
    map_[2, 4] = 3.0
    assert area_ratios(map_, (2, 4)) == (1 / 45,) * 4
    assert area_ratios(map_, (0, 4)) == (15 / 45,) * 4  # 3 rows of 5, the rows above the picture cut off
    assert root_mean_square_radius(map_, (2, 1)) == 3.0


def test_even_mass_needs_the_square_that_is_large_enough() -> None:
    """11 × 11 pixels: squares of 1, 9, 25, 49, 81, 121 pixels around the centre."""
    result = area_ratios(np.ones((11, 11)), (5, 5))
    assert result == (25 / 121, 49 / 121, 81 / 121, 1.0)
    assert area_ratios(np.ones((11, 11)), (5, 5), (9 / 121, 1.0)) == (9 / 121, 1.0)


@pytest.mark.parametrize("shape", [(24, 24), (17, 40), (31, 12)])
def test_areas_are_those_of_a_growing_square(shape: tuple[int, int]) -> None:
    map_ = np.random.default_rng(0).random(shape) * bell(shape, (shape[0] / 2, shape[1] / 3), (4, 6))
    result = area_ratios(map_, (shape[0] // 2, shape[1] // 2))
    assert result == pytest.approx([replknet_area(map_, share) for share in (0.2, 0.3, 0.5, 0.99)])


def test_rings_by_hand() -> None:
    """The middle of 3 × 3 ones, four neighbours at 1, four corners at √2, which round to ring 1."""
    profile = radial_profile(np.ones((3, 3)), (1, 1))
    assert profile.radius.tolist() == [0.5, 1.5]
    assert profile.cumulative.tolist() == pytest.approx([1 / 9, 1])
    assert profile.density.tolist() == pytest.approx([1 / 9, 1 / 9])


def test_rings_without_pixels_have_no_density() -> None:
    profile = radial_profile(np.ones((1, 2)), (0, 3.0))
    assert np.isnan(profile.density).tolist() == [True, True, False, False]
    assert profile.cumulative.tolist() == [0, 0, 0.5, 1]


def test_the_moments_of_a_gaussian_are_its_own() -> None:
    fit = gaussian_fit(bell((101, 121), (50, 62), (6, 9)))
    assert fit.centre == pytest.approx((50, 62))
    assert fit.sigma == pytest.approx((6, 9), rel=1e-6)
    assert fit.axes == pytest.approx((9, 6), rel=1e-6)
    assert fit.r_squared == pytest.approx(1, abs=1e-6)


def test_the_axes_of_a_turned_gaussian_are_not_its_rows_and_columns() -> None:
    """Variance 16 along the diagonal, 4 across: 10 along either axis, covariance 6."""
    rows, columns = np.indices((81, 81)) - 40.0
    along, across = (rows + columns) / math.sqrt(2), (rows - columns) / math.sqrt(2)
    fit = gaussian_fit(np.exp(-0.5 * (along**2 / 16 + across**2 / 4)))
    assert fit.covariance == pytest.approx(np.array([[10, 6], [6, 10]]), rel=1e-5)
    assert fit.axes == pytest.approx((4, 2), rel=1e-5)


def test_a_ring_is_no_gaussian_and_a_point_has_none() -> None:
    rows, columns = np.indices((61, 61)) - 30
    ring = (abs(np.hypot(rows, columns) - 20) < 1).astype(float)
    assert gaussian_fit(ring).r_squared < 0.2
    point = np.zeros((9, 9))
    point[4, 4] = 1
    fit = gaussian_fit(point)
    assert fit.sigma == (0, 0)
    assert math.isnan(fit.r_squared)


@pytest.mark.parametrize(
    ("map_", "said"),
    [
        (np.zeros((3, 3)), "not all zero"),
        (np.full((3, 3), np.nan), "values from nan to nan"),
        (np.array([[1.0, -2.0]]), "values from -2 to 1"),
        (np.ones(4), r"shape \(4,\); wanted \(rows, columns\)"),
    ],
)
def test_what_is_no_mass_is_refused(map_: NDArray[np.float64], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        area_ratios(map_, (0, 0))
    with pytest.raises(OptionError, match=said):
        gaussian_fit(map_)


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan")])
def test_shares_lie_between_nothing_and_all(share: float) -> None:
    with pytest.raises(OptionError, match=f"shares are .*{share}.*above 0, at most 1"):
        area_ratios(np.ones((2, 2)), (0, 0), (share,))
