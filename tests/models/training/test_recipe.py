"""The schedule and the learning rates by layer, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from vitviz.models.training.recipe import Recipe, freeze, layer_rates, parameter_groups


def test_the_rate_rises_stays_and_falls_in_a_straight_line_to_zero() -> None:
    recipe = Recipe(steps=100, warmup_steps=10, decay_steps=40)
    assert recipe.rate_factor(0) == pytest.approx(0.1)
    assert recipe.rate_factor(9) == pytest.approx(1)
    assert recipe.rate_factor(60) == pytest.approx(1)
    assert recipe.rate_factor(70) == pytest.approx(0.75)
    assert recipe.rate_factor(80) == pytest.approx(0.5)
    assert recipe.rate_factor(100) == pytest.approx(0)


def test_the_last_steps_are_the_final_phase() -> None:
    recipe = Recipe(steps=10, final_steps=3, image_sizes=(70,), final_image_sizes=(112, 140))
    assert [recipe.is_final(step) for step in (6, 7, 9)] == [False, True, True]
    assert recipe.image_size(6) == 70
    assert [recipe.patches(step) for step in (6, 7)] == [48, 100]
    assert {recipe.image_size(step) for step in (7, 8, 9)} <= {112, 140}


def test_a_pass_shows_each_image_once_in_a_new_order() -> None:
    recipe = Recipe(batch_size=4)
    first = np.concatenate([recipe.batch(step, 14) for step in range(3)])
    second = np.concatenate([recipe.batch(step, 14) for step in range(3, 6)])
    assert len(set(first)) == len(set(second)) == 12  # 14 images: 2 are left out of a pass
    assert (first != second).any()
    assert (recipe.batch(1, 14) == first[4:8]).all()


def test_rates_fall_by_the_layer_decay_from_the_last_block_down() -> None:
    recipe = Recipe(learning_rate=1.0, layer_decay=0.5)
    assert layer_rates(4, recipe) == [0.125, 0.25, 0.5, 1.0]


def test_each_parameter_is_in_one_group_or_frozen(tiny_vit: nn.Module) -> None:
    recipe = Recipe(learning_rate=1.0, head_learning_rate=3.0, layer_decay=0.5, weight_decay=0.1, frozen_blocks=1)
    table = {
        name: (group.learning_rate, group.weight_decay)
        for group in parameter_groups(tiny_vit, recipe)  # type: ignore[arg-type]
        for name in group.names
    }
    assert table["head.weight"] == (3.0, 0.1)
    assert table["head.bias"] == (3.0, 0.0)
    assert table["norm.weight"] == (1.0, 0.0)
    assert table["blocks.1.attn.qkv.weight"] == (1.0, 0.1)
    assert table["blocks.1.mlp.fc1.bias"] == (1.0, 0.0)
    frozen = {name for name, _ in tiny_vit.named_parameters()} - set(table)
    assert {name.split(".")[0] for name in frozen} == {"blocks", "cls_token", "patch_embed", "pos_embed"}
    assert all(name.startswith("blocks.0.") for name in frozen if name.startswith("blocks"))


def test_freeze_leaves_gradients_to_the_groups_alone(build_vit) -> None:  # type: ignore[no-untyped-def]
    model = build_vit()
    groups = parameter_groups(model, Recipe(frozen_blocks=1))
    freeze(model, groups)
    needing = {name for name, value in model.named_parameters() if value.requires_grad}
    assert needing == {name for group in groups for name in group.names}
