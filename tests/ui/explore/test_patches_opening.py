"""What is painted at first on the Patches page moves the answer, on every example photo of the shipped model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import vitviz
from vitviz.examples import examples
from vitviz.ui.explore.patches import opening


@pytest.fixture(scope="module")
def default_vit():
    return vitviz.load_vit("default")


@pytest.fixture(autouse=True)
def _forget():
    yield
    opening._moving.clear()


@pytest.mark.parametrize("photo", [photo for photo in examples() if photo.id in ("red-panda", "bridge", "cat-and-dog")])
def test_the_opening_example_moves_the_answer(photo, default_vit):
    trace = vitviz.trace(default_vit, photo.path)
    scene = SimpleNamespace(
        vit=default_vit, original=trace, model_key="default", photo=SimpleNamespace(digest=photo.id)
    )
    painted = opening.patches(scene)
    (best, chance), *_rest = trace.top(1)
    left = float(vitviz.change_patches(default_vit, trace.pixels, painted, "grey").probabilities()[best])
    assert left < chance / 2
    ranked = vitviz.attribute("gradient_rollout", default_vit, trace.pixels, target=best).values
    assert painted == frozenset(np.argsort(-ranked.ravel(), kind="stable")[: len(painted)].tolist())
