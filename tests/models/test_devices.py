"""Devices and precisions: whatever computes, results are float32 on the CPU and the same up to rounding."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vitviz
from tests.far_device import Far, far_device, moved
from vitviz.analysis.convnet import ConvNet
from vitviz.atlas.layout import Layout
from vitviz.atlas.measures import measure
from vitviz.attribution import METHODS
from vitviz.attribution.attribute import find_method
from vitviz.batches import ShortMemoryWarning
from vitviz.errors import OptionError, ShortMemoryError
from vitviz.labs import anatomy, attention_filter, gelu, input_size, model_temperature, permutation, shift
from vitviz.labs.object import pasted_object
from vitviz.models.devices import device_named, devices
from vitviz.models.vit import ViT
from vitviz.out_of_memory import memory_told

KNOBS = {"n_steps": 2, "n_samples": 4, "n_masks": 8}


def quick(name: str) -> dict[str, Any]:
    """Return knobs that keep a method short."""
    return {knob.name: KNOBS[knob.name] for knob in find_method(name).knobs if knob.name in KNOBS}


def picture(vit: ViT | ConvNet) -> Tensor:
    return torch.randn(3, *vit.image_size, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def near(build_vit: Any) -> ViT:
    return ViT.from_module(build_vit())


def maps(vit: ViT) -> dict[str, Callable[[], Any]]:
    """Return what gives the map of every method, by name."""

    def explain(name: str) -> Any:
        return vitviz.attribute(name, vit, picture(vit), target=3, **quick(name)).values

    return {method.name: partial(explain, method.name) for method in METHODS}


def measurements(vit: ViT) -> dict[str, Callable[[], Any]]:
    """Return what every analysis and lab that runs a model finds, by name, each as a function."""
    image = picture(vit)
    trace = vitviz.trace(vit, image, target=3, layer_scores=True)
    curve = partial(vitviz.drop_curve, vit, image, shares=(0.5,), draws=2)
    return {
        "trace": lambda: trace,
        "gradients": lambda: [trace.attention_gradient(1), trace.layer_gradient(0), trace.attention(1)],
        "statistics": lambda: vitviz.head_statistics(trace),
        "rollout": lambda: [vitviz.rollout(trace), *vitviz.rollouts(trace, head_fusion="max", discard_ratio=0.3)],
        "masked": lambda: vitviz.trace(vit, image, edit=vitviz.Edit(mask_tokens=[3], ablate_heads=[(0, 1)])),
        "predict": lambda: vitviz.predict(vit, image[None]),
        "likeness": lambda: vitviz.patch_likeness(vit, image, 5).direction,
        "receptive field": lambda: vitviz.receptive_field(vit, image).values,
        "positions": lambda: vitviz.position_similarity(vit).values,
        "interpolation": lambda: vitviz.interpolated_similarity(vit, 3, 3).similarity_after[True],
        "shuffling": lambda: vitviz.shuffle_experiment(vit, image, shares=(0.0, 1.0)),
        "lens": lambda: vitviz.logit_lens(vit, trace).logits,
        "evidence": lambda: vitviz.class_evidence(vit, trace).values,
        "removal": lambda: [curve(replacement=name) for name in ("mean", "removed")],
        "deletion": lambda: vitviz.deletion_insertion(vit, image, vitviz.attribute("rollout", vit, image), steps=4),
        "changed": lambda: vitviz.change_patches(vit, image, [1, 2], "removed").logits,
        "input sizes": lambda: vitviz.input_sizes(vit, image, sizes=(24, 48)),
        "patch sizes": lambda: vitviz.patch_sizes(vit, image, sizes=(8, 16)),
        "anatomy": lambda: [anatomy.embedding(vit, trace), anatomy.block_step(vit, trace, 1)],
        "permutation": lambda: permutation.on_model(vit, image),
        "gelu": lambda: gelu.activations(vit, trace, 1),
        "temperature": lambda: model_temperature.run(vit, image, factors=(0.5, 2.0)),
        "pasted object": lambda: pasted_object.run(vit, image, sizes=(4, 8), samples=2),
        "shift": lambda: shift.shift_experiment(vit, image, layer=1),
        "randomised": lambda: vitviz.model_randomisation(
            vit, lambda drawn: vitviz.receptive_field(drawn, image).values
        ),
        "residual filter": lambda: attention_filter.compare_residual(vit, trace),
        "position maps": lambda: input_size.position_maps(vit, 3, 5),
        "atlas": lambda: measure(vit, Layout.of(vit), image[None].repeat(2, 1, 1, 1), torch.ones(2, 16).double()),
    }


def numbers(result: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield all arrays and tensors of a result, in order; a tensor must be float32 on the CPU."""
    if isinstance(result, Tensor):
        assert not isinstance(result, Far)
        assert result.device.type == "cpu"
        assert result.dtype == torch.float32 or not result.is_floating_point(), result.dtype
        yield result.numpy()
    elif isinstance(result, np.ndarray):
        yield result
    elif isinstance(result, dict | list | tuple):
        for part in result.values() if isinstance(result, dict) else result:
            yield from numbers(part)
    elif is_dataclass(result):
        for entry in fields(result):
            yield from numbers(getattr(result, entry.name))


