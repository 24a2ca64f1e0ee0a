"""A model that cannot give gradients is told so by every method that needs them, and served by all others."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import vitviz
from vitviz.analysis.redrawn import redrawn
from vitviz.attribution import METHODS, Method, attribute, why_not
from vitviz.errors import UnsupportedModelError
from vitviz.models.vit import ViT

FEW = {"n_steps": 2, "n_samples": 4, "n_masks": 4}
TOLD = r"cannot give gradients: .+ need no gradients work: attention, rollout"


def quantised(module: nn.Module) -> nn.Module:
    with pytest.warns(DeprecationWarning, match="quantiz"):
        return torch.ao.quantization.quantize_dynamic(module, {nn.Linear}, dtype=torch.qint8)


def without_grad(part: nn.Module) -> None:
    part.forward = torch.no_grad()(part.forward)  # type: ignore[method-assign]


def whole_pass(module: Any) -> nn.Module:
    plain = type(module).forward_features

    class Frozen(type(module)):  # type: ignore[misc]
        @torch.no_grad()
        def forward_features(self, x: Tensor, **others: Any) -> Tensor:
            return plain(self, x, **others)  # type: ignore[no-any-return]

    module.__class__ = Frozen
    return module  # type: ignore[no-any-return]


def frozen_network(module: Any) -> nn.Module:
    without_grad(module.blocks[1].mlp)
    return module  # type: ignore[no-any-return]


def frozen_norm(module: Any) -> nn.Module:
    without_grad(module.norm)
    return module  # type: ignore[no-any-return]


class Detached(nn.Module):
    """An attention or other part whose result is taken out of the graph."""

    def __init__(self, inner: nn.Module, how: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.how = inner, how

    def forward(self, x: Tensor, **kwargs: Any) -> Tensor:
        return self.how(self.inner(x, **kwargs))


def detached_attention(module: Any) -> nn.Module:
    module.blocks[0].attn = Detached(module.blocks[0].attn, lambda x: x.detach())
    return module  # type: ignore[no-any-return]


def data_of_attention(module: Any) -> nn.Module:
    module.blocks[1].attn = Detached(module.blocks[1].attn, lambda x: x.data + 0)
    return module  # type: ignore[no-any-return]


def detached_keys(module: Any) -> nn.Module:
    """Half of the attention's own gradient is missing: nothing is zero, everything is wrong."""
    module.blocks[0].attn.k_norm = Detached(nn.Identity(), lambda x: x.detach())
    return module  # type: ignore[no-any-return]


class Rounded(nn.Module):
    """A linear layer as int8 kernels compute it: input and weights rounded to integers."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.scale = linear.weight.detach().abs().max() / 127
        self.register_buffer("weight", (linear.weight.detach() / self.scale).round().to(torch.int8))
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        step = x.abs().amax() / 127
        rounded = (x / step).round().to(torch.int8)
        return functional.linear(rounded.float(), self.weight.float()) * step * self.scale + self.bias  # type: ignore[operator]


def integers(module: Any) -> nn.Module:
    module.blocks[1].mlp.fc1 = Rounded(module.blocks[1].mlp.fc1)
    return module  # type: ignore[no-any-return]


class Blocked(torch.autograd.Function):
    """An operation of the user's own that hands no gradient on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:
        return None


def own_operation(module: Any) -> nn.Module:
    module.norm_pre = Detached(module.norm_pre, Blocked.apply)
    return module  # type: ignore[no-any-return]


def inference_weights(module: nn.Module) -> nn.Module:
    with torch.inference_mode():
        return copy.deepcopy(module)


KINDS: tuple[Callable[[Any], nn.Module], ...] = (
    quantised,
    whole_pass,
    frozen_network,
    frozen_norm,
    detached_attention,
    data_of_attention,
    detached_keys,
    integers,
    inference_weights,
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def broken(request: pytest.FixtureRequest, wide_vit: nn.Module) -> ViT:
    module = copy.deepcopy(wide_vit)
    return ViT.from_module(request.param(module), name="broken", image_size=(24, 40))


@pytest.mark.filterwarnings("ignore:.*quant.*")
def test_every_method_gives_a_map_without_gradients_or_says_so(broken: ViT, pixels: Tensor) -> None:
    for method in METHODS:
        knobs = {knob.name: FEW[knob.name] for knob in method.knobs if knob.name in FEW}
        if method.needs_gradients:
            with pytest.raises(UnsupportedModelError, match=TOLD):
                attribute(method.name, broken, pixels, target=3, **knobs)
        elif why_not(method.name, broken) is None:
            assert np.abs(attribute(method.name, broken, pixels, target=3, **knobs).values).max() > 0


@pytest.mark.filterwarnings("ignore:.*quant.*")
def test_every_other_door_to_gradients_says_so(broken: ViT, pixels: Tensor) -> None:
    assert vitviz.trace(broken, pixels).attention(0).shape == (2, 16, 16)
    for wanted in ({"target": 3}, {"gradients": True}, {"target": 3, "gradients": False, "layer_scores": True}):
        with pytest.raises(UnsupportedModelError, match=TOLD):
            vitviz.trace(broken, pixels, **wanted)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedModelError, match="cannot give gradients|cannot be drawn anew"):
        vitviz.model_randomisation(broken, lambda vit: attribute("saliency", vit, pixels, target=3).values)


