"""Every family of models can be explained, or is told why not, on a picture that is not square."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vitviz
from tests.families import ALL, member, noise
from vitviz.analysis.scoring import score_batch
from vitviz.attribution import METHODS, attribute, why_not
from vitviz.models.vit import ViT
from vitviz.trace import Target

each = pytest.mark.parametrize("family", ALL)
FEW = {"n_steps": 2, "n_samples": 4, "n_masks": 4}


def loaded(family: str) -> ViT:
    size = ALL[family].sizes[1]
    return ViT.from_module(member(family, size), image_size=size, name=family)


@each
def test_every_method_gives_a_map_or_a_reason(family: str) -> None:
    vit = loaded(family)
    refused = [method.name for method in METHODS if why_not(method.name, vit)]
    assert refused in ([], ["class_attention"])
    for method in METHODS:
        if method.name not in refused:
            knobs = {knob.name: FEW[knob.name] for knob in method.knobs if knob.name in FEW}
            attribution = attribute(method.name, vit, noise(vit.image_size), target=3, **knobs)
            told = "the map is empty: every value is 0" in attribution.notes
            assert told != bool(np.abs(attribution.values).max() > 0), method.name
            assert not told or method.name == "token_grad_cam"


@each
def test_patches_removed_in_a_batch_are_patches_masked_one_by_one(family: str) -> None:
    vit = loaded(family)
    batch, prefix = noise(vit.image_size, count=3), len(vit.grid.prefix)
    kept = torch.rand(3, vit.grid.patches, generator=torch.Generator().manual_seed(0)) > 0.3
    kept[:, 0] = True
    with torch.no_grad():
        answers = score_batch(vit, batch, Target(3, "three"), kept=kept)
    for picture, keep, score in zip(batch, kept, answers, strict=True):
        edit = vitviz.Edit(mask_tokens=(prefix + (~keep).nonzero()[:, 0]).tolist())
        expected = vitviz.predict(vit, picture[None], edit=edit)[0, 3]
        torch.testing.assert_close(score, expected, rtol=1e-4, atol=1e-4)