def check_alike(there: ViT, here: dict[str, Any], share: float, *, flips: tuple[str, ...] = ()) -> None:
    """Compare what a model finds; ``share`` is the error allowed, of the largest number, but for ``flips``."""
    functions = {**maps(there), **measurements(there)}
    for name, wanted in here.items():
        arrays = [list(map(np.nan_to_num, numbers(result))) for result in (functions[name](), wanted)]
        for own, other in zip(*arrays, strict=True):
            if name not in flips:
                np.testing.assert_allclose(own, other, 0, share * max(np.abs(other).max(initial=0), 1e-3), err_msg=name)


@pytest.fixture(scope="module")
def expected(near: ViT) -> dict[str, Any]:
    functions = {**maps(near), **measurements(near)}
    return {name: find() for name, find in functions.items()}


@pytest.mark.skipif(len(devices()) > 1, reason="a device is here, and needs no stand-in")
def test_on_another_device_everything_is_found_as_on_the_processor(near: ViT, expected: dict[str, Any]) -> None:
    with far_device():
        check_alike(ViT.from_module(moved(near.module)), expected, 1e-3)


@pytest.mark.parametrize("name", devices()[1:])
def test_on_every_device_that_is_here_everything_is_found_as_on_the_processor(
    near: ViT, expected: dict[str, Any], name: str
) -> None:
    check_alike(ViT.from_module(copy.deepcopy(near.module).to(name)), expected, 1e-2)


def test_in_half_precision_everything_is_found_up_to_rounding(near: ViT, expected: dict[str, Any]) -> None:
    vit = ViT.from_module(copy.deepcopy(near.module).bfloat16())
    check_alike(vit, expected, 0.2, flips=("deletion",))  # whose top answer may be another by rounding
    vit = ViT.from_module(copy.deepcopy(near.module).half())
    few = {name: expected[name] for name in ("trace", "saliency", "gradient_rollout", "occlusion", "legrad")}
    check_alike(vit, few, 0.02)


def test_a_tensor_left_behind_is_found_out() -> None:
    with far_device() as device:
        far = torch.ones(2, device=device)
        with pytest.raises(RuntimeError, match="two devices"):
            far + torch.ones(2)
        with pytest.raises(TypeError, match="no float64"):
            far.double()
        assert float((far.cpu() + torch.ones(2)).sum()) == 4


def test_devices_and_precisions_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    net = vitviz.load_convnet(precision="bfloat16")
    assert next(net.module.parameters()).dtype == torch.bfloat16
    field = vitviz.receptive_field(net, picture(net), layer=0).values
    whole = vitviz.receptive_field(vitviz.load_convnet(), picture(net), layer=0).values
    np.testing.assert_allclose(field, whole, 0, 0.1 * whole.max())
    vit = vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", image_size=32, precision="bfloat16")
    assert vit.dtype == torch.bfloat16
    for load in (vitviz.load_vit, vitviz.load_convnet):
        with pytest.raises(OptionError, match=r"no device 'cuda:7'; here are cpu.*\. Name one of them, or 'auto'"):
            load(device="cuda:7")
        with pytest.raises(OptionError, match="precision is 'float64'; wanted one of float32, bfloat16, float16"):
            load(precision="float64")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices()[:3] == ("cpu", "cuda:0", "cuda:1")
    assert [str(device_named(name)) for name in ("auto", "cuda", "cuda:1", "cpu")] == [
        "cuda:0",
        "cuda:0",
        "cuda:1",
        "cpu",
    ]


