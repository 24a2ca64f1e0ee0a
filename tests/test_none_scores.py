"""The sums of benchmarks/none_of_them.py by hand: AUROC, classes left out, scores that know what they were given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.none_joined import direction, gain, joined
from benchmarks.none_layers import LAYERS, middle, mirrored, scores_of
from benchmarks.none_scores import NO_CLASS, SCORES, Photos, auroc, fit, interval, without_classes
from benchmarks.none_second import SECOND, divergence


@pytest.mark.parametrize(
    ("known", "others", "share"),
    [([2, 3], [0, 1], 1), ([0, 1], [2, 3], 0), ([1, 3], [2], 0.5), ([1, 1], [1], 0.5), ([1, 2], [1, 0], 0.875)],
)
def test_auroc_is_the_share_of_pairs_in_order(known, others, share):
    assert auroc(np.array(known, float), np.array(others, float)) == share


def test_the_interval_holds_the_auroc_and_is_the_same_again():
    generator = np.random.default_rng(1)
    known, others = generator.normal(1, 1, 80), generator.normal(0, 1, 60)
    low, high = interval(known, others)
    assert low < auroc(known, others) < high
    assert (low, high) == interval(known, others)


def clouds(seed=0):
    """Three classes about three corners of a space of 210 channels, and others about its middle."""
    generator = np.random.default_rng(seed)
    corners = 12 * np.eye(3, 210)
    labels = np.repeat([0, 1, 2, NO_CLASS], 150)
    places = np.concatenate([np.repeat(corners, 150, axis=0), np.zeros((150, 210))])
    features = places + generator.normal(0, 0.3, places.shape) + 1
    logits = np.concatenate([(features - 1) @ corners.T / 24, np.zeros((len(labels), 20)) - 9], axis=1)
    return Photos(features, logits, labels)


@pytest.mark.parametrize("name", SCORES)
def test_every_score_is_higher_for_what_it_knows(name):
    reference, photos = clouds(0), clouds(1)
    scores = SCORES[name](photos, reference.where(reference.labels != NO_CLASS))
    assert auroc(scores[photos.labels != NO_CLASS], scores[photos.labels == NO_CLASS]) > 0.95


def test_a_linear_read_out_learns_what_it_is_shown():
    reference, photos = clouds(0), clouds(1)
    score = fit(reference.where(reference.labels != NO_CLASS), reference.where(reference.labels == NO_CLASS))(photos)
    assert auroc(score[photos.labels != NO_CLASS], score[photos.labels == NO_CLASS]) > 0.95


def test_left_out_classes_lose_their_logits_and_their_names():
    photos = without_classes(clouds(), np.array([1]))
    assert photos.logits.shape[1] == clouds().logits.shape[1] - 1
    assert (photos.labels == NO_CLASS).sum() == 300
    np.testing.assert_array_equal(photos.logits[:, 1], clouds().logits[:, 2])


def test_joined_scores_find_the_one_that_tells_and_promise_no_more_than_the_fit():
    generator = np.random.default_rng(0)
    known, others = generator.normal(0, 1, (200, 3)), generator.normal(0, 1, (200, 3))
    known[:, 1] += 2
    weight = direction(known, others)
    assert np.abs(weight).argmax() == 1
    assert weight[1] > 0
    new, fitted = joined(known, others)
    assert 0.85 < new < fitted + 0.01
    new, _fitted = joined(known[:, [0, 2]], others[:, [0, 2]])  # nothing to find
    assert abs(new - 0.5) < 0.1


def test_a_gain_is_the_difference_of_two_scores_of_the_same_photos():
    generator = np.random.default_rng(0)
    known, others = generator.normal(1, 1, 100), generator.normal(0, 1, 100)
    assert gain((known, known), (others, others)) == (0, 0, 0)
    noise = generator.normal(0, 1, 100)
    mean, low, high = gain((known, noise), (others, noise))
    assert mean == pytest.approx(auroc(known, others) - 0.5)
    assert 0 < low < mean < high


@pytest.mark.parametrize("name", SECOND)
def test_a_second_network_that_is_sure_of_the_same_is_higher_than_one_that_is_not(name):
    """Both sure of class 0; sure of two classes; both unsure: of one pair of scores each, as the name says."""
    sure, other, even = np.array([[9.0, 0, 0]]), np.array([[0.0, 9, 0]]), np.array([[1.0, 0, 0]])
    score = SECOND[name]
    assert score(sure, sure) > score(even, other if "agreement" in name else even)


def test_the_disagreement_is_none_for_one_answer_and_log_two_for_two():
    sure, other = np.array([[60.0, 0, 0]]), np.array([[0.0, 60, 0]])
    assert divergence(sure, sure) == pytest.approx([0])
    assert divergence(sure, other) == pytest.approx([np.log(2)])


def test_scores_of_layers_read_their_own_layer():
    generator = np.random.default_rng(3)
    labels = np.repeat(np.arange(4), 20)
    streams = generator.normal(0, 1, (80, 24, 6))  # (photo, layer and kind, channel)
    streams[:, 2 * LAYERS[1]] += 9 * np.eye(4, 6)[labels]  # one layer's class token knows the classes
    answers = np.full((80, 4), 0.25)
    sets = {}
    for name, moved in (("reference", 0), ("val", 0), ("small known", 0), ("small others", 40)):
        features = streams.reshape(80, -1) + 0.1 * generator.normal(0, 1, (80, 24 * 6))
        features[:, 2 * LAYERS[1] * 6 : (2 * LAYERS[1] + 1) * 6] += moved * generator.normal(0, 1, (80, 6))
        sets[name] = Photos(np.concatenate([features, answers], axis=1), np.zeros((80, 4)), labels)
    scores = scores_of(sets, [sets])
    shares = {name: auroc(values["val"], values["small others"]) for name, values in scores.items()}
    assert shares[f"layer {LAYERS[1]}, class token: 10 nearest neighbours"] > 0.9
    assert shares[f"layer {LAYERS[2]}, class token: 10 nearest neighbours"] == pytest.approx(0.5, abs=0.1)
    assert shares["mean answer to three views: maximum probability"] == 0.5  # all answers are alike


def test_views_of_a_photo():
    row = torch.arange(10.0).repeat(3, 10, 1)  # (channel, row, column)
    torch.testing.assert_close(mirrored(row)[0, 0], torch.arange(9.0, -1, -1))
    seen = middle(row)
    assert seen.shape == row.shape
    assert 0.5 < seen[0, 5, 0] < 1.5  # the second column stands at the edge
    assert 7.5 < seen[0, 5, -1] < 8.5
