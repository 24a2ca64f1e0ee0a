"""Crops: what a model sees of a picture of another shape, measured, against what is known by hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vitviz
from tests.hugging_face import MODELS
from vitviz.analysis.boxes import box_in_input
from vitviz.analysis.input_sizes import rewrapped
from vitviz.analysis.map_comparison import same_crop
from vitviz.analysis.redrawn import redrawn
from vitviz.errors import OptionError
from vitviz.images.crop import read_crop
from vitviz.images.seen_part import SeenPart
from vitviz.models.cropping import fitting_size
from vitviz.models.hugging_face.library import transformers
from vitviz.models.vit import ViT

WIDE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 320, 3), dtype=np.uint8))
"""Eight times as wide as high."""
TALL = WIDE.transpose(Image.Transpose.ROTATE_90)


@pytest.fixture(scope="module")
def vit(build_vit: Callable[..., Any]) -> ViT:
    """32 × 32 pixels in patches of 8; it shows all of a square picture."""
    module = build_vit()
    module.pretrained_cfg = {"input_size": (3, 32, 32), "crop_pct": 1.0}
    return ViT.from_module(module)


@pytest.fixture(scope="module")
def margin(build_vit: Callable[..., Any]) -> ViT:
    """The same, which cuts a tenth of a picture off on each side."""
    module = build_vit()
    module.pretrained_cfg = {"input_size": (3, 32, 32), "crop_pct": 0.8}
    return ViT.from_module(module)


def part(vit: ViT, image: Image.Image = WIDE) -> SeenPart:
    seen = vit.seen_part(image)
    assert seen is not None
    return seen


def test_what_is_left_out_is_measured(vit: ViT, margin: ViT) -> None:
    assert part(vit).box == pytest.approx((3.5 / 8, 0, 4.5 / 8, 1), abs=0.004)
    assert part(vit).share == pytest.approx(1 / 8, abs=0.004)
    assert part(vit, TALL).left_out == pytest.approx((0, 3.5 / 8, 0, 3.5 / 8), abs=0.004)
    assert part(margin).share == pytest.approx(0.64 / 8, abs=0.004)
    assert part(vit, WIDE.resize((64, 64))).is_plain
    assert "12.5% of the picture; left out: 43.7% on the left, 43.7% on the right" in part(vit).told()


def test_a_picture_of_few_pixels_is_told_to_be_enlarged(vit: ViT) -> None:
    small = part(vit, WIDE.resize((9, 8)))
    assert small.enlarged == pytest.approx(4, rel=0.02)
    assert small.told().endswith("; it is enlarged 4.0 times, and so blurred")
    square = part(vit, WIDE.resize((16, 16)))
    assert square.is_in_shape
    assert not square.is_plain
    assert part(vit, WIDE.resize((64, 64))).enlarged == pytest.approx(0.5, rel=0.02)


def test_a_moved_crop_is_the_trained_one_at_another_place(vit: ViT) -> None:
    for place, square in ((0.0, (0, 0, 40, 40)), (1.0, (280, 0, 320, 40)), (0.25, (70, 0, 110, 40))):
        moved = vit.with_crop(place)
        assert torch.equal(moved.preprocess(WIDE), vit.preprocess(WIDE.crop(square)))
        assert np.array_equal(moved.frame(WIDE), vit.frame(WIDE.crop(square)))
    assert torch.equal(vit.with_crop("bottom").preprocess(TALL), vit.preprocess(TALL.crop((0, 280, 40, 320))))
    assert part(vit.with_crop(1.0)).box == pytest.approx((7 / 8, 0, 1, 1), abs=0.004)


def test_the_share_that_a_model_cuts_off_is_kept_and_a_moved_crop_reaches_the_ends(margin: ViT) -> None:
    left, right = part(margin.with_crop("left")), part(margin.with_crop("right"))
    assert left.box == pytest.approx((0, 0.1, 0.8 / 8, 0.9), abs=0.01)
    assert right.box == pytest.approx((1 - 0.8 / 8, 0.1, 1, 0.9), abs=0.01)
    assert part(margin.with_crop("squash")).box == pytest.approx((0.1, 0.1, 0.9, 0.9), abs=0.01)


@pytest.mark.parametrize("image", [WIDE, TALL, WIDE.resize((300, 200)), WIDE.resize((31, 47))])
def test_padded_all_is_seen_and_the_rest_is_the_mean_colour(vit: ViT, margin: ViT, image: Image.Image) -> None:
    ratio = min(image.size) / max(image.size)
    for model in (vit, margin):
        padded = model.with_crop("pad")
        assert part(padded, image).is_whole
        assert part(padded, image).bars == pytest.approx(1 - ratio, abs=0.05)
        pixels = padded.preprocess(image)
        bar = pixels[:, 0] if image.width > image.height else pixels[..., 0]
        assert bar.abs().max() < 0.02, "bars are 0 in the input"


def test_squashed_all_is_seen_out_of_shape(vit: ViT) -> None:
    seen = part(vit.with_crop("squash"))
    assert seen.is_whole
    assert seen.bars == 0
    assert seen.stretch == pytest.approx(1 / 8, abs=0.01)
    smooth = Image.fromarray(np.linspace(0, 255, 320)[None].repeat(40, 0).astype(np.uint8)).convert("RGB")
    own = vit.preprocess(smooth.resize((32, 32), Image.Resampling.BICUBIC))
    assert (vit.with_crop("squash").preprocess(smooth) - own).abs().max() < 0.1


def test_everything_that_takes_a_picture_follows(vit: ViT) -> None:
    right, last = vit.with_crop("right"), WIDE.crop((280, 0, 320, 40))
    assert torch.equal(vitviz.trace(right, WIDE).pixels, vit.preprocess(last))
    assert torch.equal(redrawn(right).preprocess(WIDE), vit.preprocess(last))
    assert torch.equal(rewrapped(right, right.working_copy(), (32, 32)).preprocess(WIDE), vit.preprocess(last))
    assert torch.equal(pickle.loads(pickle.dumps(right)).preprocess(WIDE), vit.preprocess(last))
    assert torch.equal(same_crop(right, vit, WIDE), same_crop(vit, vit, last))
    assert box_in_input(right, WIDE.size, (300, 0, 320, 40)) == (16, 0, 32, 32)
    values = vitviz.attribute("occlusion", right, WIDE, target=0).values
    assert np.array_equal(values, vitviz.attribute("occlusion", vit, last, target=0).values)
    assert right.module is vit.module
    assert (vit.crop, right.crop, right.with_crop("trained").transform) == ("trained", 1.0, vit.transform)


def test_hugging_face_processors_and_own_functions_are_followed(build_vit: Callable[..., Any]) -> None:
    hugging = ViT.from_module(MODELS["ViT"](transformers()))
    assert part(hugging).is_whole, "its processor squashes"
    assert part(hugging).stretch == pytest.approx(1 / 8, abs=0.01)
    left = hugging.with_crop("left")
    assert torch.equal(left.preprocess(WIDE), hugging.preprocess(WIDE.crop((0, 0, 40, 40))))
    assert part(left).box == pytest.approx((0, 0, 1 / 8, 1), abs=0.004)

    def own(picture: Image.Image) -> torch.Tensor:
        values = np.asarray(picture.resize((32, 32), box=(0, 0, 20, 20)), np.float32) / 100 - 3
        return torch.from_numpy(values).permute(2, 0, 1)

    assert part(ViT.from_module(build_vit(), transform=own)).box == pytest.approx((0, 0, 1 / 16, 0.5), abs=0.01)
    noise = ViT.from_module(build_vit(), transform=lambda picture: torch.rand(3, 32, 32))
    assert noise.seen_part(WIDE) is None, "it cannot be known, and nothing is made up"


@pytest.mark.parametrize(
    ("size", "wanted"), [((80, 10), (40, 320)), ((10, 80), (320, 40)), ((30, 30), (128, 128)), ((1, 300), (2048, 8))]
)
def test_a_fitting_grid_has_the_shape_and_no_more_patches(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    grid = vitviz.PatchGrid(16, 16, (8, 8))
    assert fitting_size(grid, size) == wanted
    assert wanted[0] * wanted[1] <= 128 * 128


@pytest.mark.parametrize("crop", ["middle-ish", 1.5, -0.1, float("nan"), True, None, "grid"])
def test_a_crop_that_is_none_is_refused(vit: ViT, crop: Any) -> None:
    with pytest.raises(OptionError, match="wanted trained, pad, squash, or a number from 0 to 1"):
        vit.with_crop(crop)
    with pytest.raises(OptionError, match="cannot be used"):
        read_crop(str(crop))


def test_a_network_of_convolutions_crops_likewise() -> None:
    net = vitviz.load_convnet("timm:resnet18", weights="random", image_size=(64, 64)).with_crop("left")
    seen = net.seen_part(WIDE)
    assert seen is not None
    assert seen.box[0] == 0
    assert seen.box[2] < 1 / 8
    assert net.crop == 0.0
