"""A wrapped module: what it says about itself, and its way from a picture to an input and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from vitviz.errors import GridError, OptionError, UnsupportedModelError
from vitviz.models import timm_door
from vitviz.models.vit import ViT
from vitviz.trace import trace


def test_it_describes_the_module(register_vit: nn.Module) -> None:
    vit = ViT.from_module(register_vit)
    assert (vit.layers, vit.heads, vit.image_size) == (2, (2, 2), (32, 32))
    assert vit.grid.prefix == ("class", "register 1", "register 2", "register 3", "register 4")
    assert vit.has_classifier
    assert vit.module is register_vit
    assert vit.name == "VisionTransformer"
    assert vit.weights == "as given"
    assert vit.device == torch.device("cpu")


def test_a_wide_picture_has_its_own_grid(wide_vit: nn.Module) -> None:
    vit = ViT.from_module(wide_vit)
    assert (vit.grid.rows, vit.grid.columns, vit.image_size) == (3, 5, (24, 40))


def test_names_are_given_or_numbers(tiny_vit: nn.Module, build_vit: Callable[..., nn.Module]) -> None:
    names = [f"bird {number}" for number in range(10)]
    vit = ViT.from_module(tiny_vit, name="mine", class_names=names, weights="epoch 3")
    assert vit.class_names == tuple(names)
    assert vit.class_name(9) == "bird 9"
    assert (vit.name, vit.weights) == ("mine", "epoch 3")
    assert ViT.from_module(tiny_vit).class_name(4) == "class 4"
    for index in (10, -1):
        with pytest.raises(OptionError, match=f"no class {index}: mine has classes 0 to 9"):
            vit.class_name(index)
    with pytest.raises(OptionError, match="3 class names were given for mine, which has 10 classes"):
        ViT.from_module(tiny_vit, name="mine", class_names=names[:3])
    headless = ViT.from_module(build_vit(num_classes=0))
    assert not headless.has_classifier
    with pytest.raises(OptionError, match="no class 0: VisionTransformer has no classifier"):
        headless.class_name(0)
    with pytest.raises(OptionError, match="2 class names were given .* which has 0 classes"):
        ViT.from_module(build_vit(num_classes=0), class_names=["a", "b"])


def test_a_picture_goes_in_and_comes_back(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    photo = Image.effect_mandelbrot((50, 40), (-2, -1, 1, 1), 60).convert("RGB")
    pixels = vit.preprocess(photo)
    assert pixels.shape == (3, 32, 32)
    back = vit.picture(pixels)
    assert (back.shape, back.dtype) == ((32, 32, 3), np.uint8)
    mean, std = (np.array(each)[:, None, None] for each in (vit.mean, vit.std))
    wanted = np.clip((pixels.numpy() * std + mean) * 255, 0, 255).round()
    np.testing.assert_array_equal(back, wanted.transpose(1, 2, 0).astype(np.uint8))


@pytest.mark.parametrize("colour", ["red", "white", "#102030"])
def test_a_plain_colour_comes_back_as_it_was(tiny_vit: nn.Module, colour: str) -> None:
    vit = ViT.from_module(tiny_vit)
    photo = Image.new("RGB", (32, 32), colour)
    assert (vit.picture(vit.preprocess(photo)) == np.asarray(photo)).all()


def test_pictures_of_any_mode_are_taken(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    grey = Image.linear_gradient("L")
    wanted = vit.preprocess(grey.convert("RGB"))
    assert torch.equal(vit.preprocess(grey), wanted)
    assert torch.equal(vit.preprocess(grey.convert("RGBA")), wanted)
    wide = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)  # 16 bits a channel
    assert torch.equal(vit.preprocess(wide), wanted)


def test_a_transform_of_one_s_own_is_used(tiny_vit: nn.Module) -> None:
    def half(image: Image.Image) -> Tensor:
        return torch.full((3, 32, 32), 0.5)

    vit = ViT.from_module(tiny_vit, transform=half)
    assert torch.equal(vit.preprocess(Image.new("RGB", (9, 9))), torch.full((3, 32, 32), 0.5))
    assert torch.equal(trace(vit, Image.new("RGB", (9, 9))).pixels, torch.full((3, 32, 32), 0.5))


@pytest.mark.parametrize("shape", [(3, 32, 40), (1, 32, 32), (32, 32, 3), (1, 3, 32, 32)])
def test_a_transform_for_another_size_is_refused(tiny_vit: nn.Module, shape: tuple[int, ...]) -> None:
    vit = ViT.from_module(tiny_vit, transform=lambda _: torch.zeros(shape))
    with pytest.raises(GridError, match=r"transform returned a tensor of shape .*; wanted \(3, 32, 32\)") as caught:
        vit.preprocess(Image.new("RGB", (9, 9)))
    assert str(shape) in str(caught.value)


def test_it_can_be_wrapped_for_another_size_if_the_module_takes_one(build_vit: Callable[..., nn.Module]) -> None:
    vit = ViT.from_module(build_vit(dynamic_img_size=True), image_size=(48, 24))
    assert (vit.grid.rows, vit.grid.columns) == (6, 3)
    assert trace(vit, torch.zeros(3, 48, 24)).attention(0).shape == (2, 19, 19)


def test_what_is_looked_at_is_the_crop_that_the_model_sees(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    photo = Image.linear_gradient("L").convert("RGB").resize((200, 100))
    frame = vit.frame(photo)
    assert frame.shape == (96, 96, 3)
    small = np.asarray(Image.fromarray(frame).resize((32, 32), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - vit.picture(vit.preprocess(photo)).astype(int)).max() <= 6


def test_two_wraps_of_one_module_have_locks_of_their_own(tiny_vit: nn.Module) -> None:
    one, two = ViT.from_module(tiny_vit), ViT.from_module(tiny_vit)
    assert one.lock is not two.lock
    assert one.shell is not two.shell


def test_classes_are_counted_in_what_the_classifier_returns() -> None:
    """An exchanged head leaves num_classes as it was: the ten answers are not ImageNet's first ten."""
    module = timm_door.build("test_vit")
    module.head = nn.Linear(64, 10)
    assert module.num_classes == 1000
    vit = ViT.from_module(module, name="mine")
    assert vit.class_names == tuple(f"class {number}" for number in range(10))
    assert trace(vit, torch.ones(3, 160, 160), target=9).logits.shape == (10,)  # type: ignore[union-attr]
    names = [f"bird {number}" for number in range(10)]
    assert ViT.from_module(module, class_names=names).class_names == tuple(names)
    with pytest.raises(OptionError, match="1000 class names were given for mine, which has 10 cla"):
        ViT.from_module(module, name="mine", class_names=["name"] * 1000)
    headless = timm_door.build("test_vit", classes=0)
    headless.head = nn.Linear(64, 3)
    assert ViT.from_module(headless).class_names == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize(("architecture", "channels"), [("test_vit", 64), ("deit_tiny_distilled_patch16_224", 192)])
