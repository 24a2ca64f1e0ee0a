"""Curves of faithfulness: by hand on a linear model, against one picture at a time, and beside random maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import vitviz
from vitviz.analysis.faithfulness import area_under, deletion_insertion, patch_values, perturbation_test
from vitviz.analysis.replacement import paint_mask, replacement_picture
from vitviz.errors import GridError, OptionError, StoppedError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, contrast

GRID = PatchGrid(3, 5, (8, 8), ("class",))


@dataclass(frozen=True)
class GivenMap:
    values: NDArray[Any]
    target: Target


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def vit(wide_vit: nn.Module) -> ViT:
    return ViT.from_module(wide_vit)


@pytest.fixture(scope="module")
def linear(build_vit: Callable[..., nn.Module]) -> ViT:
    """Embedding, averaging, head: logits are linear in the pixels."""
    module: Any = build_vit(img_size=(24, 40), class_token=False, global_pool="avg", final_norm=False, fc_norm=False)
    with torch.no_grad():
        for block in module.blocks:
            for part in (block.attn.proj, block.mlp.fc2):
                part.weight.zero_()
                part.bias.zero_()
    return ViT.from_module(module)


def shares(vit: ViT, pixels: Tensor, behind: Tensor) -> NDArray[np.float64]:
    """Return what each patch adds to logit 2 − logit 7 of the linear model, (patch,)."""
    batch = pixels[None].clone().requires_grad_()
    logits = vit.module(batch)[0]
    (slope,) = torch.autograd.grad(logits[2] - logits[7], [batch])
    product = (slope[0] * (pixels - behind)).sum(0)
    return product.reshape(3, 8, 5, 8).sum((1, 3)).flatten().double().numpy()


def test_the_curves_of_a_linear_model_are_sums(linear: ViT, pixels: Tensor) -> None:
    behind = replacement_picture(linear, pixels, "black")
    parts = shares(linear, pixels, behind)
    target = contrast(linear, 2, 7)
    whole, none = (
        float(target.score(vitviz.predict(linear, picture[None]), torch.empty(0))[0]) for picture in (pixels, behind)
    )
    given = GivenMap(parts.reshape(3, 5), target)
    curves = deletion_insertion(linear, pixels, given, steps=15, replacement="black", random_maps=0)
    sums = np.concatenate([[0], np.cumsum(-np.sort(-parts))])  # of the most relevant patches
    np.testing.assert_allclose(curves.first.values, whole - sums, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(curves.second.values, none + sums, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(curves.first.fractions, np.arange(16) / 15)
    assert curves.first.random is None
    assert curves.first.correct is None
    assert curves.first.area == pytest.approx(area_under(curves.first.fractions, whole - sums), abs=1e-3)


def test_the_true_map_of_a_linear_model_beats_random_maps(linear: ViT, pixels: Tensor) -> None:
    behind = replacement_picture(linear, pixels, "black")
    target = contrast(linear, 2, 7)
    given = GivenMap(shares(linear, pixels, behind).reshape(3, 5), target)
    curves = deletion_insertion(linear, pixels, given, replacement="black", random_maps=8)
    band = curves.first.random
    assert band is not None
    assert curves.first.area < band.area_low < band.area < band.area_high
    assert band.area_interval == (band.area_low, band.area_high)
    band = curves.second.random
    assert band is not None
    assert curves.second.area > band.area_high
    assert band.maps == 8
    assert (band.low <= band.mean).all()
    assert band.high[5] > band.mean[5]
    assert band.high[0] == pytest.approx(band.mean[0])  # every insertion starts from the same picture


def test_each_step_is_the_answer_to_that_picture(vit: ViT, pixels: Tensor) -> None:
    """Probabilities and top answers, against one pass a picture, in both tests and both directions."""
    target = Target(4, "class 4")
    order = np.random.default_rng(0).permutation(15)
    values = np.empty(15)
    values[order] = np.arange(15)[::-1]  # order[0] is the most relevant
    given = GivenMap(values.reshape(3, 5), target)
    curves = perturbation_test(vit, pixels, given, random_maps=0, batch_size=4)
    behind = replacement_picture(vit, pixels, "black")
    counts = np.round(np.arange(10) / 10 * 15).astype(int)
    for curve, ranked in ((curves.first, order), (curves.second, order[::-1])):
        assert curve.correct is not None
        np.testing.assert_allclose(curve.fractions, counts / 15)
        for step, count in enumerate(counts):
            away = torch.zeros(15, dtype=torch.bool)
            away[ranked[:count].tolist()] = True
            mask = paint_mask(vit.grid, vit.image_size, away)
            logits = vitviz.predict(vit, torch.where(mask, behind, pixels)[None])[0]
            assert curve.values[step] == pytest.approx(float(logits.softmax(-1)[4]), abs=1e-5)
            assert curve.correct[step] == (int(logits.argmax()) == 4)
    assert (curves.first.name, curves.second.name) == ("positive", "negative")
    assert curves.target == target


def test_removed_tokens_are_masked_and_one_patch_stays(vit: ViT, pixels: Tensor) -> None:
    given = GivenMap(np.arange(15.0).reshape(3, 5), Target(4, "class 4"))
    curves = deletion_insertion(vit, pixels, given, steps=5, replacement="removed", random_maps=0)
    np.testing.assert_allclose(curves.first.fractions, np.array([0, 3, 6, 9, 12, 14]) / 15)
    np.testing.assert_allclose(curves.second.fractions, np.array([1, 3, 6, 9, 12, 15]) / 15)
    edit = vitviz.Edit(mask_tokens=range(1 + 9, 1 + 15))  # the six patches of largest value
    expected = vitviz.predict(vit, pixels[None], edit=edit)[0].softmax(-1)[4]
    assert curves.first.values[2] == pytest.approx(float(expected), abs=1e-5)
    edit = vitviz.Edit(mask_tokens=range(1, 1 + 12))  # only the three of largest value are there
    expected = vitviz.predict(vit, pixels[None], edit=edit)[0].softmax(-1)[4]
    assert curves.second.values[1] == pytest.approx(float(expected), abs=1e-5)


def test_neither_the_batch_size_nor_the_grid_of_a_map_makes_a_difference(vit: ViT, pixels: Tensor) -> None:
    target = Target(4, "class 4")
    values = np.random.default_rng(1).normal(size=(3, 5))
    fine = np.kron(values, np.full((8, 8), 1 / 64))
    results = [
        deletion_insertion(vit, pixels, given, steps=5, random_maps=2, batch_size=size, seed=3)
        for given, size in ((GivenMap(values, target), 1), (GivenMap(fine, target), 7))
    ]
    for curves in ((each.first for each in results), (each.second for each in results)):
        one, other = curves
        np.testing.assert_allclose(one.values, other.values, atol=1e-5)
        assert one.random is not None
        assert other.random is not None
        np.testing.assert_allclose(one.random.mean, other.random.mean, atol=1e-5)


def test_the_seed_decides_the_random_maps(vit: ViT, pixels: Tensor) -> None:
    given = GivenMap(np.arange(15.0).reshape(3, 5), Target(4, "class 4"))
    bands = [
        deletion_insertion(vit, pixels, given, steps=4, random_maps=2, seed=seed).first.random for seed in (0, 0, 1)
    ]
    first, same, other = (band.area for band in bands if band is not None)
    assert first == same
    assert first != other


def test_pixels_are_summed_inside_patches() -> None:
    grid = PatchGrid(1, 2, (2, 3))
    pixels = np.arange(12.0).reshape(2, 6)
    assert patch_values(pixels, grid).tolist() == [0 + 1 + 2 + 6 + 7 + 8, 3 + 4 + 5 + 9 + 10 + 11]
    margin = np.pad(pixels, ((0, 1), (0, 2)), constant_values=99)  # no patch covers it
    assert patch_values(margin, grid).tolist() == patch_values(pixels, grid).tolist()
    assert patch_values(np.array([[5, 7]]), grid).tolist() == [5, 7]


@pytest.mark.parametrize("shape", [(5, 3), (24, 48), (23, 40), (15,), (3, 24, 40)])
def test_a_map_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(GridError, match=r"The map has shape .*; wanted \(3, 5\) patches or \(24, 40\)"):
        patch_values(np.zeros(shape), GRID)


def test_an_area_by_hand() -> None:
    assert area_under(np.array([0, 0.5, 1]), np.array([1.0, 0, 0])) == pytest.approx(0.25)
    assert area_under(np.array([0, 0.9]), np.array([2.0, 2.0])) == pytest.approx(2)


def test_an_attribution_is_taken_as_it_is(vit: ViT, pixels: Tensor) -> None:
    for name in ("occlusion", "saliency"):  # over patches and over pixels
        attribution = vitviz.attribute(name, vit, pixels, target=4)
        curves = vitviz.deletion_insertion(vit, pixels, attribution, steps=3, random_maps=0)
        assert curves.target == attribution.target
        whole = vitviz.predict(vit, pixels[None])[0].softmax(-1)[4]
        assert curves.first.values[0] == pytest.approx(float(whole), abs=1e-5)
        assert curves.second.values[-1] == pytest.approx(float(whole), abs=1e-5)


def test_options_outside_their_range_are_refused(vit: ViT, pixels: Tensor) -> None:
    given = GivenMap(np.zeros((3, 5)), Target(4, "class 4"))
    with pytest.raises(OptionError, match="steps is 0; wanted 1 to 10,000"):
        deletion_insertion(vit, pixels, given, steps=0)
    for function in (deletion_insertion, perturbation_test):
        with pytest.raises(OptionError, match="random_maps is 1; wanted 0 or at least 2"):
            function(vit, pixels, given, random_maps=1)
        with pytest.raises(OptionError, match="Replacement 'white' is unknown"):
            function(vit, pixels, given, replacement="white")


def test_progress_is_told_and_can_stop(vit: ViT, pixels: Tensor) -> None:
    given = GivenMap(np.zeros((3, 5)), Target(4, "class 4"))
    told: list[tuple[int, int]] = []
    perturbation_test(
        vit, pixels, given, random_maps=0, batch_size=8, progress=lambda *x: told.append(x)  # type: ignore[func-returns-value]
    )  # fmt: skip
    assert told == [(8, 19), (16, 19), (19, 19)]  # the whole picture is asked for once
    with pytest.raises(StoppedError, match="Stopped after 16 of 240 steps"):
        deletion_insertion(vit, pixels, given, progress=lambda *_: False)
