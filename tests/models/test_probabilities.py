"""Probabilities: every number that is shown as one follows the model's kind of answer."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import vitviz
from vitviz.analysis.redrawn import redrawn
from vitviz.analysis.removal import Removal
from vitviz.analysis.scoring import scores
from vitviz.atlas.layout import Layout
from vitviz.atlas.measures import measure
from vitviz.labs import model_temperature
from vitviz.models.probabilities import probabilities
from vitviz.models.vit import ViT
from vitviz.trace.target import Target


def test_probabilities_by_hand() -> None:
    logits = torch.tensor([0.0, np.log(3.0)])
    np.testing.assert_allclose(probabilities(logits, multi_label=False), [0.25, 0.75], rtol=1e-6)
    np.testing.assert_allclose(probabilities(logits, multi_label=True), [0.5, 0.75], rtol=1e-6)
    assert probabilities(torch.zeros(3, 1), multi_label=False).tolist() == [[0.5]] * 3
    assert probabilities(torch.zeros(2).half(), multi_label=False).dtype == torch.float32


@pytest.mark.parametrize(("classes", "multi_label"), [(10, True), (10, False), (1, False)])
def test_all_that_is_told_as_a_probability_is_one_of_the_model(build_vit: Any, classes: int, multi_label: bool) -> None:
    vit = ViT.from_module(build_vit(num_classes=classes), multi_label=multi_label)
    image = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(1))
    trace = vitviz.trace(vit, image)
    assert trace.logits is not None
    best = int(trace.logits.argmax())

    def wanted(logits: Tensor) -> Tensor:
        return logits.softmax(-1) if classes > 1 and not multi_label else 1 / (1 + (-logits).exp())

    share = float(wanted(trace.logits)[best])
    first, *_others = trace.top()
    lens, target = vitviz.logit_lens(vit, trace), Target(best, "best")
    whole = torch.zeros(16, dtype=torch.bool)
    told = {
        "top": first[1],
        "lens": lens.probabilities[-1, best],
        "removal": Removal(vit, image, target, "black").ask([whole])[0, 0],
        "scores": scores(vit, [image], target, probability=True)[0],
        "drop curve": vitviz.drop_curve(vit, image, shares=(0.0,), draws=2).most_attended[0],
        "shuffling": vitviz.shuffle_experiment(vit, image, shares=(0.0,)).with_positions.probability[0],
        "temperature": model_temperature.run(vit, image, factors=(1.0,)).probability[0],
        "atlas": measure(vit, Layout.of(vit), image[None]).values["confidence"][0],
        "atlas lens": measure(vit, Layout.of(vit), image[None]).values["lens_confidence"][0, -1],
        "copy": vitviz.trace(pickle.loads(pickle.dumps(copy.deepcopy(vit))), image).top()[0][1],
    }
    assert told == {name: pytest.approx(share, abs=1e-5) for name in told}
    for other in (redrawn(vit), vitviz.with_patch_size(vit, 16)):
        assert other.multi_label == multi_label
    np.testing.assert_allclose(lens.probabilities, wanted(torch.from_numpy(lens.logits)), atol=1e-5)
