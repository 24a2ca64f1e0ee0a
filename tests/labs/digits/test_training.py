"""Digits, the training loop, hunger for data, and the shipped runs."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from vitviz.errors import OptionError, StoppedError, TrainingError
from vitviz.labs.digits import data_hunger, distillation_runs, results
from vitviz.labs.digits.data import POOL, Digits, all_digits, held_out, training_set
from vitviz.labs.digits.data_hunger import NETWORKS
from vitviz.labs.digits.networks import digit_convnet, digit_vit, weights_of
from vitviz.labs.digits.training import accuracy_of, rate_factor, shifted, train
from vitviz.models.timm_door import build_small


def test_the_digits_are_those_of_scikit_learn():
    digits = all_digits()
    assert digits.pictures.shape == (1797, 3, 8, 8)
    assert torch.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert (float(digits.pictures.min()), float(digits.pictures.max())) == (0, 1)
    raw = (digits.pictures[:, 0] * 16).byte().numpy().tobytes()
    assert hashlib.sha256(raw).hexdigest().startswith("8f26b2bd9d135c25")


def test_training_sets_are_nested_balanced_and_apart_from_the_held_out_digits():
    small, large = training_set(20, seed=3), training_set(200, seed=3)
    assert torch.equal(large.pictures[:20], small.pictures)
    assert torch.bincount(small.labels).tolist() == [2] * 10
    whole = training_set(POOL, seed=0)
    assert sorted(whole.labels.tolist()) == sorted(all_digits().labels[:POOL].tolist())
    assert len(held_out()) == 597
    assert not torch.equal(training_set(20, seed=4).pictures, small.pictures)


@pytest.mark.parametrize("size", [9, 1201])
def test_a_training_set_of_another_size_is_refused(size):
    with pytest.raises(OptionError, match=f"training set of {size} digits cannot be drawn"):
        training_set(size, seed=0)


def test_pictures_move_by_at_most_a_pixel():
    picture = torch.zeros(60, 1, 8, 8)
    picture[:, 0, 3, 4] = 1
    moved = shifted(picture, np.random.default_rng(0))
    rows, columns = moved[:, 0].flatten(1).argmax(1) // 8, moved[:, 0].flatten(1).argmax(1) % 8
    assert set(rows.tolist()) == {2, 3, 4}
    assert set(columns.tolist()) == {3, 4, 5}
    assert float(moved.sum()) == 60


def test_the_rate_rises_over_a_tenth_and_falls_to_nothing():
    factors = [rate_factor(step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(1, abs=0.03)
    assert int(np.argmax(factors)) == 9
    assert factors[-1] < 0.001


def test_a_run_learns_and_tells_its_readings_and_can_be_repeated():
    digits = training_set(30, seed=0)
    options = {"name": "convnet", "seed": 1, "steps": 30, "readings": 3}
    first, second = (list(train(digit_convnet(seed=1), digits, **options)) for _ in range(2))
    assert [len(run.points) for run in first] == [2, 3, 4]
    assert [point.step for point in first[-1].points] == [0, 10, 20, 30]
    assert [run.finished for run in first] == [False, False, True]
    assert math.isnan(first[-1].points[0].loss)
    assert first[-1].points[-1].loss < 0.85 * first[-1].points[1].loss
    assert first[-1].points[1:] == second[-1].points[1:]


def test_seeds_decide_the_weights_and_the_global_generator_is_left_alone():
    state = torch.random.get_rng_state()
    one, two, other = digit_vit(seed=1), digit_vit(seed=1), digit_vit(seed=2)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.head.weight, other.head.weight)
    assert weights_of(one) == 18474
    assert weights_of(digit_convnet(seed=0)) == 4606


@pytest.mark.parametrize(("options", "message"), [
    ({"steps": 0}, "0 steps with 10 readings"),
    ({"steps": 3000}, "3000 steps"),
    ({"steps": 5}, "5 steps with 10 readings"),
    ({"steps": 20, "learning_rate": 0.0}, "at a rate of 0.0"),
])  # fmt: skip
def test_a_run_out_of_range_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        next(train(nn.Identity(), held_out(), name="none", seed=0, **options))


def test_a_loss_that_is_no_number_ends_the_run():
    digits = Digits(torch.full((10, 3, 8, 8), float("nan")), torch.arange(10))
    with pytest.raises(TrainingError, match="The loss of convnet became nan at step 1 of 4"):
        next(train(digit_convnet(seed=0), digits, name="convnet", seed=0, steps=4, readings=1))


def test_accuracy_of_a_network_that_always_says_three():
    class Three(nn.Module):
        def forward(self, pictures):
            return torch.eye(10)[3].expand(len(pictures), 10)

    expected = float((held_out().labels == 3).float().mean())
    assert accuracy_of(Three()) == pytest.approx(expected)


def test_a_hunger_table_has_a_run_a_cell_and_gaps_where_it_was_stopped():
    options = {"sizes": (20, 10), "seeds": 1, "steps": 3}
    whole = data_hunger.data_hunger(**options)
    assert whole.sizes == (10, 20)
    assert whole.complete
    assert not np.isnan(whole.accuracies("vit")).any()
    kept = []

    def stop(done, total, now):
        kept.append(now)
        return False if done == 6 else None

    with pytest.raises(StoppedError, match="Stopped after 6 of 12 updates"):
        data_hunger.data_hunger(**options, progress=stop)
    assert not kept[-1].complete
    assert not np.isnan(kept[-1].accuracies("convnet")[0, 0])
    assert np.isnan(kept[-1].accuracies("vit")[1, 0])
    with pytest.raises(OptionError, match="0 seeds; wanted a size and 1 to 10 seeds"):
        data_hunger.data_hunger(seeds=0)


def test_a_small_vit_must_fit_its_heads_and_patches():
    with pytest.raises(OptionError, match="both must divide without a rest"):
        build_small(image_size=8, patch_size=3, width=32, depth=1, heads=4, classes=10)


def test_the_shipped_runs_have_the_default_settings():
    hunger, distillation = (results.shipped_hunger(), results.shipped_distillation())
    assert hunger.complete
    assert (hunger.sizes, hunger.seeds, hunger.steps) == (
        data_hunger.SIZES, data_hunger.SEEDS, data_hunger.STEPS,
    )  # fmt: skip
    assert not hunger.shifts
    assert distillation.complete
    assert (distillation.size, distillation.seeds, distillation.steps) == (
        distillation_runs.SIZE, distillation_runs.SEEDS, distillation_runs.STEPS,
    )  # fmt: skip
    assert (distillation.alpha, distillation.temperature) == (distillation_runs.ALPHA, distillation_runs.TEMPERATURE)
    assert distillation.attention.maps.shape == (10, 2, 2, 4, 4, 4)


def test_the_shipped_runs_say_what_the_page_says():
    hunger = results.shipped_hunger()
    means = {name: hunger.accuracies(name).mean(-1) for name in NETWORKS}
    assert (np.diff(means["vit"]) > 0).all()
    assert (means["convnet"] > means["vit"]).all()
    assert means["convnet"][0] - means["vit"][0] > means["convnet"][-1] - means["vit"][-1]


def test_a_result_survives_its_file():
    result = data_hunger.data_hunger(sizes=(10,), seeds=1, steps=2)
    stored = json.loads(results.as_text(result))
    assert stored["runs"][0]["points"][0][:2] == [0, None]
    assert stored["sizes"] == [10]
