"""Rollout by hand: the library's rollout, paths that sum to it, shares that stay shares; regions counted by hand."""

import numpy as np
import pytest
import torch

from vitviz.attention.rollout import rollout_of
from vitviz.errors import OptionError
from vitviz.labs.regions import regions
from vitviz.labs.rollout_by_hand import run, with_share


@pytest.fixture
def layers():
    return np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 4))


@pytest.mark.parametrize("residual", [0, 0.3, 0.5, 1])
def test_two_layers_by_hand_are_the_library_s_rollout(layers, residual):
    steps = run(*layers, residual=residual)
    maps = [torch.from_numpy(layer)[None].float() for layer in layers]
    peer = rollout_of(maps, head_fusion="mean", discard_ratio=0.0, residual=residual)
    assert np.allclose(steps.rollout, peer, atol=1e-6)
    assert np.allclose(steps.paths.sum(1), steps.rollout, atol=1e-15)
    assert np.allclose(steps.rollout.sum(1), 1)
    if residual == 1:
        assert np.array_equal(steps.rollout, np.eye(4))
        assert steps.effective.tolist() == [1] * 4


def test_a_share_typed_over_scales_the_others_of_its_row(layers):
    changed = with_share(layers[0], 2, 1, 0.4)
    assert changed[2, 1] == 0.4
    assert np.allclose(changed.sum(1), 1)
    others = [0, 2, 3]
    assert np.allclose(changed[2, others] / changed[2, 0], layers[0][2, others] / layers[0][2, 0])
    assert with_share(np.eye(3), 0, 0, 0.2)[0].tolist() == [0.2, 0.4, 0.4]  # others that were all 0


def test_regions_are_the_fewest_patches_and_touch_at_edges_alone():
    half = regions([[4, 0, 0], [0, 3, 0], [1, 1, 1]], share=0.7)
    assert half.mask.tolist() == [[True, False, False], [False, True, False], [False, False, False]]
    assert (half.patches, half.count) == (2, 2)  # a corner joins nothing
    assert regions(np.ones((3, 3)), 1.0).count == 1
    assert half.overlap(regions([[1, 0, 0], [0, 0, 0], [0, 0, 0]])) == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run(np.eye(2), np.eye(3)), "Layers of 2 and 3 tokens"),
        (lambda: run(np.eye(2), 2 * np.eye(2)), "The rows of the attention sum to"),
        (lambda: run(-np.eye(2), np.eye(2)), "no square table of shares"),
        (lambda: run(np.eye(2), np.eye(2), residual=2), "The residual share is 2"),
        (lambda: with_share(np.eye(2), 0, 0, 1.5), "The share is 1.5"),
        (lambda: regions(np.zeros((2, 2))), "has no regions"),
        (lambda: regions(np.ones((2, 2)), 0), "The share is 0"),
    ],
)
def test_what_does_not_fit_is_told(call, message):
    with pytest.raises(OptionError, match=message):
        call()
