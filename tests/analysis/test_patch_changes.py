"""Changed patches: which pixels change and how, removed tokens, shuffling among themselves, messages."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.families import ALL, member, noise
from vitviz.analysis.patch_changes import CHANGES, change_patches
from vitviz.analysis.replacement import replacement_picture
from vitviz.analysis.shuffling import order_among
from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.errors import GridError, OptionError, UnsupportedModelError
from vitviz.models.vit import ViT
from vitviz.trace import trace

PIXELS = noise((24, 40))
PAINTED = (1, 7)  # row 0 column 1 and row 1 column 2 of 3 × 5 patches of 8 pixels


def mask(patches: tuple[int, ...]) -> torch.Tensor:
    result = torch.zeros(24, 40, dtype=torch.bool)
    for patch in patches:
        row, column = divmod(patch, 5)
        result[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = True
    return result


@pytest.mark.parametrize("change", CHANGES)
def test_no_patch_is_the_plain_model(wide: ViT, change: str) -> None:
    plain = trace(wide, PIXELS)
    result = change_patches(wide, PIXELS, (), change)
    assert torch.equal(result.pixels, PIXELS)
    assert torch.equal(result.logits, plain.logits)  # type: ignore[arg-type]
    assert result.edit == NO_EDIT


@pytest.mark.parametrize("change", ["mean", "blur", "grey", "black", "noise"])
def test_painted_patches_show_the_replacement_and_the_others_stay(wide: ViT, change: str) -> None:
    result = change_patches(wide, PIXELS, PAINTED, change, seed=3)
    behind, there = replacement_picture(wide, PIXELS, change, seed=3), mask(PAINTED)
    assert torch.equal(result.pixels[:, there], behind[:, there])
    assert torch.equal(result.pixels[:, ~there], PIXELS[:, ~there])
    torch.testing.assert_close(result.logits, trace(wide, result.pixels).logits)


def test_grey_is_the_middle_of_black_and_white(wide: ViT) -> None:
    result = change_patches(wide, PIXELS, range(15), "grey")
    assert set(np.unique(wide.picture(result.pixels))) == {128}


@pytest.mark.parametrize("change", CHANGES)
def test_to_keep_only_some_is_to_change_all_others(wide: ViT, change: str) -> None:
    others = set(range(15)) - set(PAINTED)
    kept = change_patches(wide, PIXELS, PAINTED, change, keep_only=True, seed=1)
    result = change_patches(wide, PIXELS, others, change, seed=1)
    assert torch.equal(kept.pixels, result.pixels)
    assert kept.edit == result.edit


def test_removed_tokens_get_no_attention_and_the_pixels_stay(wide: ViT) -> None:
    result = change_patches(wide, PIXELS, PAINTED, "removed")
    assert result.edit == Edit(mask_tokens=[2, 8])
    assert torch.equal(result.pixels, PIXELS)
    for attention in result.attentions():
        assert not attention[:, :, [2, 8]].any()
        torch.testing.assert_close(attention.sum(-1), torch.ones(2, 16))


def test_shuffled_patches_change_places_among_themselves(wide: ViT) -> None:
    result = change_patches(wide, PIXELS, PAINTED, "shuffled").pixels
    assert torch.equal(result[:, 0:8, 8:16], PIXELS[:, 8:16, 16:24])
    assert torch.equal(result[:, 8:16, 16:24], PIXELS[:, 0:8, 8:16])
    there = mask(PAINTED)
    assert torch.equal(result[:, ~there], PIXELS[:, ~there])
    alone = change_patches(wide, PIXELS, [4], "shuffled").pixels
    assert torch.equal(alone, PIXELS)


def test_none_of_the_chosen_stays_and_all_others_do() -> None:
    order = order_among(12, [2, 3, 5, 11, 3], seed=4)
    assert sorted(order) == list(range(12))
    moved = set(np.flatnonzero(order != np.arange(12)))
    assert moved == {2, 3, 5, 11}
    assert np.array_equal(order, order_among(12, [11, 5, 3, 2], seed=4))


def test_what_cannot_be_is_told(wide: ViT) -> None:
    with pytest.raises(OptionError, match="Change 'gray' is unknown; .*Did you mean 'grey'"):
        change_patches(wide, PIXELS, PAINTED, "gray")
    with pytest.raises(OptionError, match="Patch 15 does not exist; there are 15"):
        change_patches(wide, PIXELS, [15])
    with pytest.raises(GridError, match="All 15 patches would be removed"):
        change_patches(wide, PIXELS, range(15), "removed")
    with pytest.raises(GridError, match="All 15 patches would be removed"):
        change_patches(wide, PIXELS, (), "removed", keep_only=True)
    overlapping = ViT.from_module(member("hybrid stem", (64, 64)), image_size=(64, 64))
    with pytest.raises(UnsupportedModelError, match="not cut the picture into separate patches"):
        change_patches(overlapping, noise((64, 64)), (0, 1), "shuffled")
    assert ALL["hybrid stem"].patch == 32
