"""Closed forms: the local counter, the attention counter, and sums of local evidence."""

import math

import numpy as np
import pytest

from vitviz.errors import OptionError
from vitviz.labs.long_range import counter, evidence

HALVES = [4, 4, 7, 7, 1, 2]  # two whole objects, two halves without partner


def test_a_half_gives_itself_the_share_of_the_formula():
    result = counter.count(HALVES, 1.7)
    same = [HALVES.count(each) for each in HALVES]
    expected = [1 / (m + (6 - m) * math.exp(-1.7)) for m in same]
    assert np.allclose(np.diag(result.attention), expected, rtol=1e-14)
    assert np.allclose([counter.own_weight(m, 6, 1.7) for m in same], expected, rtol=1e-14)


def test_it_is_the_softmax_of_the_scores():
    scores = 0.8 * np.equal.outer(HALVES, HALVES)
    weights = np.exp(scores)
    expected = weights / weights.sum(1, keepdims=True)
    assert np.allclose(counter.count(HALVES, 0.8).attention, expected, rtol=1e-14)


def test_in_the_limit_the_trace_counts_identities_and_the_rest_whole_objects():
    result = counter.count(HALVES, math.inf)
    assert (result.trace, result.distinct, result.error) == (4, 4, 0)
    assert (result.pairs, result.complete) == (2, 2)


def test_no_comparison_at_beta_zero_and_no_overflow_far_out():
    assert counter.count(HALVES, 0).trace == pytest.approx(1)
    assert counter.count(HALVES, 1e4).trace == 4


def test_the_error_is_negative_and_shrinks_with_beta():
    errors = [counter.count(HALVES, beta).error for beta in (0, 1, 2, 4, 8, 16)]
    assert all(before < after <= 0 for before, after in zip(errors, errors[1:], strict=False))
    # to first order each half loses (n − m) e^−β / m² to the others
    first = sum((6 - m) / m**2 for m in [2, 2, 2, 2, 1, 1]) * math.exp(-16)
    assert -errors[-1] == pytest.approx(first, rel=1e-5)


def test_one_half_alone_is_counted_once_at_any_beta():
    assert counter.count([3], 0.5).trace == 1


def test_windows_count_an_object_twice_unless_they_hold_both_halves():
    first, second = [1.0, 20.0, 40.0], [9.0, 31.0, 55.0]
    assert counter.local_count(first, second, 8) == 6  # 2K
    assert counter.local_count(first, second, 64) == 3  # K
    assert counter.local_count([0.0, 7.9], [7.9, 8.0], 8) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: counter.count([], 1), "no tokens"),
        (lambda: counter.count([1], -1), "β is -1; wanted"),
        (lambda: counter.count([1], math.nan), "β is nan; wanted"),
        (lambda: counter.own_weight(0, 3, 1), "m = 0 of n = 3"),
        (lambda: counter.local_count([1], [], 8), "1 first and 0 second"),
        (lambda: counter.local_count([1], [1], 0), "width 0"),
        (lambda: evidence.added_evidence(1), "1 values; wanted 2 to 10"),
    ],
)
def test_what_cannot_be_counted_is_refused(call, message):
    with pytest.raises(OptionError, match=message):
        call()


@pytest.mark.parametrize("values", [2, 3, 6])
def test_no_sum_of_local_evidence_lowers_the_loss(values):
    result = evidence.added_evidence(values)
    assert np.abs(result.gradient).max() < 1e-15
    # and by descent: the cross-entropy of any small sum f(left) + g(right) is above log 2
    generator = np.random.default_rng(0)
    same = np.eye(values) / values / 2
    differ = (1 - np.eye(values)) / (values * (values - 1)) / 2
    for _ in range(20):
        total = np.add.outer(generator.normal(size=values), generator.normal(size=values))
        loss = (same * np.logaddexp(0, -total) + differ * np.logaddexp(0, total)).sum()
        assert loss > math.log(2)


def test_a_threshold_can_beat_chance_where_probabilities_cannot():
    """For two values a rule "left or right is 1" is right in three of four cases: XOR is not linearly separable."""
    assert evidence.added_evidence(2).threshold_accuracy == pytest.approx(0.75)
    assert evidence.added_evidence(6).threshold_accuracy == pytest.approx(0.65)
