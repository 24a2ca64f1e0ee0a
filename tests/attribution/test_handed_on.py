"""A trace is handed on: the methods of a target share one forward and one backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vitviz
from tests.families import ALL, member, noise
from vitviz.attribution import METHODS, attribute, why_not
from vitviz.errors import OptionError
from vitviz.models.vit import ViT
from vitviz.trace.target import Target, contrast

READ = [method for method in METHODS if method.name not in ("occlusion", "rise", "kernel_shap")]
READ = [method for method in READ if not method.differentiates and method.name != "input_x_gradient"]
"""Methods that need no pass of their own beside the trace's."""
FEW = {"n_steps": 2, "n_samples": 4, "n_masks": 4}


@contextmanager
def counted(vit: ViT) -> Iterator[list[str]]:
    """Count the forward passes of all tokens through the first block, and the backward passes that reach it.

    Its end may be run again for the class token alone, which is no pass.
    """
    seen: list[str] = []

    def forward(_block: nn.Module, _given: Any, output: Tensor) -> None:
        if output.shape[1] < 2:
            return
        seen.append("forward")
        if output.requires_grad:
            output.register_hook(lambda _slope: seen.append("backward"))

    handle = vit.shell.blocks[0].register_forward_hook(forward)  # type: ignore[index,union-attr]
    try:
        yield seen
    finally:
        handle.remove()


@pytest.mark.parametrize("name", ["vit", "averaging", "pooling", "headless"])
def test_one_forward_and_one_backward_pass_serve_all(name: str, pixels: Tensor, request: pytest.FixtureRequest) -> None:
    vit: ViT = request.getfixturevalue(name)
    methods = [method.name for method in READ if why_not(method.name, vit) is None]
    assert len(methods) >= 6
    target = 3 if vit.has_classifier else vitviz.patch_likeness(vit, pixels, 4)
    alone = {name: attribute(name, vit, pixels, target=target) for name in methods}
    with counted(vit) as passes:
        traced = vitviz.trace(vit, pixels, target=target, layer_scores=True)
        layers = passes.count("backward") - 1  # the first layer's own answer reaches its output too
        shared = {name: attribute(name, vit, traced) for name in methods}
    assert passes.count("forward") == 1
    assert layers in (0, 1)
    for name, attribution in shared.items():
        assert attribution.target == alone[name].target
        np.testing.assert_allclose(attribution.values, alone[name].values, rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_makes_the_same_map_of_a_trace(method: Any, vit: ViT, pixels: Tensor) -> None:
    knobs = {knob.name: FEW[knob.name] for knob in method.knobs if knob.name in FEW}
    expected = attribute(method.name, vit, pixels, target=3, **knobs)
    bare, whole = vitviz.trace(vit, pixels), vitviz.trace(vit, pixels, target=3, layer_scores=True)
    for traced in (bare, whole):
        attribution = attribute(method.name, vit, traced, target=3, **knobs)
        np.testing.assert_allclose(attribution.values, expected.values, rtol=1e-5, atol=1e-8)
        assert attribution.target == expected.target


@pytest.mark.parametrize("family", ALL)
def test_families_make_the_same_maps_of_a_trace(family: str) -> None:
    size = ALL[family].sizes[1]
    vit = ViT.from_module(member(family, size), image_size=size, name=family)
    traced = vitviz.trace(vit, noise(size), target=2, layer_scores=True)
    for name in ("gradient_rollout", "legrad", "token_grad_cam", "saliency"):
        expected = attribute(name, vit, noise(size), target=2).values
        np.testing.assert_allclose(attribute(name, vit, traced).values, expected, rtol=1e-4, atol=1e-7 * expected.max())


def test_another_target_than_the_traces_is_run_anew(vit: ViT, pixels: Tensor) -> None:
    traced = vitviz.trace(vit, pixels, target=3, layer_scores=True)
    for target in (5, contrast(vit, 3, 5), Target(None, "own")):
        for name in ("gradient_rollout", "legrad"):
            expected = attribute(name, vit, pixels, target=target)
            attribution = attribute(name, vit, traced, target=target)
            rounding = 1e-6 * expected.values.max()
            np.testing.assert_allclose(attribution.values, expected.values, rtol=1e-5, atol=rounding)
            assert attribution.target == expected.target
    assert attribute("saliency", vit, traced).target.class_index == 3
    assert attribute("saliency", vit, vitviz.trace(vit, pixels)).target == attribute("saliency", vit, pixels).target


def test_a_trace_of_another_model_or_with_an_edit_is_refused(
    vit: ViT, register: ViT, averaging: ViT, pixels: Tensor
) -> None:
    square = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    for other in (vitviz.trace(register, square), vitviz.trace(averaging, pixels)):
        with pytest.raises(OptionError, match="The trace is of .+; wanted one of wide"):
            attribute("rollout", vit, other)
    edited = vitviz.trace(vit, pixels, edit=vitviz.Edit(ablate_heads=[(0, 1)]))
    with pytest.raises(OptionError, match="made with an edit, and methods that run the model again"):
        attribute("rollout", vit, edited)


def test_gradients_that_were_not_asked_for_are_missed_by_name(vit: ViT, pixels: Tensor) -> None:
    bare = vitviz.trace(vit, pixels)
    for read in (bare.pixel_gradient, lambda: bare.stream_gradient(0), lambda: bare.attention_gradient(0)):
        with pytest.raises(OptionError, match="made without a target"):
            read()
    with pytest.raises(OptionError, match="layer_scores=True"):
        vitviz.trace(vit, pixels, target=1).layer_gradient(0)


def test_the_gradients_of_a_trace_are_autograds(vit: ViT, pixels: Tensor) -> None:
    batch, streams = pixels[None].clone().requires_grad_(), list[Tensor]()
    handles = [
        block.register_forward_hook(lambda _b, _g, output: streams.append(output))
        for block in vit.module.blocks  # type: ignore[union-attr]
    ]
    score = vit.module(batch)[0, 3]
    for handle in handles:
        handle.remove()
    expected = torch.autograd.grad(score, [batch, *streams])
    traced = vitviz.trace(vit, pixels, target=3)
    torch.testing.assert_close(traced.pixel_gradient(), expected[0][0], rtol=1e-4, atol=1e-6)
    for layer, slope in enumerate(expected[1:]):
        torch.testing.assert_close(traced.stream_gradient(layer), slope[0], rtol=1e-4, atol=1e-6)
