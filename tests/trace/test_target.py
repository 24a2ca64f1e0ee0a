"""What is explained is always one number, and always said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.errors import OptionError
from vitviz.models.class_index import folder_class
from vitviz.models.vit import ViT
from vitviz.trace import Target, trace
from vitviz.trace.target import contrast


@pytest.fixture(scope="module")
def vit(tiny_vit: nn.Module) -> ViT:
    return ViT.from_module(tiny_vit, class_names=[f"animal {number}" for number in range(10)])


@pytest.fixture(scope="module")
def headless(build_vit) -> ViT:  # type: ignore[no-untyped-def]
    return ViT.from_module(build_vit(num_classes=0))


def pixels() -> Tensor:
    return torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_a_class_is_named(vit: ViT) -> None:
    traced = trace(vit, pixels(), target=7)
    assert traced.target == Target(7, "animal 7")
    assert trace(vit, pixels(), target=np.int64(7)).target == traced.target
    assert trace(vit, pixels(), target=traced.target).target == traced.target
    assert trace(vit, pixels(), target="Animal 7").target == traced.target
    assert contrast(vit, "animal 7", 2) == contrast(vit, 7, 2)
    with pytest.raises(OptionError, match="has no class 'animal 11'; wanted one of 10 .* Did you mean 'animal 1'"):
        trace(vit, pixels(), target="animal 11")


def test_a_name_of_two_classes_is_refused(tiny_vit: nn.Module) -> None:
    """ImageNet's "crane" is the bird and the machine."""
    twins = ViT.from_module(tiny_vit, class_names=[*map(str.upper, "abcdefgh"), "crane", "crane"])
    with pytest.raises(OptionError, match="has 2 classes called 'crane': 8, 9; wanted one class. Give its number"):
        trace(twins, pixels(), target="crane")
    assert folder_class(twins, ["crane", "b"], {}) == 1


def test_without_a_target_the_top_class_is_explained_if_gradients_are_wanted(vit: ViT) -> None:
    assert trace(vit, pixels()).target is None
    traced = trace(vit, pixels(), gradients=True)
    assert traced.logits is not None
    top = int(traced.logits.argmax())
    assert traced.target == Target(top, f"animal {top}")
    assert torch.equal(traced.attention_gradient(0), trace(vit, pixels(), target=top).attention_gradient(0))


@pytest.mark.parametrize("target", [10, -1, Target(10, "none")])
def test_a_class_that_does_not_exist_is_refused(vit: ViT, target: int | Target) -> None:
    with pytest.raises(OptionError, match=r"Target class -?\d+ does not exist; there are 10. Give one from 0 to 9"):
        trace(vit, pixels(), target=target)


@pytest.mark.parametrize("target", [True, 1.5, b"cat"])
def test_a_target_is_a_whole_number(vit: ViT, target: object) -> None:
    with pytest.raises(OptionError, match="target must be a whole number or a text or a Target; got"):
        trace(vit, pixels(), target=target)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", [3, Target(3, "cat")])
def test_a_model_without_a_classifier_has_no_class_to_explain(headless: ViT, target: int | Target) -> None:
    with pytest.raises(OptionError, match="Target 3 is a class, but VisionTransformer has no classifier"):
        trace(headless, pixels(), target=target)


def test_the_own_embedding_is_explained_by_its_length(headless: ViT) -> None:
    """The projection on the embedding's own direction is its length."""
    traced = trace(headless, pixels(), target=Target(None, "own"))
    assert traced.target is not None
    assert (traced.target.class_index, traced.target.label) == (None, "own")
    torch.testing.assert_close(traced.target.score(None, traced.embedding), traced.embedding.norm())


def test_the_score_of_a_class_is_its_logit() -> None:
    logits = torch.tensor([1.0, 5.0, -2.0])
    assert Target(2, "c").score(logits, torch.zeros(4)) == -2
