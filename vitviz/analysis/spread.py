"""How far a map of non-negative values spreads: area ratios, radial profile, Gaussian of the same moments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.record import Record, Result

Map = NDArray[np.float64]
SHARES = (0.2, 0.3, 0.5, 0.99)
"""The shares of the mass that RepLKNet reports (Ding et al. 2022)."""


@dataclass(frozen=True, eq=False)
class RadialProfile(Result):
    """A map as a function of the distance from a point, in rings one pixel wide."""

    radius: Map
    """(ring,) outer radius of each ring in pixels: ½, 1½, 2½ …"""
    density: Map
    """(ring,) mean share of the mass a pixel; NaN in a ring without pixels."""
    cumulative: Map
    """(ring,) share of the mass within the radius; ends at 1."""


@dataclass(frozen=True, eq=False)
class GaussianFit(Record):
    """The Gaussian that has the map's own mean and covariance: a fit by moments, not by least squares."""

    centre: tuple[float, float]
    """(row, column) of the mean in pixels, counted from the centre of the first pixel."""
    covariance: Map
    """(2, 2) covariance of (row, column) in square pixels."""
    r_squared: float
    """Share of the map's variance that this Gaussian, scaled to fit best, explains; 1 is a perfect Gaussian."""

    @property
    def sigma(self) -> tuple[float, float]:
        """Standard deviation along rows and along columns, in pixels."""
        return math.sqrt(self.covariance[0, 0]), math.sqrt(self.covariance[1, 1])

    @property
    def axes(self) -> tuple[float, float]:
        """Standard deviation along the long and the short axis, in pixels."""
        short, long = np.sqrt(np.clip(np.linalg.eigvalsh(self.covariance), 0, None))
        return float(long), float(short)


def check_map(values: NDArray[Any]) -> Map:
    """Return a (rows, columns) map as float64.

    Raises OptionError unless it is finite, nowhere negative and somewhere positive.
    """
    map_ = np.asarray(values, dtype=np.float64)
    if map_.ndim != 2 or not map_.size:
        raise OptionError(
            "A map has shape {shape}; wanted (rows, columns). Pass one map at a time.",
            shape=map_.shape,
        )
    if not np.isfinite(map_).all() or map_.min() < 0 or not map_.sum() > 0:
        raise OptionError(
            "A map has values from {low:.3g} to {high:.3g}; wanted finite numbers, none negative, not "
            "all zero. Its spread is not defined: choose another layer or token.",
            low=map_.min(),
            high=map_.max(),
        )
    return map_


def offsets(shape: tuple[int, ...], origin: tuple[float, float]) -> tuple[Map, Map]:
    """Return the distance in rows and in columns of every pixel from a point: two (rows, columns) maps."""
    rows, columns = np.indices(shape, dtype=np.float64)
    return rows - origin[0], columns - origin[1]


def area_ratios(
    values: NDArray[Any], origin: tuple[float, float], shares: tuple[float, ...] = SHARES
) -> tuple[float, ...]:
    """Return the area of the smallest square around a point that holds each share of the mass.

    Areas are shares of the picture's. The square grows pixel by pixel around ``origin`` (row, column) and is cut
    off at the picture's edge. For a square picture and its centre this is RepLKNet's high-contribution area ratio
    (Ding et al. 2022, "Scaling Up Your Kernels to 31x31").
    Raises OptionError for a map that is no map of mass, or a share outside (0, 1].
    """
    map_ = check_map(values)
    if not all(0 < share <= 1 for share in shares):
        raise OptionError(
            "The shares are {shares}; wanted numbers above 0, at most 1. RepLKNet's are {usual}.",
            shares=shares,
            usual=SHARES,
        )
    down, across = offsets(map_.shape, origin)
    down, across = abs(down).round(9), abs(across).round(9)
    radii = np.unique((*down[:, 0], *across[0]))
    ring = np.searchsorted(radii, np.maximum(down, across).ravel())
    mass = np.cumsum(np.bincount(ring, map_.ravel(), len(radii)))
    area = np.cumsum(np.bincount(ring, minlength=len(radii))) / map_.size
    # a share of the mass that is reached up to rounding counts as reached
    return tuple(float(area[np.searchsorted(mass / mass[-1], share - 1e-12)]) for share in shares)


def radial_profile(values: NDArray[Any], origin: tuple[float, float]) -> RadialProfile:
    """Return the mass of a map by distance from a point (row, column)."""
    map_ = check_map(values)
    ring = np.rint(np.hypot(*offsets(map_.shape, origin))).astype(int).ravel()
    count = np.bincount(ring)
    mass = np.bincount(ring, map_.ravel()) / map_.sum()
    density = np.full(len(count), np.nan)
    np.divide(mass, count, out=density, where=count > 0)
    radius: Map = np.arange(len(count), dtype=np.float64) + 0.5
    return RadialProfile(radius, density, np.cumsum(mass))


def root_mean_square_radius(values: NDArray[Any], origin: tuple[float, float]) -> float:
    """Return the root of the mass-weighted mean square distance from a point, in pixels."""
    map_ = check_map(values)
    down, across = offsets(map_.shape, origin)
    return float(math.sqrt((map_ * (down**2 + across**2)).sum() / map_.sum()))


def gaussian_fit(values: NDArray[Any]) -> GaussianFit:
    """Return the Gaussian with the mean and covariance of a map, and how much of the map it explains."""
    map_ = check_map(values)
    weight = map_ / map_.sum()
    places = np.stack(offsets(map_.shape, (0, 0))).reshape(2, -1)  # (axis, pixel)
    centre = places @ weight.ravel()
    apart = places - centre[:, None]
    covariance = (apart * weight.ravel()) @ apart.T
    return GaussianFit((float(centre[0]), float(centre[1])), covariance, _explained(map_.ravel(), apart, covariance))


def _explained(mass: Map, apart: Map, covariance: Map) -> float:
    variance = float(((mass - mass.mean()) ** 2).sum())
    if np.linalg.det(covariance) <= 1e-12 or variance == 0:  # a point, a line or a constant map
        return math.nan
    bell = np.exp(-0.5 * np.einsum("ap,ab,bp->p", apart, np.linalg.inv(covariance), apart))
    height = (mass @ bell) / (bell @ bell)
    return 1 - float(((mass - height * bell) ** 2).sum()) / variance
