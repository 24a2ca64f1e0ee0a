"""A residual block as a filter: the matrix, block by block, against the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.residual_filter import GRAPHS, LARGEST, eigenvalues, gain, laplacian, regime, run


def test_the_laplacian_of_a_path_of_three_and_of_a_ring_of_four_by_hand() -> None:
    assert laplacian("path", 3).tolist() == [[1, -1, 0], [-1, 2, -1], [0, -1, 1]]
    assert laplacian("cycle", 4)[0].tolist() == [2, -1, 0, -1]
    assert laplacian("grid", 3).diagonal().tolist() == [2, 3, 2, 3, 4, 3, 2, 3, 2]


@pytest.mark.parametrize("size", [3, 4, 9, 16])
@pytest.mark.parametrize("graph", GRAPHS)
def test_the_eigenvalues_are_the_closed_form(graph: str, size: int) -> None:
    matrix = laplacian(graph, size)
    assert np.allclose(matrix.sum(1), 0)
    assert np.allclose(np.linalg.eigvalsh(matrix), eigenvalues(graph, size), atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.25, 0.4, 0.5, 0.6])
@pytest.mark.parametrize("graph", GRAPHS)
def test_blocks_multiply_each_frequency_by_its_gain(graph: str, alpha: float) -> None:
    result = run(graph, 8, alpha=alpha, blocks=5, high_share=0.5)
    frequencies = np.array([result.low, result.high])
    for block, amplitude in enumerate(result.amplitudes):
        assert np.allclose(amplitude, gain(alpha, frequencies, block) * [1, 0.5], atol=1e-9)
    assert np.allclose(result.signals[0] + result.branch, result.signals[1])


def test_the_branch_alone_is_high_pass() -> None:
    result = run("cycle", 16, alpha=0.2, blocks=1)
    branch_gain = 0.2 * np.array([result.low, result.high])
    assert branch_gain[1] > 20 * branch_gain[0]


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [(0.0, "identity"), (0.1, "low-pass"), (0.25, "low-pass"), (0.3, "sign flips"),
     (0.5, "sign flips"), (0.51, "divergence")],
)  # fmt: skip
def test_the_regimes_of_a_ring(alpha: float, expected: str) -> None:
    """λ_max of an even ring is 4, so the borders are a quarter and a half."""
    result = run("cycle", 12, alpha=alpha, blocks=96)
    assert result.high == pytest.approx(4)
    assert result.regime == regime(alpha, 4.0) == expected
    high = abs(result.amplitudes[:, 1])
    assert (high[-1] > high[0] * 1.5) == (expected == "divergence")
    if expected == "low-pass":
        assert (result.amplitudes >= -1e-12).all()
    if expected == "sign flips":
        assert result.amplitudes[1, 1] < 0


def test_divergence_is_told_and_not_followed_to_overflow() -> None:
    result = run("grid", 12, alpha=4, blocks=96)
    assert result.stopped
    assert result.regime == "divergence"
    assert len(result.signals) < 5
    assert abs(result.signals[-2]).max() <= LARGEST < abs(result.signals[-1]).max()
    assert not run("grid", 12, alpha=0.1, blocks=96).stopped


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 2}, "path of 2 nodes a side cannot be drawn"),
        ({"size": 65}, "wanted 3 to 64"),
        ({"graph": "tree"}, "Graph 'tree' is unknown"),
        ({"alpha": -0.1}, "α = -0.1"),
        ({"alpha": float("nan")}, "alpha must be a number; got nan"),
        ({"blocks": 97}, "97 blocks; wanted"),
        ({"high_share": 2.0}, "a share of 2.0"),
    ],
)
def test_knobs_outside_their_range_are_named(options: dict[str, float], message: str) -> None:
    given = {"graph": "path", "size": 8, "alpha": 0.1, "blocks": 3} | options
    with pytest.raises(OptionError, match=message):
        run(given.pop("graph"), given.pop("size"), **given)  # type: ignore[arg-type]
