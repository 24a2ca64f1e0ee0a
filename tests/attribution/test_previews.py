"""Maps of many passes are shown as they stand, and those drawn at random say how sure they are."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import vitviz
from vitviz.attribution import Attribution, attribute, perturbation
from vitviz.attribution.attribute import PREVIEW

SLOW = {
    "occlusion": {},
    "rise": {"n_masks": 24, "cells": 2},
    "kernel_shap": {"n_samples": 40},
    "smooth_grad": {"n_samples": 8},
    "gradient_shap": {"n_samples": 8},
}
RANDOM = {name: knobs for name, knobs in SLOW.items() if name != "occlusion"}


@pytest.fixture(scope="module")
def vit(tiny_vit: nn.Module) -> vitviz.ViT:
    return vitviz.ViT.from_module(tiny_vit)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["vitviz.attribution.attribute"]  # by its name the package has the function
    monkeypatch.setattr(module, "_now_and_then", lambda show: lambda so_far: show(so_far()))


@pytest.mark.parametrize(("name", "knobs"), SLOW.items())
def test_what_there_is_so_far_is_shown_and_changes_nothing(
    vit: vitviz.ViT, pixels: torch.Tensor, name: str, knobs: dict[str, Any]
) -> None:
    previews: list[Attribution] = []
    whole = attribute(name, vit, pixels, target=3, batch_size=2, preview=previews.append, **knobs)
    assert len(previews) >= 3
    assert all(preview.notes[0] == PREVIEW and preview.values.shape == whole.values.shape for preview in previews)
    assert PREVIEW not in whole.notes
    plain = attribute(name, vit, pixels, target=3, batch_size=2, **knobs)
    assert np.array_equal(whole.values, plain.values)
    assert whole.sampling_error == plain.sampling_error
    off = [float(np.abs(preview.values - whole.values).mean()) for preview in previews]
    assert off[-1] < off[0]


def test_occlusion_begins_on_a_coarse_grid(vit: vitviz.ViT, pixels: torch.Tensor) -> None:
    previews: list[Attribution] = []
    whole = attribute("occlusion", vit, pixels, target=3, batch_size=4, preview=previews.append)
    # 4 × 4 patches: the corner of all fours, then of all twos; every patch shows the nearest of these four
    nearest = whole.values[::2, ::2].repeat(2, 0).repeat(2, 1)
    assert previews[0].values[::2, ::2] == pytest.approx(whole.values[::2, ::2], abs=1e-6)
    assert previews[0].values == pytest.approx(nearest, abs=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (5, 9), (1, 3), (16, 16)])
def test_every_place_comes_once_the_fourths_first(rows: int, columns: int) -> None:
    order = perturbation.coarse_first(rows, columns).tolist()
    assert sorted(order) == list(range(rows * columns))
    fourths = [row * columns + column for row in range(0, rows, 4) for column in range(0, columns, 4)]
    assert order[: len(fourths)] == fourths


@pytest.mark.parametrize(("name", "knobs"), RANDOM.items())
def test_the_sampling_error_is_the_spread_over_seeds(
    vit: vitviz.ViT, pixels: torch.Tensor, name: str, knobs: dict[str, Any]
) -> None:
    knobs = {**knobs, "n_samples": 64} if name == "kernel_shap" else knobs
    runs = [attribute(name, vit, pixels, target=3, seed=seed, **knobs) for seed in range(24)]
    values = np.stack([run.values for run in runs])  # (seed, rows, columns)
    spread = float(np.sqrt(values.var(0, ddof=1).mean()))
    told = np.sqrt(np.mean([run.sampling_error**2 for run in runs if run.sampling_error is not None]))
    assert told == pytest.approx(spread, rel=0.35)


def test_too_few_samples_tell_nothing(vit: vitviz.ViT, pixels: torch.Tensor) -> None:
    assert attribute("smooth_grad", vit, pixels, target=3, n_samples=1).sampling_error is None
    assert attribute("kernel_shap", vit, pixels, target=3, n_samples=8).sampling_error is None
    assert attribute("saliency", vit, pixels, target=3).sampling_error is None


def test_a_drop_curve_and_patch_sizes_are_shown_as_they_stand(vit: vitviz.ViT, pixels: torch.Tensor) -> None:
    curves: list[vitviz.DropCurve] = []
    options: dict[str, Any] = {"target": 3, "shares": (0.0, 0.5), "draws": 4, "batch_size": 2}
    whole = vitviz.drop_curve(vit, pixels, preview=curves.append, **options)
    assert len(curves) == 2  # after the second and the third draw of four
    assert all(np.array_equal(curve.most_attended, whole.most_attended) for curve in curves)
    assert not np.array_equal(curves[0].random.mean, whole.random.mean)
    answers: list[Any] = []
    sizes = vitviz.patch_sizes(vit, pixels, sizes=(4, 8, 16), preview=answers.append)
    assert [[answer.patch_size for answer in some] for some in answers] == [[16], [8, 16], [4, 8, 16]]
    assert answers[-1] == sizes
