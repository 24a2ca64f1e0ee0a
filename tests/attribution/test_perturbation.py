"""Maps from changed pictures: against Captum, removal by hand, and a linear model whose answer is known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import vitviz
from vitviz.analysis.replacement import PICTURES, replacement_picture
from vitviz.attribution import attribute, perturbation
from vitviz.attribution.perturbation import occlusion_windows, smooth_mask
from vitviz.attribution.shapley import coalitions, shapley_values
from vitviz.errors import OptionError, StoppedError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT


@pytest.fixture(scope="module")
def linear(build_vit: Any) -> ViT:
    """Embedding, averaging, head: the answer is linear in the pixels, 3 × 5 patches."""
    module = build_vit(img_size=(24, 40), class_token=False, global_pool="avg", final_norm=False, fc_norm=False)
    with torch.no_grad():
        for block in module.blocks:
            for part in (block.attn.proj, block.mlp.fc2):
                part.weight.zero_()
                part.bias.zero_()
    return ViT.from_module(module)


def share_of_each_patch(vit: ViT, pixels: Tensor, behind: Tensor) -> Tensor:
    """Return weight × (picture − replacement) summed over each patch: what a linear model must be told."""
    batch = pixels[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(vit.module(batch)[0, 4], [batch])
    product = (slope[0] * (pixels - behind)).sum(0)
    return product.reshape(3, 8, 5, 8).sum((1, 3))


def shown(name: str, vit: ViT, pixels: Tensor, **knobs: Any) -> Tensor:
    return torch.from_numpy(attribute(name, vit, pixels, target=4, **knobs).values)


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (2, 2), (3, 2)])
def test_occlusion_is_captums(window: int, stride: int, vit: ViT, pixels: Tensor) -> None:
    from captum.attr import Occlusion

    black = replacement_picture(vit, pixels, "black")
    theirs = Occlusion(lambda batch: vit.module(batch)[:, 4]).attribute(
        pixels[None],
        sliding_window_shapes=(3, 8 * window, 8 * window),
        strides=(3, 8 * stride, 8 * stride),
        baselines=black[None],
        perturbations_per_eval=4,
    )
    expected = theirs[0, 0, 4::8, 4::8].float()  # one pixel of each patch
    ours = shown("occlusion", vit, pixels, replacement="black", window=window, stride=stride)
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("replacement", PICTURES)
@pytest.mark.parametrize("name", ["occlusion", "kernel_shap"])
def test_patches_of_a_linear_model_are_paid_their_share(
    name: str, replacement: str, linear: ViT, pixels: Tensor
) -> None:
    expected = share_of_each_patch(linear, pixels, replacement_picture(linear, pixels, replacement))
    knobs = {"n_samples": 60} if name == "kernel_shap" else {}
    values = shown(name, linear, pixels, replacement=replacement, **knobs)
    torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-4)


def test_a_token_removed_is_a_token_masked(vit: ViT, pixels: Tensor) -> None:
    whole = vitviz.predict(vit, pixels[None])[0, 4]
    expected = [
        whole - vitviz.predict(vit, pixels[None], edit=vitviz.Edit(mask_tokens=[1 + patch]))[0, 4]
        for patch in range(15)
    ]
    values = shown("occlusion", vit, pixels, replacement="removed")
    torch.testing.assert_close(values.flatten(), torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_windows_cover_the_grid_by_hand() -> None:
    grid = PatchGrid(2, 3, (8, 8))
    squares = occlusion_windows(grid, 2, 2).int().tolist()
    assert squares == [[1, 1, 0, 1, 1, 0], [0, 0, 1, 0, 0, 1]]
    with pytest.raises(OptionError, match=r"window is 3 patches; the grid has 2 × 3. Choose at most 2"):
        occlusion_windows(grid, 3, 1)
    with pytest.raises(OptionError, match="stride 2 is larger than window 1"):
        occlusion_windows(grid, 1, 2)


def test_long_methods_tell_how_far_they_are_and_can_be_stopped(vit: ViT, pixels: Tensor) -> None:
    told: list[tuple[int, int]] = []
    attribute("occlusion", vit, pixels, batch_size=6, progress=lambda *x: told.append(x))  # type: ignore[func-returns-value]
    assert told == [(6, 15), (12, 15), (15, 15)]
    for name in ("occlusion", "rise", "kernel_shap"):
        with pytest.raises(StoppedError, match="Stopped after 6 of"):
            attribute(name, vit, pixels, batch_size=6, progress=lambda *_: False)


def test_rise_finds_what_a_linear_model_reads(linear: ViT, pixels: Tensor) -> None:
    """Only one patch differs from its replacement, so only its pixels can raise the score."""
    dot = pixels.mean((1, 2), keepdim=True).expand_as(pixels).clone()
    dot[:, 8:16, 24:32] = pixels[:, 8:16, 24:32] + 3
    share = share_of_each_patch(linear, dot, replacement_picture(linear, dot, "mean"))
    sign = float(share[1, 3].sign())
    result = shown("rise", linear, dot, n_masks=400, cells=4) * sign
    row, column = divmod(int(result.argmax()), 40)
    assert 7 <= row <= 16
    assert 23 <= column <= 32


def test_rise_is_the_covariance_of_score_and_mask_over_their_variance(vit: ViT, pixels: Tensor) -> None:
    """All masks at once, as the formula has it; batches of 7 do not divide 50."""
    generator = torch.Generator().manual_seed(3)
    masks = torch.stack([smooth_mask((24, 40), 5, 0.5, generator) for _ in range(50)]).double()
    behind = replacement_picture(vit, pixels, "mean")
    pictures = masks[:, None] * pixels + (1 - masks[:, None]) * behind
    result = vitviz.predict(vit, pictures.float())[:, 4].double()
    together = torch.einsum("m,mhw->hw", result - result.mean(), masks - masks.mean(0)) / 50
    expected = together / masks.var(0, correction=0).clamp(min=1e-6)
    ours = attribute("rise", vit, pixels, target=4, seed=3, batch_size=7, n_masks=50, cells=5, keep=0.5)
    torch.testing.assert_close(torch.from_numpy(ours.values).double(), expected, rtol=1e-3, atol=1e-5)


def test_rise_draws_no_more_masks_than_it_has_used(vit: ViT, pixels: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def counted(*given: Any) -> Tensor:
        drawn.append(1)
        return smooth_mask(*given)

    monkeypatch.setattr(perturbation, "smooth_mask", counted)
    with pytest.raises(StoppedError, match="Stopped after 6 of 8192 steps"):
        attribute("rise", vit, pixels, batch_size=6, n_masks=8192, progress=lambda *_: False)
    assert len(drawn) == 6


def test_random_masks_are_smooth_shifted_and_seeded() -> None:
    first, same = (smooth_mask((24, 40), 4, 0.5, torch.Generator().manual_seed(2)) for _ in range(2))
    assert first.shape == (24, 40)
    assert torch.equal(first, same)
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    generator = torch.Generator().manual_seed(0)
    many = torch.stack([smooth_mask((24, 40), 4, 0.3, generator) for _ in range(400)])
    assert float((many.mean(0) - 0.3).abs().max()) < 0.1


def game(coalition: tuple[int, ...]) -> float:
    """Four players: 0 is worth 1, 1 and 2 are worth 3 together only, 3 is worth nothing, 0 and 1 hinder each other."""
    members = set(coalition)
    return 1.0 * (0 in members) + 3.0 * ({1, 2} <= members) - 0.5 * ({0, 1} <= members) + 0.25


def exact_shapley() -> list[float]:
    """Return the mean of what each player adds over all orders of joining."""
    paid = [0.0] * 4
    for order in itertools.permutations(range(4)):
        for place, player in enumerate(order):
            paid[player] += game(order[: place + 1]) - game(order[:place])
    return [each / math.factorial(4) for each in paid]


def test_all_coalitions_give_the_shapley_values() -> None:
    every = [each for size in (1, 2, 3) for each in itertools.combinations(range(4), size)]
    shown_ = torch.tensor([[player in each for player in range(4)] for each in every])
    result = torch.tensor([game(each) for each in every])
    kernel = torch.tensor([3 / (math.comb(4, len(e)) * len(e) * (4 - len(e))) for e in every])
    values = shapley_values(shown_, result, game(()), game((0, 1, 2, 3)), kernel)
    expected = exact_shapley()
    assert expected == pytest.approx([0.75, 1.25, 1.5, 0.0])  # half of what is made or lost together
    assert values.tolist() == pytest.approx(expected, abs=1e-5)


def test_the_smallest_values_that_fit_favour_no_player() -> None:
    """Two coalitions and three players: whoever of the last two is named last used to get all that they earn."""
    shown_ = torch.tensor([[True, False, False], [False, True, True]])
    assert shapley_values(shown_, torch.tensor([1.0, 2.0]), 0, 3).tolist() == pytest.approx([1, 1, 1])
    drawn = coalitions(12, 8, torch.Generator().manual_seed(0))  # fewer than players
    result = torch.randn(8, generator=torch.Generator().manual_seed(1))
    values = shapley_values(drawn, result, 0.5, 2.0)
    assert float(values.sum()) == pytest.approx(1.5, abs=1e-6)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    turned = shapley_values(drawn[:, order], result, 0.5, 2.0)
    torch.testing.assert_close(turned, values[order], rtol=0, atol=1e-6)


def test_where_only_one_fit_is_best_it_is_that_of_the_last_player_left_over() -> None:
    """With enough coalitions it makes no difference how the sum is built in: here the last one gets the remainder."""
    drawn = coalitions(6, 40, torch.Generator().manual_seed(0))
    result = torch.randn(40, generator=torch.Generator().manual_seed(1))
    weights = torch.rand(40, generator=torch.Generator().manual_seed(2)) + 0.1
    play, root = drawn.double(), weights.double().sqrt()
    left = (play[:, :-1] - play[:, -1:]) * root[:, None]
    right = (result.double() - 0.5 - play[:, -1] * 1.5) * root
    fit = torch.linalg.lstsq(left, right[:, None]).solution[:, 0]
    expected = torch.cat([fit, (1.5 - fit.sum())[None]]).float()
    ours = shapley_values(drawn, result, 0.5, 2.0, weights)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-6)


def test_kernel_shap_is_captums_shapley_sampling(vit: ViT, pixels: Tensor) -> None:
    from captum.attr import ShapleyValueSampling

    patches = torch.arange(15).reshape(3, 5).repeat_interleave(8, 0).repeat_interleave(8, 1)
    behind = replacement_picture(vit, pixels, "mean")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = ShapleyValueSampling(lambda batch: vit.module(batch)[:, 4]).attribute(
            pixels[None],
            baselines=behind[None],
            feature_mask=patches[None, None],
            n_samples=60,
            perturbations_per_eval=16,
        )
    ours = attribute("kernel_shap", vit, pixels, target=4, n_samples=1500, batch_size=64)
    expected = theirs[0, 0, 4::8, 4::8].numpy()
    assert ours.completeness_gap == pytest.approx(0, abs=1e-4)
    assert np.corrcoef(ours.values.flatten(), expected.flatten())[0, 1] > 0.95
    np.testing.assert_allclose(ours.values.sum(), expected.sum(), rtol=1e-2, atol=1e-2)


def test_coalitions_come_with_their_complements_and_the_kernels_sizes() -> None:
    shown_ = coalitions(5, 4000, torch.Generator().manual_seed(0))
    assert torch.equal(shown_[0::2], ~shown_[1::2])
    sizes = shown_.sum(1)
    assert int(sizes.min()) == 1
    assert int(sizes.max()) == 4
    weights = torch.tensor([4 / (s * (5 - s)) for s in range(1, 5)])  # 1, ⅔, ⅔, 1
    shares = torch.stack([(sizes == size).float().mean() for size in range(1, 5)])
    torch.testing.assert_close(shares, weights / weights.sum(), atol=0.03, rtol=0)
    assert len(coalitions(5, 7, torch.Generator().manual_seed(0))) == 7
    with pytest.raises(OptionError, match="The picture has 1 patch; wanted at least 2"):
        coalitions(1, 4, torch.Generator())
