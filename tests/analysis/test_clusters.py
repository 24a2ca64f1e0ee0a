"""k-means over tokens: groups by hand, and the same as another implementation's."""

import numpy as np
import pytest

import vitviz
from tests.families import noise
from vitviz.analysis.clusters import k_means, token_clusters
from vitviz.errors import OptionError


def test_groups_of_points_that_lie_apart():
    points = np.array([[0.0, 0], [0, 2], [10, 0], [10, 2], [10, 1], [50, 50]])
    groups, left = k_means(points, 3)
    assert groups.tolist() == [1, 1, 0, 0, 0, 2]  # the largest group is 0
    assert left == pytest.approx(2 + 2)
    assert k_means(np.ones((4, 2)), 2)[1] == 0


def test_as_good_as_scikit_learn():
    cluster = pytest.importorskip("sklearn.cluster")
    points = np.random.default_rng(1).normal(size=(300, 8)) + np.repeat(np.eye(8)[:6] * 4, 50, axis=0)
    peer = cluster.KMeans(6, n_init=10, random_state=0).fit(points)
    groups, left = k_means(points, 6)
    assert left == pytest.approx(peer.inertia_, rel=1e-6)
    pairs = set(zip(groups.tolist(), peer.labels_.tolist(), strict=True))
    assert len(pairs) == 6


def test_pictures_share_their_groups_and_impossible_numbers_are_refused(vit):
    trace = vitviz.trace(vit, noise((32, 32)))
    once, twice = token_clusters(trace, count=3), token_clusters([trace, trace], count=3)
    assert (twice.clusters[0] == twice.clusters[1]).all()
    assert {part.shape for part in (*once.clusters, *twice.clusters)} == {(4, 4)}
    assert 0 < once.within < 1
    with pytest.raises(OptionError, match="1 groups; wanted from 2 to"):
        token_clusters(trace, count=1)
