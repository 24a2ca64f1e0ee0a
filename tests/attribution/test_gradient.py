"""Gradients at the pixels: against Captum's own calls, autograd, and a linear model whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.analysis.scoring import score_batch
from vitviz.attribution import attribute
from vitviz.errors import StoppedError
from vitviz.models.vit import ViT
from vitviz.trace import Target


def shown(name: str, vit: ViT, pixels: Tensor, **knobs: Any) -> Tensor:
    return torch.from_numpy(attribute(name, vit, pixels, target=4, **knobs).values)


def logit(vit: ViT) -> Callable[[Tensor], Tensor]:
    return lambda batch: vit.module(batch)[:, 4]


@contextmanager
def global_seed(seed: int) -> Iterator[None]:
    """Seed what Captum draws from, and put it back."""
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        yield
    np.random.set_state(state)  # noqa: NPY002


@pytest.fixture(scope="module")
def linear(build_vit: Any) -> ViT:
    """A model without blocks' effect: embedding, averaging, head. Its answer is linear in the pixels."""
    module = build_vit(img_size=(24, 40), class_token=False, global_pool="avg", final_norm=False, fc_norm=False)
    with torch.no_grad():
        for block in module.blocks:
            for part in (block.attn.proj, block.mlp.fc2):
                part.weight.zero_()
                part.bias.zero_()
    return ViT.from_module(module)


def slope_of(vit: ViT, pixels: Tensor) -> Tensor:
    batch = pixels[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(vit.module(batch)[0, 4], [batch])
    return slope[0]


def test_saliency_is_the_largest_absolute_gradient(vit: ViT, pixels: Tensor) -> None:
    expected = slope_of(vit, pixels).abs().amax(0)
    torch.testing.assert_close(shown("saliency", vit, pixels), expected, rtol=1e-4, atol=1e-6)


def test_input_x_gradient_is_captums(vit: ViT, pixels: Tensor) -> None:
    from captum.attr import InputXGradient

    batch = pixels[None].clone().requires_grad_()
    expected = InputXGradient(logit(vit)).attribute(batch).detach()[0].sum(0)
    torch.testing.assert_close(shown("input_x_gradient", vit, pixels), expected, rtol=1e-4, atol=1e-5)


def test_integrated_gradients_are_captums(vit: ViT, pixels: Tensor) -> None:
    from captum.attr import IntegratedGradients

    black = (-torch.tensor(vit.mean) / torch.tensor(vit.std))[None, :, None, None].expand(1, 3, 24, 40)
    engine = IntegratedGradients(logit(vit))
    expected, delta = engine.attribute(pixels[None], black, n_steps=12, return_convergence_delta=True)
    attribution = attribute("integrated_gradients", vit, pixels, target=4, baseline="black", n_steps=12, batch_size=5)
    assert attribution.completeness_gap == pytest.approx(float(delta), abs=1e-4)
    torch.testing.assert_close(torch.from_numpy(attribution.values), expected[0].sum(0).float(), rtol=1e-3, atol=1e-4)


def test_more_steps_close_the_completeness_gap(vit: ViT, pixels: Tensor) -> None:
    few, many = (attribute("integrated_gradients", vit, pixels, n_steps=steps).completeness_gap for steps in (2, 256))
    assert few is not None
    assert many is not None
    assert abs(many) < 0.01 < abs(few)


def test_smooth_grad_without_noise_is_saliency(vit: ViT, pixels: Tensor) -> None:
    values = shown("smooth_grad", vit, pixels, n_samples=3, noise=0)
    torch.testing.assert_close(values, shown("saliency", vit, pixels), rtol=1e-4, atol=1e-6)


def test_smooth_grad_is_captums_noise_tunnel(vit: ViT, pixels: Tensor) -> None:
    """Captum draws from the global generator; with the same draws it must find the same mean gradient."""
    from captum.attr import NoiseTunnel, Saliency

    spread = 0.15 * float(pixels.max() - pixels.min())
    generator = torch.Generator().manual_seed(3)
    noise = torch.stack([torch.randn(3, 24, 40, generator=generator) for _ in range(4)]) * spread
    slopes = [slope_of(vit, pixels + each) for each in noise]
    expected = torch.stack(slopes).mean(0).abs().amax(0)
    values = shown("smooth_grad", vit, pixels, n_samples=4, seed=3)
    torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-5)

    engine = NoiseTunnel(Saliency(logit(vit)))
    batch = pixels[None].clone().requires_grad_()
    with global_seed(3):
        many = engine.attribute(batch, nt_samples=600, stdevs=spread, abs=False)
    ours = shown("smooth_grad", vit, pixels, n_samples=256, batch_size=64)
    theirs = many.detach()[0].abs().amax(0)
    assert np.corrcoef(ours.flatten(), theirs.flatten())[0, 1] > 0.97


