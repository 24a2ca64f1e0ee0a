"""A step is finite and repeatable, threads share it without changing it, a resumed run equals an unbroken one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitviz.models.training.loop import Trainer
from vitviz.models.training.network import forward_patches
from vitviz.models.training.recipe import Recipe
from vitviz.models.training.tiny_imagenet import LabelledImages

RECIPE = Recipe(
    steps=6,
    warmup_steps=2,
    decay_steps=2,
    final_steps=1,
    batch_size=4,
    image_sizes=(32, 40),
    final_image_sizes=(48,),
    kept_patches=9,
    frozen_blocks=1,
)


@pytest.fixture
def new_trainer(build_vit: Callable[..., nn.Module]) -> Callable[..., Trainer]:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (10, 16, 16, 3), dtype=np.uint8)
    images = LabelledImages(pixels, generator.integers(0, 10, 10))

    def build(recipe: Recipe = RECIPE, **options: object) -> Trainer:
        model = build_vit(dynamic_img_size=True)
        settings = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "bfloat16": False}
        return Trainer(model, images, recipe, **{**settings, **options})  # type: ignore[arg-type]

    return build


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


@pytest.mark.parametrize("bfloat16", [False, True])
def test_losses_are_finite_and_only_trained_weights_move(new_trainer: Callable[..., Trainer], bfloat16: bool) -> None:
    trainer = new_trainer(bfloat16=bfloat16)
    before = weights(trainer)
    losses = [trainer.step() for _ in range(RECIPE.steps)]
    assert np.isfinite(losses).all()
    moved = {name for name, value in weights(trainer).items() if (value != before[name]).any()}
    assert {"head.weight", "blocks.1.attn.qkv.weight", "norm.weight"} <= moved
    assert not any(name.startswith(("blocks.0.", "pos_embed", "patch_embed")) for name in moved)
    assert weights(trainer)["head.weight"].dtype == torch.float32


def test_many_steps_on_few_images_lower_the_loss(new_trainer: Callable[..., Trainer]) -> None:
    recipe = Recipe(
        steps=24, warmup_steps=4, decay_steps=8, final_steps=0, batch_size=10, image_sizes=(32,),
        kept_patches=16, frozen_blocks=0, learning_rate=1e-2, head_learning_rate=1e-2,
        smallest_area=0.99, label_smoothing=0.0,
    )  # fmt: skip
    trainer = new_trainer(recipe)
    losses = [trainer.step() for _ in range(recipe.steps)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_two_threads_compute_the_same_gradients_as_one(new_trainer: Callable[..., Trainer]) -> None:
    one, two = new_trainer(), new_trainer(threads=2)
    loss, gradients = one._gradients()
    other_loss, other_gradients = two._gradients()
    assert loss == pytest.approx(other_loss, abs=1e-5)
    for gradient, other in zip(gradients, other_gradients, strict=True):
        assert torch.allclose(gradient, other, atol=1e-6)


def test_a_resumed_run_equals_an_unbroken_one(new_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    unbroken = new_trainer()
    losses = [unbroken.step() for _ in range(RECIPE.steps)]

    started = new_trainer()
    first = [started.step() for _ in range(3)]
    started.save(tmp_path / "last.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]

    resumed = new_trainer()
    resumed.load(tmp_path / "last.pt")
    assert resumed.next_step == 3
    assert resumed.seconds == started.seconds
    rest = [resumed.step() for _ in range(3)]
    assert first + rest == losses
    first_weights, second_weights = weights(unbroken), weights(resumed)
    assert all(torch.equal(first_weights[name], second_weights[name]) for name in first_weights)
    assert all(torch.equal(unbroken.average[name], resumed.average[name]) for name in first_weights)


def test_the_average_follows_the_weights_by_its_rule(new_trainer: Callable[..., Trainer]) -> None:
    trainer = new_trainer()
    before = weights(trainer)["head.bias"]
    trainer.step()
    after = weights(trainer)["head.bias"]
    decay = 1 / 10  # the smaller of the recipe's decay and (1 + step) / (10 + step), at step 0
    expected = decay * before + (1 - decay) * after
    assert torch.allclose(trainer.average["head.bias"], expected, atol=1e-7)


def test_all_patches_kept_in_any_order_give_the_models_own_logits(build_vit) -> None:  # type: ignore[no-untyped-def]
    model = build_vit(reg_tokens=4)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model(images)
        order = torch.tensor([list(range(16)), list(reversed(range(16)))])
        assert torch.allclose(forward_patches(model, images, None), expected, atol=1e-5)
        assert torch.allclose(forward_patches(model, images, order), expected, atol=1e-5)


def test_a_dropped_patch_has_no_influence(tiny_vit: nn.Module) -> None:
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    changed = images.clone()
    changed[..., :8, :8] += 3  # patch 0
    kept = torch.arange(1, 16)[None]
    with torch.no_grad():
        same = forward_patches(tiny_vit, images, kept), forward_patches(tiny_vit, changed, kept)  # type: ignore[arg-type]
        assert torch.equal(*same)
        assert not torch.allclose(tiny_vit(images), tiny_vit(changed))
