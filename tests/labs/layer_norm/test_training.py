"""Training with Pre-LN and Post-LN: seeded, stoppable, the warm-up as it says, nothing global touched."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vitviz.errors import OptionError
from vitviz.labs.blocks import build_blocks
from vitviz.labs.layer_norm import training
from vitviz.labs.layer_norm.photo_crops import draw_crops, photos
from vitviz.labs.layer_norm.training import train

TINY = {"depth": 1, "width": 8, "steps": 3}


@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_seed_decides_the_run_and_the_global_random_state_is_left_alone(order: str) -> None:
    state = torch.random.get_rng_state()
    runs = [train(order, seed=seed, **TINY) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(runs[0].losses, runs[1].losses)
    assert not np.array_equal(runs[0].losses, runs[2].losses)
    assert runs[0].finished
    assert not runs[0].diverged
    assert runs[0].chance == pytest.approx(math.log(len(photos())))
    assert runs[0].accuracy is not None
    assert 0 <= runs[0].accuracy <= 1


def test_warm_up_begins_with_a_small_share_of_the_learning_rate() -> None:
    """The first of ten steps of a warm-up to 0.001 is a step at 0.0001; the second loss shows it."""
    warmed = train("post", warmup_steps=9, learning_rate=1e-3, **TINY)
    small = train("post", warmup_steps=0, learning_rate=1e-4, **TINY)
    full = train("post", warmup_steps=0, learning_rate=1e-3, **TINY)
    assert np.allclose(warmed.losses[:2], small.losses[:2], atol=1e-6)
    assert abs(warmed.losses[1] - full.losses[1]) > 1e-5


def test_a_stopped_run_keeps_what_it_did_and_says_so() -> None:
    seen: list[tuple[int, int, float]] = []

    def progress(done: int, steps: int, loss: float) -> bool:
        seen.append((done, steps, loss))
        return done < 2

    run = train("pre", progress=progress, **TINY)
    assert [each[:2] for each in seen] == [(1, 3), (2, 3)]
    assert [each[2] for each in seen] == run.losses.tolist()
    assert not run.finished
    assert not run.diverged
    assert run.accuracy is None
    last = train("pre", progress=lambda done, steps, loss: done < 3, **TINY)
    assert last.finished


def test_a_run_whose_loss_becomes_infinite_ends_there(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([(2.0, 1.0), (math.inf, 1.0)])
    monkeypatch.setattr(training, "_step", lambda *each: next(answers))
    run = train("post", **TINY)
    assert run.losses.tolist() == [2.0]
    assert run.diverged
    assert not run.finished


def test_pre_ln_learns_the_task() -> None:
    run = train("pre", depth=2, width=32, learning_rate=3e-3, steps=30)
    assert run.losses[-10:].mean() < run.chance - 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "0 blocks of width 32; wanted 1 to 96"),
        ({"width": 512}, "12 blocks of width 512"),
        ({"learning_rate": 0.0}, "learning rate is 0.0; wanted more than 0"),
        ({"learning_rate": math.nan}, "learning rate is nan"),
        ({"steps": 0}, "0 steps and a warm-up of 0"),
        ({"warmup_steps": -1}, "warm-up of -1"),
    ],
)
def test_options_outside_their_range_are_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        train("pre", **options)


def test_an_unknown_order_and_heads_that_do_not_divide_are_named() -> None:
    with pytest.raises(OptionError, match="LayerNorm order 'sandwich' is unknown"):
        train("sandwich", **TINY)
    with pytest.raises(OptionError, match="depth 1, width 10, 3 heads"):
        build_blocks("pre", depth=1, width=10, heads=3, seed=0)


def test_crops_are_pieces_of_the_photos_mirrored_or_not() -> None:
    pictures, labels = draw_crops(6, torch.Generator().manual_seed(0))
    source = photos()
    assert source.mean((0, 2, 3)).abs().max() < 1e-5
    for picture, label in zip(pictures, labels, strict=True):
        windows = source[label].unfold(1, 16, 1).unfold(2, 16, 1)  # (channel, top, left, row, column)
        results = [(windows == each[:, None, None]).all((0, 3, 4)).any() for each in (picture, picture.flip(2))]
        assert any(results)
