"""Scaling on digits: the law by hand, its interval, the shipped runs and one of them made again; the search, too."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vitviz.errors import OptionError, StoppedError
from vitviz.labs.digits.data import POOL, all_digits, training_set, validation_set
from vitviz.labs.digits.distillation_search import as_text as search_as_text
from vitviz.labs.digits.distillation_search import search
from vitviz.labs.digits.intervals import mean_interval
from vitviz.labs.digits.scaling import BASE, GROWING, VALUES, digit_scaling, fit_power_law, train_one
from vitviz.labs.digits.scaling_runs import FILE, as_text, shipped_scaling


@pytest.mark.parametrize("count", range(2, 11))
def test_the_interval_of_a_mean_is_that_of_students_t(count):
    low, high = mean_interval(values := np.random.default_rng(count).normal(3, 2, count))
    assert (low + high) / 2 == pytest.approx(values.mean())
    reach = (high - low) / 2 / (values.std(ddof=1) / count**0.5)
    t = np.linspace(0, reach, 100_001)
    density = (1 + t**2 / (count - 1)) ** (-count / 2)  # of Student's t, up to a factor
    beyond = np.geomspace(reach, 1e6, 100_001)
    rest = np.trapezoid((1 + beyond**2 / (count - 1)) ** (-count / 2), beyond)
    inside = np.trapezoid(density, t)
    assert inside / (inside + rest) == pytest.approx(0.95, abs=1e-4)


def test_a_law_is_found_again_in_errors_that_follow_it():
    sizes = np.array([10.0, 20, 80])
    law = fit_power_law(sizes, np.stack([0.9 * sizes**-0.5, 0.4 * sizes**-0.3], 1))
    assert law.exponent == pytest.approx(0.4)
    assert law.factor == pytest.approx(0.6)  # the geometric mean of 0.9 and 0.4
    assert law.interval == pytest.approx(mean_interval([0.5, 0.3]))
    assert not law.falls  # two seeds that disagree this much
    assert law.at([1, 10]) == pytest.approx([0.6, 0.6 * 10**-0.4])
    assert law.explained == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: fit_power_law([1], [[0.5, 0.5]]), "wanted at least two sizes and two seeds"),
    (lambda: fit_power_law([1, 2], [[0.5, 0.5], [0.0, 0.5]]), "not positive"),
    (lambda: mean_interval([1.0]), "Got 1 values; wanted 2 to 10"),
    (lambda: mean_interval([1.0] * 11), "Got 11 values"),
    (lambda: digit_scaling(seeds=0), "Got 0 seeds"),
    (lambda: digit_scaling(growing=["height"]), "height"),
    (lambda: shipped_scaling().errors("height"), "height"),
    (lambda: validation_set(POOL, seed=0), "leaves none to choose settings by"),
])  # fmt: skip
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(OptionError, match=message):
        call()


def test_the_digits_of_a_choice_are_the_rest_of_the_pool():
    parts = (training_set(1100, seed=5).labels, validation_set(1100, seed=5).labels)
    assert [len(part) for part in parts] == [1100, 100]
    assert sorted([*parts[0].tolist(), *parts[1].tolist()]) == sorted(all_digits().labels[:POOL].tolist())


def test_the_shipped_runs_hold_every_size_and_their_laws_can_be_fitted_again():
    shown = shipped_scaling()
    assert shown.seeds >= 5
    assert shown.base == BASE
    for growing in GROWING:
        assert shown.values(growing) == VALUES[growing]
        errors = shown.errors(growing)
        assert errors.shape == (len(VALUES[growing]), shown.seeds)
        fits = [np.polyfit(np.log(VALUES[growing]), np.log(seed), 1) for seed in errors.T]
        law = shown.law(growing)
        assert law.exponent == pytest.approx(-np.mean([slope for slope, _start in fits]))
        assert (shown.intervals(growing)[:, 0] < errors.mean(1)).all()
        assert list(shown.weights(growing)) == sorted(shown.weights(growing))
    assert as_text(shown) == FILE.read_text(encoding="utf-8")


def test_the_smallest_shipped_run_trained_again_is_as_good():
    shown = shipped_scaling()
    smallest = min((run for run in shown.runs if run.seed == 0), key=lambda run: run.weights)
    options = {"steps": shown.steps, "learning_rate": shown.learning_rate, "shifts": shown.shifts}
    again = train_one(smallest.sizes, 0, **options)
    assert again.weights == smallest.weights
    assert again.accuracy == pytest.approx(smallest.accuracy, abs=0.03)  # another processor rounds in another way


def test_a_stopped_scaling_has_handed_on_what_it_had(monkeypatch):
    kept = []
    with pytest.raises(StoppedError, match="Stopped after 1 of 25 updates"):
        digit_scaling(growing=["data"], steps=1, progress=lambda done, total, now: kept.append(now) or False)
    errors = kept[-1].errors("data")
    assert errors.shape == (1, 5)
    assert np.isnan(errors[0]).tolist() == [False, True, True, True, True]


def test_a_search_tries_every_setting_on_every_seed():
    trials = search(size=20, steps=2, seeds=(100, 101), alphas=(0.5, 1.0), temperatures=(3.0,))
    assert [(trial.alpha, trial.temperature, len(trial.gains)) for trial in trials] == [(0.5, 3.0, 2), (1.0, 3.0, 2)]
    assert [row["alpha"] for row in json.loads(search_as_text(trials))] == [0.5, 1.0]