def test_where_memory_is_short_smaller_batches_are_run_and_told(near: ViT, monkeypatch: pytest.MonkeyPatch) -> None:
    image, sizes = picture(near), []
    wanted = {name: vitviz.attribute(name, near, image, **quick(name)).values for name in ("rise", "smooth_grad")}
    answers = vitviz.predict(near, image[None].repeat(7, 1, 1, 1))
    move = ViT.as_input

    def as_input(vit: ViT, batch: Tensor) -> Tensor:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        return move(vit, batch)

    monkeypatch.setattr(ViT, "as_input", as_input)
    for name, values in wanted.items():
        attribution = vitviz.attribute(name, near, image, **quick(name))
        np.testing.assert_allclose(attribution.values, values, rtol=1e-3, atol=1e-5)
        assert [note for note in attribution.notes if re.match("memory did not suffice for . inputs at once", note)]
    layout = Layout.of(near)
    batch = torch.stack([image, *(image + share for share in (0.1, 0.2, 0.3))])
    with pytest.warns(ShortMemoryWarning, match="for 4 inputs at once"):
        parted = measure(near, layout, batch, torch.ones(4, 16).double())
    monkeypatch.setattr(ViT, "as_input", move)
    whole = measure(near, layout, batch, torch.ones(4, 16).double())
    for own, other in zip(numbers(parted), numbers(whole), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(ViT, "as_input", as_input)
    sizes.clear()
    with pytest.warns(ShortMemoryWarning, match="Memory did not suffice for 7 inputs at once, so smaller batches were"):
        again = vitviz.predict(near, image[None].repeat(7, 1, 1, 1))
    np.testing.assert_allclose(again, answers, rtol=1e-4, atol=1e-5)
    assert sizes == [7, 3, 4, 2, 2]


CUDA = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 79.15 GiB of which 1.20 GiB is free."
)
MPS = (
    "MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB, max allowed: 9.07 GB). "
    "Tried to allocate 2.50 GB on private pool."
)


@pytest.mark.parametrize(("error", "told"), [
    (torch.OutOfMemoryError(CUDA), r"on cuda:1 for this pass: 2\.00 GiB more were asked for, 1\.20 GiB are free\."),
    (RuntimeError(MPS), r"on mps for this pass: 2\.50 GB more were asked for, 8\.00 GB of 9\.07 GB are taken\."),
    (MemoryError(), r"on cpu for this pass\. Take a smaller input, such as image_size=112\. Take half the precision"),
])  # fmt: skip
def test_one_picture_too_large_for_the_memory_is_refused_with_what_to_do(
    near: ViT, error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = picture(near)

    def as_input(vit: ViT, batch: Tensor) -> Tensor:
        raise error

    def too_large(module: nn.Module, *_: object, **__: object) -> nn.Module:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(ViT, "as_input", as_input)
        ways = (vitviz.trace, vitviz.predict, *(partial(vitviz.attribute, name) for name in ("rise", "smooth_grad")))
        for look in ways:
            with pytest.raises(ShortMemoryError, match=told):
                look(near, image)
    with monkeypatch.context() as patch:
        patch.setattr("vitviz.models.support.noise", as_input)  # the pass that proves the answer
        with pytest.raises(ShortMemoryError, match=told):
            vitviz.ViT.from_module(near.module)
    with monkeypatch.context() as patch:
        patch.setattr(nn.Module, "to", too_large)
        with pytest.raises(ShortMemoryError, match=told):
            vitviz.load_vit("timm:test_vit", weights="random")


def test_what_torch_says_when_memory_runs_out_is_read() -> None:
    for make, asked in ((torch.empty, r"\d+\.\d\d GiB"), (np.empty, r"\d+\.? [KMGTPE]iB")):
        told = f"on cpu for this pass: {asked} more were asked for at once"
        with pytest.raises(ShortMemoryError, match=told), memory_told():
            make(10**17)
