"""Growth with depth: the simple laws, and real blocks at initialisation beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.errors import OptionError
from vitviz.labs.blocks import build_blocks
from vitviz.labs.stream_growth import arithmetic, geometric, independent, run

SMALL = {"width": 32, "heads": 2, "tokens": 8}


def test_the_simple_laws_by_hand() -> None:
    assert geometric(2, 0.5, 2).tolist() == [2, 3, 4.5]
    assert arithmetic(2, 0.5, 2).tolist() == [2, 2.5, 3]
    assert independent(3, 4, 1).tolist() == [3, 5]


def test_the_recorded_stream_is_that_of_the_blocks() -> None:
    result = run("pre", depth=3, seed=2, **SMALL)
    blocks = build_blocks("pre", depth=3, width=32, heads=2, seed=2).double()
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(1, 8, 32, generator=generator).double()
    assert result.stream[0] == pytest.approx(float(x.norm() / 8**0.5))
    with torch.no_grad():
        for length, block in zip(result.stream[1:], blocks, strict=True):
            x = block(x)
            assert length == pytest.approx(float(x.norm() / 8**0.5))


def test_post_ln_keeps_the_length_of_a_token_at_the_root_of_its_width() -> None:
    result = run("post", depth=6, **SMALL)
    assert np.allclose(result.stream[1:], 32**0.5, rtol=1e-3)


def test_pre_ln_stays_below_the_arithmetic_bound_and_near_independent_branches() -> None:
    result = run("pre", depth=24, **SMALL)
    bound = arithmetic(result.stream[0], result.branch.max(), 24)
    assert (result.stream <= bound).all()
    expected = independent(result.stream[0], result.branch_size, 24)
    assert abs(result.stream / expected - 1).max() < 0.35


def test_without_layer_norm_growth_is_geometric() -> None:
    """A branch that grows with its input: the ratio of neighbouring lengths settles, and 96 blocks do not overflow."""
    result = run("none", depth=96, **SMALL)
    assert np.isfinite(result.stream).all()
    assert result.weight_gradient is None
    factors = result.stream[49:] / result.stream[48:-1]
    assert factors.std() / factors.mean() < 0.2
    assert result.stream[-1] / result.stream[0] == pytest.approx(result.growth**96)
    assert result.growth > 1.3


def test_the_last_gradient_shrinks_with_the_root_of_the_depth_in_pre_ln_only() -> None:
    """Xiong et al. 2020, theorem 1: of order 1/√L in Pre-LN, independent of L in Post-LN."""
    last = {
        (order, depth): np.mean([run(order, depth=depth, seed=seed, **SMALL).weight_gradient[-1] for seed in range(3)])
        for order in ("pre", "post")
        for depth in (4, 16)
    }
    assert 1.5 < last["pre", 4] / last["pre", 16] < 2.7  # the root of 4 is 2
    assert 0.7 < last["post", 4] / last["post", 16] < 1.4
    assert last["post", 16] > 3 * last["pre", 16]


def test_the_global_random_state_is_left_alone() -> None:
    state = torch.random.get_rng_state()
    run("post", depth=1, **SMALL)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_depths_outside_their_range_are_named() -> None:
    with pytest.raises(OptionError, match="Got 97 blocks and 16 tokens; wanted 1 to 96"):
        run("pre", depth=97)
    with pytest.raises(OptionError, match="0 tokens"):
        run("pre", depth=1, tokens=0)
