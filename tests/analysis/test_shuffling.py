"""Shuffled patches: who moves, what stays, and the class token with and without positions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vitviz
from benchmarks.modules import research
from tests.families import ALL, member, noise
from vitviz.analysis.shuffling import move_patches, shuffle_experiment, shuffled_order
from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.labs import permutation
from vitviz.models.vit import ViT


@pytest.mark.parametrize(("share", "moved"), [(0.0, 0), (0.05, 0), (0.1, 2), (0.5, 10), (1.0, 20)])
def test_as_many_patches_move_as_were_asked_for(share: float, moved: int) -> None:
    order = shuffled_order(20, share, seed=3)
    assert sorted(order) == list(range(20))
    assert (order != np.arange(20)).sum() == moved


def test_the_seed_chooses() -> None:
    assert (shuffled_order(20, 0.5, seed=1) == shuffled_order(20, 0.5, seed=1)).all()
    assert (shuffled_order(20, 0.5, seed=1) != shuffled_order(20, 0.5, seed=2)).any()


def test_patches_are_moved_whole(wide: ViT) -> None:
    pixels = torch.arange(15.0).reshape(3, 5).repeat_interleave(8, 0).repeat_interleave(8, 1).expand(3, 24, 40)
    order = shuffled_order(15, 1.0)
    moved = move_patches(pixels, wide.grid, order)
    assert moved[1, ::8, ::8].flatten().tolist() == order.tolist()
    assert torch.equal(moved[0, :8, :8], torch.full((8, 8), float(order[0])))


@pytest.mark.parametrize("family", ["ViT", "DINOv3", "BEiT", "SigLIP", "average pooling", "EVA-02"])
def test_without_positions_the_answer_does_not_move(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = ViT.from_module(member(family, size), image_size=size)
    experiment = shuffle_experiment(vit, noise(size), shares=(0.0, 0.5, 1.0))
    assert experiment.without_positions.cosine.min() > 0.9999
    assert len(set(experiment.without_positions.top)) == 1
    np.testing.assert_allclose(
        experiment.without_positions.probability, experiment.without_positions.probability[0], rtol=1e-3
    )
    assert experiment.with_positions.cosine[0] == pytest.approx(1, abs=1e-6)
    assert experiment.with_positions.cosine[1:].max() < 0.9999
    assert experiment.moved == (0, round(vit.grid.patches / 2), vit.grid.patches)
    assert experiment.read == ("class token" if "class" in vit.grid.prefix else "embedding")


def test_the_cosine_is_that_of_the_class_tokens(wide: ViT) -> None:
    pixels = noise((24, 40))
    experiment = shuffle_experiment(wide, pixels, shares=(1.0,), seed=5)
    moved = move_patches(pixels, wide.grid, shuffled_order(15, 1.0, seed=5))
    with torch.no_grad():
        plain, other = wide.module.forward_features(torch.stack([pixels, moved]))[:, 0]  # type: ignore[operator]
        answers = wide.module(torch.stack([pixels, moved])).softmax(-1)
    wanted = torch.nn.functional.cosine_similarity(plain, other, dim=0)
    assert experiment.with_positions.cosine[0] == pytest.approx(float(wanted), abs=1e-5)
    assert experiment.with_positions.top == (int(answers[1].argmax()),)
    assert experiment.with_positions.probability[0] == pytest.approx(float(answers[1, answers[0].argmax()]), rel=1e-4)


def test_a_model_without_a_classifier_has_no_answer(build_vit) -> None:  # type: ignore[no-untyped-def]
    experiment = shuffle_experiment(ViT.from_module(build_vit(num_classes=0)), noise((32, 32)))
    assert experiment.with_positions.top == ()
    assert experiment.with_positions.probability.shape == (0,)
    assert experiment.with_positions.cosine.shape == (5,)


def test_what_cannot_be_shuffled_is_refused(wide: ViT, build_vit) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OptionError, match=r"shares of shuffled patches are \(0.5, 1.5\)"):
        shuffle_experiment(wide, noise((24, 40)), shares=(0.5, 1.5))
    module = build_vit()
    module.patch_embed.proj = torch.nn.Conv2d(3, 32, 10, stride=8, padding=1)
    overlapping = ViT.from_module(module, name="overlapping")
    with pytest.raises(UnsupportedModelError, match="overlapping does not cut the picture into separate patches"):
        shuffle_experiment(overlapping, noise((32, 32)))


class PlacesByHand(research.Dino):
    """Tells places apart in code of its own, with no table, rotation or bias."""

    def prepare_tokens(self, x: Tensor) -> Tensor:
        """Return what enters the blocks."""
        tokens = super().prepare_tokens(x)
        return tokens * (1 + torch.arange(17.0)[:, None] / 17)


@pytest.mark.parametrize("module", [research.Dino(research.with_bias), PlacesByHand()], ids=["bias", "places"])
def test_positions_that_cannot_be_taken_out_are_refused_and_not_shown_as_none(module: nn.Module) -> None:
    with torch.no_grad():
        module.pos_embed[:, 1:] = 0  # type: ignore[index, operator]
    vit = ViT.from_module(module.eval())
    for run in (shuffle_experiment, permutation.on_model):
        with pytest.raises(UnsupportedModelError, match="positions of .* cannot be taken out: shuffled patches still"):
            run(vit, noise(vit.image_size))  # type: ignore[operator]
    similarity = vitviz.position_similarity(vit)
    assert similarity.kind == "relative" or "tells places apart" in similarity.reason
