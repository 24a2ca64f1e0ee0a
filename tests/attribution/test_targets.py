"""Targets other than a class: one class rather than another, and the likeness to a patch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import vitviz
from vitviz.attribution import patch_likeness
from vitviz.errors import OptionError
from vitviz.models.vit import ViT
from vitviz.trace.target import Contrast, Target, contrast, likeness


def test_a_contrast_is_a_difference_of_logits_and_of_gradients(vit: ViT, pixels: Tensor) -> None:
    target = contrast(vit, 2, 7)
    assert target.label == "class 2 rather than class 7"
    assert target.classes == (2, 7)
    traces = [vitviz.trace(vit, pixels, target=each) for each in (target, 2, 7)]
    slopes = [trace.attention_gradient(0) for trace in traces]
    torch.testing.assert_close(slopes[0], slopes[1] - slopes[2], rtol=1e-3, atol=1e-5)
    logits = torch.tensor([[0.0, 1, 5, 0, 0, 0, 0, 3], [0, 0, 1, 0, 0, 0, 0, 4]])
    assert target.score(logits, torch.zeros(2, 4)).tolist() == [2, -3]


def test_a_contrast_needs_two_classes_that_exist(vit: ViT, headless: ViT, pixels: Tensor) -> None:
    with pytest.raises(OptionError, match="Class 2 is set against itself"):
        contrast(vit, 2, 2)
    with pytest.raises(OptionError, match="no class 10"):
        contrast(vit, 2, 10)
    with pytest.raises(OptionError, match="Target class 11 does not exist; there are 10"):
        vitviz.trace(vit, pixels, target=Contrast(2, "wrong", 11))
    with pytest.raises(OptionError, match="headless has no classifier"):
        vitviz.trace(headless, pixels, target=Contrast(2, "wrong", 3))
    with pytest.raises(OptionError, match="sets two classes against each other; got a model without"):
        contrast(vit, 2, 3).score(None, torch.zeros(4))


def test_a_likeness_is_a_projection_on_a_unit_vector() -> None:
    target = likeness(torch.tensor([3.0, 0, 4]), "that way")
    assert target.direction == pytest.approx((0.6, 0, 0.8))
    assert float(target.score(None, torch.tensor([5.0, 9, 10]))) == pytest.approx(11)
    assert target == likeness(torch.tensor([30.0, 0, 40]), "that way")
    assert hash(target) == hash(likeness(torch.tensor([30.0, 0, 40]), "that way"))
    with pytest.raises(OptionError, match="The direction of 'nowhere' has no length"):
        likeness(torch.zeros(3), "nowhere")


def test_scores_of_a_batch_are_those_of_its_images() -> None:
    logits, embeddings = torch.randn(3, 10), torch.randn(3, 4)
    for target in (Target(4, "class 4"), Target(None, "own"), likeness(torch.ones(4), "ones")):
        each = [target.score(logits[image], embeddings[image]) for image in range(3)]
        torch.testing.assert_close(target.score(logits, embeddings), torch.stack(each))


@pytest.mark.parametrize("name", ["vit", "averaging", "headless"])
def test_the_likeness_to_a_patch_is_that_of_its_token_under_the_last_norm(
    name: str, pixels: Tensor, request: pytest.FixtureRequest
) -> None:
    vit: ViT = request.getfixturevalue(name)
    target = patch_likeness(vit, pixels, 7)
    assert target.label == "similarity to the patch in row 2, column 3"
    token = vitviz.trace(vit, pixels).residual(1)[len(vit.grid.prefix) + 7]
    module = vit.module
    with torch.no_grad():
        expected = module.fc_norm(module.norm(token))  # type: ignore[operator]
    torch.testing.assert_close(torch.tensor(target.direction), expected / expected.norm(), rtol=1e-4, atol=1e-5)
    with pytest.raises(OptionError, match="Patch 15 does not exist; there are 15"):
        patch_likeness(vit, pixels, 15)