def test_a_head_that_hands_the_embedding_on_is_no_classifier(architecture: str, channels: int) -> None:
    module = timm_door.build(architecture)
    module.head = nn.Identity()
    if architecture.startswith("deit"):
        module.head_dist = nn.Identity()
    vit = ViT.from_module(module)
    assert vit.class_names == ()
    found = trace(vit, torch.ones(3, *vit.image_size), gradients=True)
    assert found.logits is None
    assert found.embedding.shape == (channels,)


@pytest.mark.parametrize("classes", [0, 10])
def test_a_model_without_pooling_is_refused(build_vit: Callable[..., nn.Module], classes: int) -> None:
    said = r"The head of mine makes shape \(1, 17, 32\) of one picture; wanted one embedding.*global_pool"
    with pytest.raises(UnsupportedModelError, match=said):
        ViT.from_module(build_vit(num_classes=classes, global_pool=""), name="mine")


def test_a_classifier_of_another_shape_is_refused(build_vit: Callable[..., nn.Module]) -> None:
    module = build_vit()
    module.head = nn.Sequential(nn.Linear(32, 10), nn.Unflatten(1, (2, 5)))
    said = r"The classifier of mine makes shape \(1, 2, 5\) of one picture; wanted one row of logits"
    with pytest.raises(UnsupportedModelError, match=said):
        ViT.from_module(module, name="mine")


def test_a_size_that_the_patches_do_not_cover_is_refused(build_vit: Callable[..., nn.Module]) -> None:
    said = "mine cuts pictures into patches of 8 × 8 pixels; got an image size of 30 × 32.*Choose 32 × 32"
    with pytest.raises(OptionError, match=said):
        ViT.from_module(build_vit(dynamic_img_size=True), name="mine", image_size=(30, 32))
    with pytest.raises(OptionError, match="got an image size of 100 × 100.*Choose 96 × 96"):
        ViT.from_module(timm_door.build("test_vit", image_size=(100, 100)))


def test_a_margin_that_a_model_was_made_with_is_left_out_of_its_patches(build_vit: Callable[..., nn.Module]) -> None:
    vit = ViT.from_module(build_vit(img_size=30))
    assert vit.image_size == (30, 30)
    assert (vit.grid.patch_size, vit.grid.image_size) == ((8, 8), (24, 24))
