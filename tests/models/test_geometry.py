"""Which tokens a model has, read from stand-ins that say it in every way timm's models do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.models.geometry import check_size, grid_of, own_size, patch_size_of, prefix_names
from vitviz.models.timm_door import timm

TOKEN = torch.zeros(1, 1, 4)


def module_with(**attributes: Any) -> nn.Module:
    """Return an empty module with the given plain attributes."""
    module = nn.Module()
    for name, value in attributes.items():
        object.__setattr__(module, name, value)
    return module


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ({"num_prefix_tokens": 0, "cls_token": None}, ()),
        ({"num_prefix_tokens": 1, "cls_token": TOKEN}, ("class",)),
        ({"num_prefix_tokens": 2, "cls_token": TOKEN, "dist_token": TOKEN}, ("class", "distillation")),
        ({"num_prefix_tokens": 3, "cls_token": TOKEN}, ("class", "register 1", "register 2")),
        ({"num_prefix_tokens": 2, "cls_token": None}, ("register 1", "register 2")),
        ({"embeds": SimpleNamespace(num_prefix_tokens=1, cls_token=TOKEN)}, ("class",)),
        ({}, ()),
    ],
)
def test_prefix_tokens_are_named_in_their_order(attributes: dict[str, Any], names: tuple[str, ...]) -> None:
    assert prefix_names(module_with(**attributes)) == names


def test_tokens_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="says it has 1 prefix tokens, but class, distillation were found"):
        prefix_names(module_with(num_prefix_tokens=1, cls_token=TOKEN, dist_token=TOKEN))


def test_the_grid_is_rows_by_columns_of_a_patch_that_need_not_be_square() -> None:
    grid = grid_of(module_with(patch_size=(8, 16), num_prefix_tokens=1, cls_token=TOKEN), (32, 96))
    assert (grid.rows, grid.columns, grid.patch_size, grid.prefix) == (4, 6, (8, 16), ("class",))
    assert grid_of(module_with(patch_size=16), (64, 32)).patch_size == (16, 16)
    assert grid_of(module_with(embeds=SimpleNamespace(patch_size=16)), (64, 32)).rows == 4


def test_an_embedding_that_knows_its_grid_is_believed() -> None:
    embedding = SimpleNamespace(
        dynamic_feat_size=lambda size: (size[0] // 32, size[1] // 32),
        feat_ratio=lambda as_scalar: 32 if as_scalar else (32, 32),
    )
    grid = grid_of(module_with(patch_embed=embedding, patch_size=1), (64, 96))
    assert (grid.rows, grid.columns, grid.patch_size) == (2, 3, (32, 32))


def test_a_model_without_patches_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="Linear does not say how it cuts a picture into patches"):
        grid_of(nn.Linear(2, 2), (64, 64))


def test_a_picture_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(OptionError, match="A picture of 8 × 64 pixels holds not one patch"):
        grid_of(module_with(patch_size=16), (8, 64))


def test_a_size_must_be_covered_by_patches_unless_it_is_the_model_s_own() -> None:
    """384 pixels and patches of 14: 27 patches, and a margin of 6 pixels that none covers."""
    with torch.device("meta"):
        module = timm.create_model("vit_so400m_patch14_siglip_384", depth=1)
    check_size("so400m", module, (384, 384))
    check_size("so400m", module, (378, 14))
    with pytest.raises(OptionError, match=r"so400m cuts .* 14 × 14 pixels; got .* 385 × 384.*Choose 392 × 378"):
        check_size("so400m", module, (385, 384))
    with torch.device("meta"):
        hybrid = timm.create_model("vit_tiny_r_s16_p8_224", depth=1)
    with pytest.raises(OptionError, match="32 × 32 pixels; got an image size of 240 × 224"):
        check_size("hybrid", hybrid, (240, 224))


def test_a_margin_belongs_to_no_patch() -> None:
    """60 pixels in patches of 14: four of 14 pixels and a margin of 4, not four of 15."""
    with torch.device("meta"):
        module = timm.create_model("vit_tiny_patch16_224", patch_size=14, img_size=60, depth=1)
    grid = grid_of(module, (60, 60))
    assert (grid.rows, grid.columns, grid.patch_size) == (4, 4, (14, 14))
    assert grid.image_size == (56, 56)
    assert grid_of(module_with(patch_size=14), (60, 70)).patch_size == (14, 14)


def test_the_patch_size_is_read_where_the_module_has_it() -> None:
    assert patch_size_of(module_with(patch_embed=SimpleNamespace(patch_size=(8, 4)))) == (8, 4)
    assert patch_size_of(module_with(patch_embed=SimpleNamespace(), patch_size=16)) == (16, 16)
    assert patch_size_of(nn.Linear(2, 2)) is None


def test_the_own_size_is_the_config_s_or_else_the_embedding_s() -> None:
    embedding = SimpleNamespace(img_size=(30, 40))
    config = {"input_size": (3, 64, 96)}
    assert own_size(module_with(patch_embed=embedding, pretrained_cfg=config)) == (64, 96)
    assert own_size(module_with(patch_embed=embedding)) == (30, 40)
    assert own_size(nn.Linear(2, 2)) is None
