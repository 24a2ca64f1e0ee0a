"""Training: same pictures for all, seeded, and what it writes can be read back."""

import numpy as np
import pytest
import torch

from vitviz.labs.long_range import evaluate, tasks, train
from vitviz.labs.long_range.train import Recipe


def test_the_rate_rises_and_falls_and_far_pictures_come_in():
    recipe = Recipe(steps=1000, warm_up=100, learning_rate=1.0, growth=0.5)
    rates = [recipe.rate(step) for step in range(1000)]
    assert rates[0] == 0.01
    assert max(rates) == rates[99] > 0.97
    assert rates[999] < 1e-5
    shares = [recipe.far_share(step) for step in (0, 250, 500, 999)]
    assert shares == [0.1, pytest.approx(0.3), pytest.approx(0.5), 0.5]


def distances(batch):
    columns = batch.objects.reshape(-1, 4, 8).any(1).nonzero()[:, 1].reshape(-1, 2)
    return set((columns[:, 1] - columns[:, 0]).tolist())


def test_without_far_pictures_the_small_field_holds_all_couples():
    generator = np.random.default_rng(0)
    assert distances(train.draw(tasks.find("occluder"), 64, generator, far_share=0.0)) == {1, 2}
    assert distances(train.draw(tasks.find("occluder"), 256, generator, far_share=1.0)) == set(range(1, 8))


def test_each_network_practises_on_what_its_field_can_hold(monkeypatch, tmp_path):
    task, seen = tasks.find("occluder"), {}
    recipe = Recipe("occluder", steps=3, batch_size=64, growth=0.1, freeze=1.0)

    def step(run, _number, batch):
        seen.setdefault(run.name, []).append(batch)

    monkeypatch.setattr(train.Run, "step", step)
    monkeypatch.setattr(train.Run, "save", lambda _run, _folder: None)
    train.train(recipe, ["vit", "limited", "large"], tmp_path)
    held = {name: set().union(*map(distances, batches)) for name, batches in seen.items()}
    assert held == {"vit": set(range(1, 8)), "limited": {1, 2}, "large": set(range(1, 8))}
    for first, second in zip(seen["vit"], seen["large"], strict=True):
        assert torch.equal(first.pixels, second.pixels), "networks of one reach see the same pictures"
    assert distances(train.next_batch(task, recipe, 2, np.random.default_rng(0), reach=2)) == {1, 2}


def test_frozen_statistics_are_means_of_new_pictures_and_stay():
    recipe = Recipe("occluder", steps=4, batch_size=8, freeze=0.5)
    run, generator = train.Run("limited", recipe), np.random.default_rng(0)
    norm = run.network.features[-1]
    kept = []
    for number in range(recipe.steps):
        batch = train.next_batch(tasks.find("occluder"), recipe, number, generator, reach=run.network.reach)
        run.step(number, batch)
        kept.append(norm.running_mean.clone())
    assert run.network.training
    assert not norm.training
    assert not torch.equal(kept[0], kept[1])
    assert torch.equal(kept[2], kept[3])
    inputs = []
    norm.register_forward_pre_hook(lambda _norm, given: inputs.append(given[0]))
    train.freeze(run.network, recipe, batches=3)
    maps = torch.cat(inputs)
    assert torch.allclose(norm.running_mean, maps.mean((0, 2, 3)), atol=1e-5)


def test_a_training_on_one_distance_alone_draws_no_other_and_is_measured_there(tmp_path):
    task = tasks.find("occluder")
    recipe = Recipe("occluder", seed=1, steps=2, batch_size=16, distance=3)
    assert distances(train.next_batch(task, recipe, 0, np.random.default_rng(0))) == {3}
    train.train(recipe, ["limited"], tmp_path)
    (row,) = evaluate.measure_alone(task, tmp_path, 8)
    assert (row["network"], row["distance"], row["seed"], row["steps"]) == ("limited", 3, 1, 2)
    assert 0 <= row["accuracy"] <= 1
    assert not evaluate.collect("occluder", tmp_path)[0]


def test_a_run_is_reproducible_and_its_files_are_collected(tmp_path):
    recipe = Recipe("occluder", seed=4, steps=2, batch_size=8)
    for name in ("one", "two"):
        train.train(recipe, ["limited", "vit"], tmp_path / name)
    states = [evaluate.collect("occluder", tmp_path / name)[0] for name in ("one", "two")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    told = evaluate.collect("occluder", tmp_path / "one")[1]
    assert told["vit"][4]["steps"] == told["limited"][4]["steps"] == 2
    assert not told["large"]
    history = np.load(tmp_path / "one/occluder-vit-4.npy")
    assert history.shape == (2, 3)
    assert np.isfinite(history).all()


def test_a_batch_tells_the_truth_about_its_boards():
    task = tasks.find("counting")
    batch = train.draw(task, 16, np.random.default_rng(0))
    assert batch.pixels.shape == (16, 3, 32, 64)
    assert 0 <= float(batch.pixels.min()) < float(batch.pixels.max()) <= 1
    assert (batch.partners.sum(1) == 2 * batch.labels).all()
    assert not (batch.partners.bool() & ~batch.objects).any()
