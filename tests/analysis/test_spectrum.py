"""Spectra in closed form: constant maps, single cosines, a checkerboard, blurring, the residual path."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.analysis.traces import by_hand
from tests.families import noise
from vitviz.analysis.spectrum import FLOOR, relative_log_amplitude, token_spectrum
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace import trace

ROWS, COLUMNS = np.indices((8, 8))


def test_a_constant_map_has_frequency_0_alone() -> None:
    frequency, result = relative_log_amplitude(np.full((3, 8, 8), -2.0))
    assert frequency[0] == 0
    assert frequency[-1] == 1
    assert result.tolist() == [0, FLOOR, FLOOR, FLOOR, FLOOR]


def test_a_single_cosine_lies_in_its_band() -> None:
    """Constant 5, cosine of amplitude 2: two of the 16 frequencies of band 2 hold 2/2 of 5 each, so 2/(5·16)."""
    map_ = 5 + 2 * np.cos(2 * np.pi * 2 * COLUMNS / 8)
    frequency, result = relative_log_amplitude(map_[None])
    assert result[2] == pytest.approx(math.log(2 / (5 * 16)))
    assert frequency[2] == 0.5
    assert result[[1, 3, 4]].tolist() == [FLOOR] * 3


def test_a_checkerboard_is_the_highest_frequency() -> None:
    """One of the 15 frequencies of band 4 holds all of the amplitude 3 beside the constant 1."""
    _, result = relative_log_amplitude((1 + 3 * (-1.0) ** (ROWS + COLUMNS))[None])
    assert result[4] == pytest.approx(math.log(3 / 15))
    assert result[1:4].tolist() == [FLOOR] * 3


def test_scaling_changes_nothing_and_blurring_takes_the_high_frequencies() -> None:
    maps = np.random.default_rng(0).normal(size=(20, 8, 8)) + 1
    _, plain = relative_log_amplitude(maps)
    np.testing.assert_allclose(relative_log_amplitude(-7 * maps)[1], plain)
    blurred = (maps + np.roll(maps, 1, 1) + np.roll(maps, 1, 2) + np.roll(maps, (1, 1), (1, 2))) / 4
    _, low = relative_log_amplitude(blurred)
    assert (low[1:] < plain[1:]).all()
    assert low[4] - plain[4] < low[1] - plain[1] < 0


def test_every_frequency_is_in_one_band() -> None:
    """A single point has the same amplitude everywhere, on square and other grids, even and odd."""
    for shape in ((8, 8), (5, 9), (4, 7), (1, 6), (12, 3)):
        point = np.zeros((1, *shape))
        point[0, 0, 0] = 1
        frequency, result = relative_log_amplitude(point)
        np.testing.assert_allclose(result, 0, atol=1e-12)
        assert (np.diff(frequency) > 0).all()
        assert frequency[-1] <= 1


def test_a_map_without_a_mean_has_no_reference() -> None:
    assert np.isnan(relative_log_amplitude(np.cos(np.pi * COLUMNS / 4)[None])[1]).all()


def test_the_stream_and_what_blocks_add_are_told_apart() -> None:
    """The stream starts constant; block 0 adds a checkerboard with a mean, block 1 a constant."""
    grid = PatchGrid(8, 8, (8, 8), ("class",))
    board = (1 + 3 * (-1.0) ** (ROWS + COLUMNS)).reshape(64, 1)
    start = np.full((64, 1), 4.0)
    spectrum = token_spectrum(by_hand(grid, [start, start + board, start + board + 5]))
    assert spectrum.stream[:, 4] == pytest.approx([FLOOR, math.log(3 / 5 / 15), math.log(3 / 10 / 15)])
    assert spectrum.branch[0, 4] == pytest.approx(math.log(3 / 15))
    assert spectrum.branch[1, 4] == FLOOR
    assert (spectrum.stream.shape, spectrum.branch.shape) == ((3, 5), (2, 5))


def test_a_model_has_a_row_a_layer(wide: ViT) -> None:
    one = trace(wide, noise((24, 40)))
    spectrum = token_spectrum(one)
    tokens = one.residual(0)[1:].numpy().T.reshape(32, 3, 5)
    np.testing.assert_allclose(spectrum.stream[1], relative_log_amplitude(tokens)[1], rtol=1e-4)
    assert np.isfinite(spectrum.stream).all()


def test_one_patch_has_no_spectrum() -> None:
    with pytest.raises(OptionError, match=r"more than one patch; got the shape \(3, 1, 1\)"):
        relative_log_amplitude(np.ones((3, 1, 1)))
