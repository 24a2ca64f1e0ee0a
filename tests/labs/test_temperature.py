"""Attention temperature: the limits, the slope of the entropy, and what is refused."""

import math

import numpy as np
import pytest
import torch

from vitviz.errors import OptionError
from vitviz.labs.temperature import attend, curve, entropy, numerical_slope, run

SCORES = np.random.default_rng(0).normal(size=(4, 6)) * 3
ENDS = (0.0, 5e-324, 1e-12, 1e12, math.inf)


def test_two_keys_by_hand():
    """Scores 1 and 0 at τ = 1 / log 3: shares 3/4 and 1/4."""
    result = run([[1.0]], [[1.0], [0.0]], 1 / math.log(3))
    assert np.allclose(result.attention, [[0.75, 0.25]])
    assert result.entropy[0] == pytest.approx(math.log(4) - 0.75 * math.log(3))
    assert result.variance[0] == pytest.approx(0.1875)
    assert result.slope[0] == pytest.approx(-math.log(3) * 0.1875)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 8.0])
def test_between_the_ends_it_is_torch_s_softmax(temperature):
    wanted = torch.softmax(torch.from_numpy(SCORES) / temperature, -1).numpy()
    assert np.allclose(attend(SCORES, temperature), wanted, atol=1e-15)


def test_at_zero_the_maxima_share_and_at_infinity_all_keys_do():
    """Two maxima: entropy log 2 exactly as the formula says; five keys: log 5."""
    scores = [[2.0, -1.0, 2.0, 0.0, 1.0]]
    assert attend(scores, 0).tolist() == [[0.5, 0, 0.5, 0, 0]]
    assert attend(scores, math.inf).tolist() == [[0.2] * 5]
    assert entropy(attend(scores, 0))[0] == pytest.approx(math.log(2), abs=1e-15)
    assert entropy(attend(scores, math.inf))[0] == pytest.approx(math.log(5), abs=1e-15)


def test_rounding_does_not_break_a_tie():
    scores = [[0.1 + 0.2, 0.3, -1.0]]
    assert scores[0][0] != scores[0][1]
    assert attend(scores, 0).tolist() == [[0.5, 0.5, 0]]
    assert attend([[0.0, 0.0]], 0).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("temperature", ENDS)
def test_no_end_gives_nan(temperature):
    result = run(SCORES, np.eye(6), temperature)
    for each in (result.attention, result.entropy, result.effective, result.variance, result.slope):
        assert np.isfinite(each).all()
    assert np.allclose(result.attention.sum(-1), 1)
    limit = 1.0 if temperature < 1 else 6.0
    assert np.allclose(result.effective, limit, atol=1e-6)


def test_near_the_ends_it_is_continuous():
    assert np.allclose(attend(SCORES, 1e-3), attend(SCORES, 0), atol=1e-12)
    assert np.allclose(attend(SCORES, 1e9), attend(SCORES, math.inf), atol=1e-8)


@pytest.mark.parametrize("temperature", [0.0, 0.2, 0.7, 1.5, 4.0, 40.0, math.inf])
def test_the_slope_of_the_entropy_is_minus_beta_times_the_variance(temperature):
    result = run(SCORES, np.eye(6), temperature)
    measured = numerical_slope(SCORES, temperature)
    assert np.allclose(result.slope, measured, rtol=1e-5, atol=1e-7)
    assert (result.slope <= 0).all()


def test_the_entropy_never_falls_as_the_temperature_rises():
    result = curve(SCORES, np.geomspace(0.01, 100, 60))
    assert (np.diff(result.entropy, axis=0) >= -1e-12).all()
    assert result.uniform == math.log(6)
    assert (result.sharpest == 0).all()


@pytest.mark.parametrize(("queries", "keys", "message"), [
    ([[1.0, 2.0]], [[1.0]], r"shape \(1, 2\) and keys of shape \(1, 1\) do not fit"),
    ([1.0], [[1.0]], r"shape \(1,\) and keys"),
    (np.zeros((0, 2)), np.zeros((0, 2)), "do not fit"),
    ([[math.nan]], [[1.0]], "NaN or infinite; wanted finite"),
])  # fmt: skip
def test_queries_and_keys_that_do_not_fit(queries, keys, message):
    with pytest.raises(OptionError, match=message):
        run(queries, keys, 1.0)


def test_a_temperature_below_zero_is_refused():
    with pytest.raises(OptionError, match=r"temperature is -1\.0; wanted a number from 0 to infinity"):
        attend(SCORES, -1.0)
    with pytest.raises(OptionError, match="temperature must be a number; got nan"):
        attend(SCORES, math.nan)
