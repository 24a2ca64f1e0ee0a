"""Every public function that takes a picture shares one door; tensors are inputs or pixels, and nothing by mistake."""

from __future__ import annotations

import io
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import vitviz
from vitviz.analysis.map_comparison import same_crop
from vitviz.errors import GridError, ImageError
from vitviz.models.inputs import Picture, batch_of, input_of, listed
from vitviz.models.vit import ViT


def noisy(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def vit(tiny_vit: nn.Module) -> ViT:
    return ViT.from_module(tiny_vit, name="tiny")


def forms(vit: ViT) -> list[Any]:
    picture = noisy()
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
    data = encoded(picture)
    array = np.asarray(picture)
    return [
        picture,
        data,
        bytearray(data),
        io.BytesIO(data),
        array,
        vitviz.open_photo(data),
        pixels,
        vit.preprocess(data),
    ]


def test_every_form_gives_the_same_input(vit: ViT) -> None:
    wanted = vit.preprocess(noisy())
    for form in forms(vit):
        assert torch.equal(input_of(vit, form), wanted)
        assert torch.equal(batch_of(vit, form if not isinstance(form, Tensor) else [form]), wanted[None])
    assert torch.equal(batch_of(vit, forms(vit)), wanted.expand(8, -1, -1, -1))


CALLS: dict[str, Callable[[ViT, Any], Any]] = {
    "trace": lambda vit, image: vitviz.trace(vit, image).logits,
    "predict": vitviz.predict,
    "attribute": lambda vit, image: vitviz.attribute("gradient_rollout", vit, image),
    "patch_likeness": lambda vit, image: vitviz.patch_likeness(vit, image, 3),
    "receptive_field": vitviz.receptive_field,
    "deletion_insertion": lambda vit, image: vitviz.deletion_insertion(
        vit, image, vitviz.attribute("rollout", vit, noisy())
    ),
    "perturbation_test": lambda vit, image: vitviz.perturbation_test(
        vit, image, vitviz.attribute("rollout", vit, noisy())
    ),
    "drop_curve": vitviz.drop_curve,
    "change_patches": lambda vit, image: vitviz.change_patches(vit, image, [1, 2]),
    "input_sizes": lambda vit, image: vitviz.input_sizes(vit, image, sizes=(32,)),
    "patch_sizes": lambda vit, image: vitviz.patch_sizes(vit, image, sizes=(8,)),
    "shuffle_experiment": lambda vit, image: vitviz.shuffle_experiment(vit, image, shares=(0.5,)),
    "preprocess": lambda vit, image: vit.preprocess(image),
    "frame": lambda vit, image: vit.frame(image),
    "same_crop": lambda vit, image: same_crop(vit, vit, image),
}


def numbers(value: Any) -> list[float]:
    """Return all numbers of a result, but the seconds that it took."""
    if is_dataclass(value):
        return numbers([getattr(value, part.name) for part in fields(value) if part.name != "seconds"])
    if isinstance(value, Tensor | np.ndarray):
        return [float(number) for number in value.flatten().tolist()]
    if isinstance(value, dict):
        return numbers(list(value.values()))
    if isinstance(value, list | tuple):
        return [number for part in value for number in numbers(part)]
    return [float(value)] if isinstance(value, int | float) else []


@pytest.mark.parametrize("name", CALLS)
def test_every_public_function_takes_every_form(name: str, vit: ViT) -> None:
    wanted = numbers(CALLS[name](vit, noisy()))
    assert len(wanted) > 5
    for form in forms(vit):
        if name in ("preprocess", "frame", "same_crop") and isinstance(form, Tensor):
            continue  # they make the tensor
        np.testing.assert_allclose(numbers(CALLS[name](vit, form)), wanted, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"predict", "receptive_field"}))
def test_a_function_of_one_picture_refuses_several(name: str, vit: ViT) -> None:
    """Else it would answer for the first alone, in silence."""
    pixels = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    for several in ([noisy()], (noisy(), noisy()), (noisy() for _ in range(2)), np.zeros((2, 9, 9, 3), np.uint8)):
        with pytest.raises(ImageError):
            CALLS[name](vit, several)
    if name not in ("preprocess", "frame", "same_crop"):
        for batch in (pixels, torch.zeros(2, 3, 32, 32)):
            with pytest.raises(GridError, match=r"batch|batch\[0\]"):
                CALLS[name](vit, batch)


def test_public_functions_name_the_one_type() -> None:
    """A public function with an ``image`` has the door's type, so no other door was built beside it."""
    taking = []
    for name in vitviz.__all__:
        thing = getattr(vitviz, name)
        if not callable(thing) or isinstance(thing, type):
            continue
        hints = typing.get_type_hints(thing)
        if "image" in hints:
            taking.append(name)
            assert hints["image"] in (Picture, Picture | vitviz.Trace), name  # attribute takes a trace of it too
    assert {"trace", "attribute", "deletion_insertion", "drop_curve", "change_patches", "input_sizes"} <= set(taking)