def test_gradient_shap_of_a_linear_model_is_weight_times_input(linear: ViT, pixels: Tensor) -> None:
    slope = slope_of(linear, pixels)
    torch.testing.assert_close(slope, slope_of(linear, 2 * pixels + 1))  # linear indeed
    expected = (slope * (pixels - pixels.mean((1, 2), keepdim=True))).sum(0)
    attribution = attribute("gradient_shap", linear, pixels, target=4, noise=0, n_samples=3)
    torch.testing.assert_close(torch.from_numpy(attribution.values), expected, rtol=1e-3, atol=1e-5)
    assert attribution.completeness_gap == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", ["integrated_gradients", "input_x_gradient"])
def test_a_linear_model_is_explained_exactly(name: str, linear: ViT, pixels: Tensor) -> None:
    start = pixels.mean((1, 2), keepdim=True) if name == "integrated_gradients" else 0
    expected = (slope_of(linear, pixels) * (pixels - start)).sum(0)
    attribution = attribute(name, linear, pixels, target=4)
    torch.testing.assert_close(torch.from_numpy(attribution.values), expected, rtol=1e-3, atol=1e-5)
    assert attribution.completeness_gap == pytest.approx(0, abs=1e-4)


def test_gradient_shap_is_near_captums(vit: ViT, pixels: Tensor) -> None:
    from captum.attr import GradientShap

    start = pixels.mean((1, 2), keepdim=True).expand_as(pixels)[None]
    spread = 0.05 * float(pixels.max() - pixels.min())
    with global_seed(0):
        theirs = GradientShap(logit(vit)).attribute(
            pixels[None].clone().requires_grad_(), start, n_samples=600, stdevs=spread
        )
    ours = shown("gradient_shap", vit, pixels, n_samples=256, batch_size=64)
    correlation = np.corrcoef(ours.flatten(), theirs.detach()[0].sum(0).flatten())[0, 1]
    assert correlation > 0.97


def test_memory_that_runs_out_makes_batches_smaller(vit: ViT, pixels: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = shown("smooth_grad", vit, pixels, n_samples=8)
    seen: list[int] = []

    def scarce(model: ViT, batch: Tensor, target: Target) -> Tensor:
        seen.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return score_batch(model, batch, target)

    monkeypatch.setattr("vitviz.attribution.gradient.score_batch", scarce)
    values = shown("smooth_grad", vit, pixels, n_samples=8)
    assert seen == [4, 2, 2, 4, 2, 2]
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)


def test_other_errors_are_not_taken_for_a_lack_of_memory(
    vit: ViT, pixels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Tensor:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("vitviz.attribution.gradient.score_batch", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        attribute("smooth_grad", vit, pixels, n_samples=4)


@pytest.mark.parametrize("name", ["smooth_grad", "gradient_shap", "integrated_gradients"])
def test_long_methods_tell_how_far_they_are_and_can_be_stopped(name: str, vit: ViT, pixels: Tensor) -> None:
    steps = "n_steps" if name == "integrated_gradients" else "n_samples"
    told: list[tuple[int, int]] = []
    attribute(name, vit, pixels, batch_size=4, progress=lambda *x: told.append(x), **{steps: 8})  # type: ignore[func-returns-value]
    assert told == [(4, 8), (8, 8)]
    with pytest.raises(StoppedError, match="Stopped after 4 of 8 steps"):
        attribute(name, vit, pixels, batch_size=4, progress=lambda *_: False, **{steps: 8})


def test_the_module_keeps_its_flags(vit: ViT, pixels: Tensor) -> None:
    attribute("integrated_gradients", vit, pixels, n_steps=2)
    parameters = list[nn.Parameter](vit.module.parameters())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in parameters)
