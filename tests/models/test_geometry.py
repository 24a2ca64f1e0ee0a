"""Which tokens a model has, read from stand-ins that say it in every way timm's models do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from vitviz.errors import OptionError, UnsupportedModelError
from vitviz.models.geometry import check_size, declared_size, grid_of, own_size, patch_size_of, prefix_names
from vitviz.models.loading import load_vit
from vitviz.models.timm_door import timm
from vitviz.models.vit import ViT
from vitviz.trace import trace

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


class SquareEmbedding(nn.Module):
    """The patch embedding of the original DINO and MAE code: sizes are one number for a square."""

    def __init__(self, side: int, patch: int, width: int) -> None:
        super().__init__()
        self.img_size, self.patch_size, self.num_patches = side, patch, (side // patch) ** 2
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.proj(pictures).flatten(2).transpose(1, 2)
        return tokens


def test_one_number_is_a_square(build_vit: Any) -> None:
    module = build_vit()
    module.patch_embed = SquareEmbedding(32, 8, 32)
    vit = ViT.from_module(module)
    assert (vit.image_size, vit.grid.rows, vit.grid.columns) == ((32, 32), 4, 4)
    assert trace(vit, torch.zeros(3, 32, 32)).attention(0).shape == (2, 17, 17)
    assert declared_size(module_with(patch_embed=module_with(img_size=np.int64(48)))) == (48, 48)
    for nothing in (None, True, "224", (3, 32, 32), 22.4):
        assert declared_size(module_with(patch_embed=module_with(img_size=nothing))) is None
    assert ViT.from_module(build_vit(dynamic_img_size=True), image_size=48).image_size == (48, 48)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("224", "'224' cannot be used; wanted height and width in whole pixels"),
        ((3, 32, 32), r"\(3, 32, 32\) cannot be used"),
        (32.5, "32.5 cannot be used"),
        ((32, None), "cannot be used; wanted height and width"),
        (0, "0 × 0 pixels cannot be used; wanted 1 to 4096"),
        ((32, 5000), "32 × 5000 pixels cannot be used"),
    ],
)
def test_sizes_that_are_none_are_refused(size: Any, said: str, build_vit: Any) -> None:
    with pytest.raises(OptionError, match=said):
        ViT.from_module(build_vit(), image_size=size)
    with pytest.raises(OptionError, match=said):
        load_vit("timm:test_vit", weights="random", image_size=size)