def test_many_pictures_are_a_list_and_bytes_are_one() -> None:
    data = encoded(noisy())
    assert listed(data) == [data]
    assert len(listed(np.zeros((4, 9, 9, 3), np.uint8))) == 4
    assert len(listed(torch.zeros(5, 3, 9, 9, dtype=torch.uint8))) == 5
    for several in ({"a": noisy()}, {"a", "b"}, (path for path in ("a", "b")), iter(["a"]), frozenset("a")):
        with pytest.raises(ImageError, match=f"A {type(several).__name__} is no list of pictures"):
            listed(several)
    assert listed({"a": "b"}.values()) == ["b"]
    with pytest.raises(ImageError, match="There is no picture; wanted at least one"):
        listed([])


TENSORS = {
    "batch": (
        torch.zeros(1, 3, 32, 32),
        r"shape \(1, 3, 32, 32\); wanted \(3, 32, 32\), normalised. It is a batch: pass",
    ),
    "no channel": (torch.zeros(32, 32), r"shape \(32, 32\); wanted \(3, 32, 32\)"),
    "one channel": (torch.zeros(1, 32, 32), r"shape \(1, 32, 32\); wanted \(3, 32, 32\)"),
    "four channels": (torch.zeros(4, 32, 32), r"shape \(4, 32, 32\)"),
    "channels last": (torch.zeros(32, 32, 3), r"shape \(32, 32, 3\).*channels come last: tensor.permute"),
    "integers": (torch.zeros(3, 32, 32, dtype=torch.int64), "type torch.int64; wanted floats, normalised, or pixels"),
    "truths": (torch.zeros(3, 32, 32, dtype=torch.bool), "type torch.bool; wanted floats"),
    "signed bytes": (torch.zeros(3, 32, 32, dtype=torch.int8), "type torch.int8"),
    "complex": (torch.zeros(3, 32, 32, dtype=torch.complex64), "type torch.complex64"),
    "sparse": (torch.zeros(3, 32, 32).to_sparse(), "torch.sparse_coo"),
    "meta": (torch.zeros(3, 32, 32, device="meta"), "on meta"),
    "NaN": (torch.full((3, 32, 32), torch.nan), "holds 3,072 values that are NaN or infinite, of 3,072"),
    "infinite": (torch.full((3, 32, 32), torch.inf), "NaN or infinite"),
    "batch of pixels": (
        torch.zeros(2, 3, 9, 9, dtype=torch.uint8),
        r"pixels \(uint8\) has shape .*It is a batch: pass one",
    ),
    "pixels last": (torch.zeros(40, 32, 3, dtype=torch.uint8), "channels come last"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_tensors_that_are_no_inputs_are_refused(case: str, vit: ViT) -> None:
    tensor, said = TENSORS[case]
    for call in (input_of, vitviz.trace, lambda model, image: vitviz.attribute("rollout", model, image)):
        with pytest.raises(GridError, match=said):
            call(vit, tensor)


@pytest.mark.parametrize(("value", "said"), [(torch.nan, "3,072 values that are NaN"), (torch.inf, "NaN or infinite")])
def test_batches_with_wrong_numbers_are_refused(value: float, said: str, vit: ViT) -> None:
    with pytest.raises(GridError, match=said):
        vitviz.predict(vit, torch.full((1, 3, 32, 32), value))
    with pytest.raises(GridError, match="type torch.int64"):
        vitviz.predict(vit, torch.zeros(1, 3, 32, 32, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_inputs_of_other_precision_are_taken(dtype: torch.dtype, vit: ViT) -> None:
    pixels = vit.preprocess(noisy())
    found = vitviz.trace(vit, pixels.to(dtype).requires_grad_())
    torch.testing.assert_close(found.logits, vitviz.trace(vit, pixels).logits, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_are_never_taken_as_normalised(channels: int, vit: ViT) -> None:
    pixels = torch.randint(0, 256, (channels, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    pixels[3:] = 255
    array = pixels.permute(1, 2, 0).numpy()
    assert torch.equal(input_of(vit, pixels), vit.preprocess(array))
    assert float(input_of(vit, pixels).abs().max()) < 3


def test_something_else_is_refused_by_every_function(vit: ViT) -> None:
    for call in (vitviz.trace, vitviz.predict, vitviz.receptive_field):
        with pytest.raises(ImageError, match="A int is no picture; wanted a path"):
            call(vit, 7)
    with pytest.raises(ImageError, match="A NoneType is no picture"):
        vitviz.receptive_field(vit, [None])