@pytest.mark.filterwarnings("ignore:.*quant.*")
@pytest.mark.parametrize("kind", [quantised, integers])
def test_weights_that_cannot_be_redrawn_are_told(
    kind: Callable[[Any], nn.Module], wide_vit: nn.Module, pixels: Tensor
) -> None:
    """Else a map of packed weights, which stay as they are, would seem not to depend on the weights."""
    vit = ViT.from_module(kind(copy.deepcopy(wide_vit)), image_size=(24, 40))
    with pytest.raises(UnsupportedModelError, match="cannot be drawn anew: .+ holds weights as integers"):
        vitviz.model_randomisation(vit, lambda model: attribute("occlusion", model, pixels, target=3).values)
    with pytest.raises(UnsupportedModelError, match="cannot be drawn anew"):
        redrawn(vit)


@pytest.mark.filterwarnings("ignore:.*quant.*")
def test_a_receptive_field_says_so(broken: ViT, pixels: Tensor, request: pytest.FixtureRequest) -> None:
    if "frozen_norm" in request.node.name:  # the field is read before the last norm, so it is right
        assert vitviz.receptive_field(broken, pixels).values.any()
        return
    with pytest.raises(UnsupportedModelError, match=TOLD):
        vitviz.receptive_field(broken, pixels)


def test_an_operation_that_hands_no_gradient_on_is_told(wide_vit: nn.Module, pixels: Tensor) -> None:
    vit = ViT.from_module(own_operation(copy.deepcopy(wide_vit)), image_size=(24, 40))
    for name in ("saliency", "integrated_gradients"):
        with pytest.raises(UnsupportedModelError, match="no path leads from its answer back to the picture"):
            attribute(name, vit, pixels, target=3)


class Doubled(torch.autograd.Function):
    """An operation of the user's own that has a gradient; torch runs its forward pass outside of the graph."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone() * 2

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:
        return slopes[0] * 2


def test_an_operation_with_a_gradient_of_its_own_is_taken(wide_vit: nn.Module, pixels: Tensor) -> None:
    module, plain = copy.deepcopy(wide_vit), copy.deepcopy(wide_vit)
    module.norm_pre, plain.norm_pre = (Detached(nn.Identity(), how) for how in (Doubled.apply, lambda x: x * 2))
    result, expected = (
        attribute("gradient_rollout", ViT.from_module(each, image_size=(24, 40)), pixels, target=3).values
        for each in (module, plain)
    )
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", [method.name for method in METHODS if method.needs_gradients])
def test_a_map_that_is_only_kept_to_look_at_does_no_harm(name: str, wide_vit: nn.Module, pixels: Tensor) -> None:
    module: Any = copy.deepcopy(wide_vit)
    kept: list[Tensor] = []

    def look(x: Tensor) -> Tensor:
        with torch.no_grad():
            kept.append((x.detach().abs().mean() * 2).cpu())
        return x

    module.blocks[0].attn = Detached(module.blocks[0].attn, look)
    module.requires_grad_(True)
    knobs = {"n_steps": 2} if name == "integrated_gradients" else {}
    watched = attribute(name, ViT.from_module(module, image_size=(24, 40)), pixels, target=3, **knobs)
    expected = attribute(name, ViT.from_module(wide_vit), pixels, target=3, **knobs)
    assert kept
    np.testing.assert_allclose(watched.values, expected.values, rtol=1e-5, atol=1e-7)


def test_weights_in_integers_that_are_scaled_back_give_gradients(wide_vit: nn.Module, pixels: Tensor) -> None:
    """Only what is computed from the picture must stay in the graph: rounded weights are weights like others."""
    module: Any = copy.deepcopy(wide_vit)
    fc1, module.blocks[1].mlp.fc1 = module.blocks[1].mlp.fc1, nn.Identity()
    weight = fc1.weight.detach()
    scale = weight.abs().max() / 127
    whole = (weight / scale).round().to(torch.int8)
    module.blocks[1].mlp.fc1 = Detached(nn.Identity(), lambda x: functional.linear(x, whole.float() * scale, fc1.bias))
    module.__dict__["_parameters"] = {
        "counter": nn.Parameter(torch.zeros(1).to(torch.int8), requires_grad=False)
    } | module._parameters
    vit = ViT.from_module(module, image_size=(24, 40))
    assert next(module.parameters()).dtype == torch.int8
    values = attribute("saliency", vit, pixels, target=3).values
    batch = pixels[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(module(batch)[0, 3], [batch])
    np.testing.assert_allclose(values, slope[0].abs().amax(0).numpy(), rtol=1e-4, atol=1e-7)


def test_every_method_that_takes_gradients_is_marked(vit: ViT, pixels: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = torch.autograd.grad

    def counted(*args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        return plain(*args, **kwargs)

    monkeypatch.setattr(torch.autograd, "grad", counted)

    def takes(method: Method) -> bool:
        asked.clear()
        knobs = {knob.name: FEW[knob.name] for knob in method.knobs if knob.name in FEW}
        attribute(method.name, vit, pixels, target=3, **knobs)
        return bool(asked)

    assert [method.name for method in METHODS if takes(method)] == [m.name for m in METHODS if m.needs_gradients]
