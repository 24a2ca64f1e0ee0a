"""What takes a patch's place, and which pixels are a patch's."""

from __future__ import annotations

import numpy as np
import pytest
import timm.models
import torch
from PIL import Image
from torch import Tensor, nn

import vitviz
from vitviz.analysis.replacement import blur, paint_mask, replacement_picture, without_patches
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT


@pytest.fixture(scope="module")
def vit(wide_vit: nn.Module) -> ViT:
    return ViT.from_module(wide_vit)


@pytest.fixture(scope="module")
def four() -> ViT:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = timm.models.VisionTransformer((24, 40), 8, 4, 3, embed_dim=16, depth=1, num_heads=2).eval()
    return ViT.from_module(module, transform=four_channels, name="four")


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(0))


def test_the_mean_is_the_pictures_own(vit: ViT, pixels: Tensor) -> None:
    result = replacement_picture(vit, pixels, "mean")
    assert result.shape == pixels.shape
    torch.testing.assert_close(result[:, 5, 9], pixels.flatten(1).mean(1))


def test_black_is_black(vit: ViT, pixels: Tensor) -> None:
    assert vit.picture(replacement_picture(vit, pixels, "black")).max() == 0


def four_channels(picture: Image.Image) -> Tensor:
    """Return a picture and its luma, each with a mean and a deviation of its own."""
    planes = np.stack([*np.moveaxis(np.asarray(picture.convert("RGB")), 2, 0), np.asarray(picture.convert("L"))])
    return torch.from_numpy(planes / 255).float() * torch.tensor([1, 2, 3, 4])[:, None, None] - 0.25


@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_shap", "occlusion", "rise", "kernel_shap"])
def test_grey_is_what_the_callers_own_transform_makes_of_it(method: str, four: ViT) -> None:
    """Mean and deviation are measured: the architecture's, of three channels, are another transform's."""
    grey, black = (Image.new("RGB", (40, 24), (level,) * 3) for level in (128, 0))
    for picture, level in ((grey, "grey"), (black, "black")):
        made = replacement_picture(four, four_channels(black), level)
        torch.testing.assert_close(made, four_channels(picture), rtol=0, atol=0.51 * 4 / 255)
        np.testing.assert_allclose(four.picture(made), np.asarray(picture), atol=1)
    knob = "baseline" if method in ("integrated_gradients", "gradient_shap") else "replacement"
    values = vitviz.attribute(method, four, Image.new("RGB", (40, 24), (200, 90, 10)), **{knob: "grey"}).values
    assert np.isfinite(values).all()


def test_a_transform_that_is_no_line_has_no_grey(wide_vit: nn.Module, pixels: Tensor) -> None:
    for transform in (lambda picture: pixels, lambda picture: 1 / 0):
        vit = ViT.from_module(wide_vit, transform=transform)
        assert (vit.mean, vit.std) == ((), ())
        with pytest.raises(OptionError, match="What grey and black are to .* is not known; wanted a transform"):
            replacement_picture(vit, pixels, "black")


def test_the_usual_numbers_are_those_of_the_architecture_to_the_digit(vit: ViT, wide_vit: nn.Module) -> None:
    again = ViT.from_module(wide_vit, transform=lambda picture: vit.transform(picture))
    assert (again.mean, again.std) == (vit.mean, vit.std)


def test_noise_has_the_pictures_mean_and_spread_and_a_seed(vit: ViT, pixels: Tensor) -> None:
    first, same, other = (replacement_picture(vit, 5 + 2 * pixels, "noise", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert float(first.mean()) == pytest.approx(5, abs=0.2)
    assert float(first.std()) == pytest.approx(2, abs=0.2)


def test_blur_keeps_a_plain_picture_and_spreads_a_dot() -> None:
    plain = torch.full((3, 24, 40), 0.7)
    torch.testing.assert_close(blur(plain, 4), plain)
    dot = torch.zeros(3, 41, 41)
    dot[:, 20, 20] = 1
    spread = blur(dot, 2.0)
    torch.testing.assert_close(spread[0], spread[0].T)
    assert float(spread[0].sum()) == pytest.approx(1, abs=1e-5)
    ratio = float(spread[0, 20, 22] / spread[0, 20, 20])
    assert ratio == pytest.approx(2.718281828**-0.5, rel=1e-4)  # two pixels are one sigma


def test_removal_paints_nothing(vit: ViT, pixels: Tensor) -> None:
    assert torch.equal(replacement_picture(vit, pixels, "removed"), pixels)


def test_an_unknown_replacement_is_refused(vit: ViT, pixels: Tensor) -> None:
    with pytest.raises(OptionError, match="Replacement 'white' is unknown; wanted one of 'mean'"):
        replacement_picture(vit, pixels, "white")


def test_the_pixels_of_a_patch_are_those_of_its_box() -> None:
    grid = PatchGrid(2, 3, (4, 5), ("class",))
    patches = torch.zeros(6, dtype=torch.bool)
    patches[[1, 5]] = True
    mask = paint_mask(grid, (9, 17), patches)  # a margin of one row and two columns
    expected = torch.zeros(9, 17, dtype=torch.bool)
    for patch in (1, 5):
        left, top, right, bottom = grid.box(patch)
        expected[top:bottom, left:right] = True
    assert torch.equal(mask, expected)
    with pytest.raises(GridError, match=r"shape \(7,\); wanted \(6,\)"):
        paint_mask(grid, (8, 15), torch.zeros(7, dtype=torch.bool))


def test_replaced_patches_show_what_is_behind(vit: ViT, pixels: Tensor) -> None:
    patches = torch.zeros(15, dtype=torch.bool)
    patches[6] = True  # row 1, column 1
    behind = torch.full_like(pixels, 9.0)
    result, kept = without_patches(vit, pixels, patches, "black", behind)
    assert kept is None
    assert bool((result[:, 8:16, 8:16] == 9).all())
    assert int((result == 9).sum()) == 3 * 64
    same, kept = without_patches(vit, pixels, patches, "removed", behind)
    assert torch.equal(same, pixels)
    assert kept is not None
    assert kept.tolist() == [patch != 6 for patch in range(15)]
