"""The shipped training runs: complete, made by the script, and what the page says of them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from vitviz.labs.layer_norm.runs import SETTINGS, as_text, shipped_runs
from vitviz.labs.layer_norm.training import train


def test_the_shipped_runs_are_those_that_the_script_makes() -> None:
    runs = shipped_runs()
    made = {(run.order, run.warmup_steps, run.seed) for run in runs}
    assert len(runs) == len(made) == 12
    for run in runs:
        settings = {name: getattr(run, name) for name in SETTINGS}
        assert settings == SETTINGS
        assert run.losses.shape == run.gradient_norms.shape == (run.steps,)
    again = train(**(SETTINGS | {"order": "post", "seed": 0, "progress": lambda *each: False}))
    stored = next(run for run in runs if (run.order, run.warmup_steps, run.seed) == ("post", 0, 0))
    assert again.losses[0] == pytest.approx(stored.losses[0], rel=1e-3)
    text = as_text([dataclasses.replace(stored)])
    assert json.loads(text)["runs"][0]["losses"] == stored.losses.tolist()


def test_pre_ln_learns_faster_and_warm_up_helps_post_ln() -> None:
    def accuracy(order: str, warmup: int) -> float:
        chosen = [run.accuracy for run in shipped_runs() if (run.order, run.warmup_steps) == (order, warmup)]
        return float(np.mean(chosen))

    assert accuracy("pre", 0) > 0.9
    assert accuracy("post", 0) < 0.6
    assert accuracy("post", 0) < accuracy("post", 60) < accuracy("pre", 0)
