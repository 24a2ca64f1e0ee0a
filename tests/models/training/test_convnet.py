"""A convolutional network in training: what moves, what is frozen, what a teacher adds, and what a cut run gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vitviz.models import timm_door
from vitviz.models.efficientnet_lite import ARCHITECTURE
from vitviz.models.training import convnet
from vitviz.models.training.convnet import ConvNetRecipe, ConvNetTrainer, convnet_groups, new_convnet
from vitviz.models.training.tiny_imagenet import LabelledImages

RECIPE = ConvNetRecipe(
    steps=4, warmup_steps=1, decay_steps=2, final_steps=1, batch_size=4, image_sizes=(32,), final_image_sizes=(48,),
    frozen_stages=5, distillation=0.0,
)  # fmt: skip


@pytest.fixture
def new_trainer() -> Callable[..., ConvNetTrainer]:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (10, 16, 16, 3), dtype=np.uint8)
    images = LabelledImages(pixels, generator.integers(0, 5, 10))

    def build(recipe: ConvNetRecipe = RECIPE, **options: object) -> ConvNetTrainer:
        network = timm_door.build(ARCHITECTURE, classes=5, seed=1)
        settings = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "bfloat16": False}
        return ConvNetTrainer(network, images, recipe, **{**settings, **options})  # type: ignore[arg-type]

    return build


@pytest.mark.parametrize("bfloat16", [False, True])
def test_frozen_stages_and_statistics_stay_and_the_others_move(
    new_trainer: Callable[..., ConvNetTrainer], bfloat16: bool
) -> None:
    trainer = new_trainer(bfloat16=bfloat16)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    assert np.isfinite([trainer.step() for _step in range(RECIPE.steps)]).all()
    moved = {name for name, value in trainer.model.state_dict().items() if not torch.equal(value, before[name])}
    assert {"classifier.weight", "conv_head.weight", "blocks.6.0.conv_pw.weight", "blocks.5.0.bn1.weight"} <= moved
    assert not any(name.startswith(("conv_stem", "bn1", *(f"blocks.{stage}." for stage in range(5)))) for name in moved)
    assert not any("running" in name or "tracked" in name for name in moved)


def test_with_no_frozen_stage_all_is_trained(new_trainer: Callable[..., ConvNetTrainer]) -> None:
    groups = convnet_groups(new_trainer().model, ConvNetRecipe(frozen_stages=0, learning_rate=1.0, layer_decay=0.5))
    rates = {name: group.learning_rate for group in groups for name in group.names}
    assert set(rates) == {name for name, _parameter in new_trainer().model.named_parameters()}
    assert (rates["blocks.6.0.conv_pw.weight"], rates["blocks.4.0.conv_pw.weight"]) == (1.0, 0.25)
    assert rates["conv_stem.weight"] == 0.5**7
    assert rates["classifier.weight"] == ConvNetRecipe().head_learning_rate


def test_the_loss_is_of_the_network_itself(new_trainer: Callable[..., ConvNetTrainer]) -> None:
    """The frozen and the trained part, one after the other, are the network."""
    trainer = new_trainer()
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(trainer._logits(pixels, np.arange(2)), trainer.model(pixels), atol=1e-5)


def test_a_teachers_part_is_the_divergence_from_its_softened_answer(
    new_trainer: Callable[..., ConvNetTrainer],
) -> None:
    wanted = torch.randn(10, 5, generator=torch.Generator().manual_seed(1))
    recipe = ConvNetRecipe(distillation=0.25, temperature=2.0, label_smoothing=0.0)
    trainer = new_trainer(recipe, teacher=wanted)
    logits, labels, indices = torch.eye(5)[:2], torch.tensor([0, 3]), np.array([7, 2])
    teacher = (wanted[indices] / 2).softmax(1)
    apart = (teacher * (teacher.log() - (logits / 2).log_softmax(1))).sum() * 4
    by_hand = 0.75 * F.cross_entropy(logits, labels, reduction="sum") + 0.25 * apart
    assert torch.allclose(trainer._loss(logits, labels, indices), by_hand)
    assert trainer._loss(wanted[indices], labels, indices) < by_hand + 10  # and none where it agrees
    agreed = trainer._loss(wanted[indices], labels, indices)
    assert torch.allclose(agreed, 0.75 * F.cross_entropy(wanted[indices], labels, reduction="sum"), atol=1e-6)


def test_a_resumed_run_equals_an_unbroken_one(new_trainer: Callable[..., ConvNetTrainer], tmp_path: Path) -> None:
    unbroken, started, resumed = new_trainer(), new_trainer(), new_trainer()
    losses = [unbroken.step() for _step in range(4)]
    first = [started.step() for _step in range(2)]
    started.save(tmp_path / "last.pt")
    resumed.load(tmp_path / "last.pt")
    assert first + [resumed.step() for _step in range(2)] == losses
    assert all(torch.equal(unbroken.average[name], value) for name, value in resumed.average.items())


def test_a_new_network_answers_as_imagenets_does_among_its_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    source = timm_door.build(ARCHITECTURE, seed=2)
    monkeypatch.setattr(convnet, "timm_state_dict", lambda: dict(source.state_dict()))
    network = new_convnet(["n01443537", "n01440764"])  # goldfish and tench: 1 and 0 of ImageNet
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(network(pixels), source(pixels)[:, [1, 0]], atol=1e-5)
    assert network.pretrained_cfg["crop_pct"] == 1.0  # type: ignore[index]
