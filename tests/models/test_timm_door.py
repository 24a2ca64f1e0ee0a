"""Names, construction, preprocessing and class names, as timm has them."""

from __future__ import annotations

import gc
import logging
import weakref

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vitviz.errors import OptionError, UnknownModelError
from vitviz.models import timm_door, timm_weights
from vitviz.models.timm_door import build, check_name, class_names, data_settings, model_names, pretrained_settings


def test_names_are_timm_s() -> None:
    assert len(model_names()) > 1000
    assert "vit_base_patch16_224" in model_names()
    assert check_name("vit_tiny_patch16_224") == "vit_tiny_patch16_224"
    assert check_name("test_vit.r160_in1k") == "test_vit"
    assert timm_door.VERSION.count(".") >= 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vit_tinny_patch16_224", r"'vit_tinny_patch16_224'; wanted one of its \d+ arch.*'vit_tiny_patch16_224'"),
        ("zzz", r"no model called 'zzz'; wanted one of its \d+ architectures\. `python -m vitviz models"),
        ("test_vit.nope", "test_vit has no weights called 'nope'; wanted one of r160_in1k. Leave the tag out"),
        ("vit_small_patch16_18x2_224.x", "has no weights called 'x'; wanted one of none"),
    ],
)
def test_unknown_names_are_refused(name: str, said: str) -> None:
    with pytest.raises(UnknownModelError, match=said):
        check_name(name)


def test_a_model_is_built_in_eval_mode_without_gradients_from_a_seed() -> None:
    one, same, other = build("test_vit", seed=1), build("test_vit", seed=1), build("test_vit")
    assert not one.training
    assert not any(parameter.requires_grad for parameter in one.parameters())
    key = "blocks.0.attn.qkv.weight"
    assert torch.equal(one.get_parameter(key), same.get_parameter(key))
    assert not torch.equal(one.get_parameter(key), other.get_parameter(key))


def test_size_and_classes_are_passed_on() -> None:
    module = build("test_vit", image_size=(96, 128), classes=4)
    assert module(torch.zeros(1, 3, 96, 128)).shape == (1, 4)
    assert data_settings(module).image_size == (96, 128)


def test_a_model_that_takes_any_size_without_being_told_is_built_too() -> None:
    with torch.device("meta"):
        module = build("naflexvit_base_patch16_gap", image_size=(96, 128))
    assert type(module).__name__ == "NaFlexVit"


def test_a_size_that_a_model_cannot_take_is_refused() -> None:
    with pytest.raises(OptionError, match=r"vit_tiny_r_s16_p8_224 cannot be built for an image size of \(161, 170\)"):
        build("vit_tiny_r_s16_p8_224", image_size=(161, 170))


def test_other_mistakes_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise TypeError("something else")

    monkeypatch.setattr(timm_door.timm, "create_model", fail)
    with pytest.raises(TypeError, match="something else"):
        build("test_vit", image_size=(32, 32))


def test_preprocessing_is_the_model_s_own() -> None:
    """Timm's tiny test model: mean and deviation one half, 160 pixels, 95% of the shorter side."""
    settings = data_settings(build("test_vit"))
    assert (settings.image_size, settings.mean, settings.std) == ((160, 160), (0.5,) * 3, (0.5,) * 3)
    white = settings.transform(Image.new("RGB", (300, 200), "white"))
    assert white.shape == (3, 160, 160)
    torch.testing.assert_close(white, torch.ones(3, 160, 160))
    torch.testing.assert_close(settings.transform(Image.new("RGB", (300, 200), "black")), -torch.ones(3, 160, 160))


def test_the_crop_is_central_and_as_large_as_the_model_wants() -> None:
    """Of a square picture 95% of the side remain: 2.5% are cut off on each side, here 4 of 160 pixels."""
    pixels = np.zeros((160, 160, 3), dtype=np.uint8)
    pixels[:, :2] = 255  # within the margin that is cut off
    found = data_settings(build("test_vit")).transform(Image.fromarray(pixels))
    assert found.max() < -0.9
    pixels[:, :12] = 255
    found = data_settings(build("test_vit")).transform(Image.fromarray(pixels))
    assert found[:, :, 0].min() > 0.9


def test_another_size_is_preprocessed_for_that_size() -> None:
    settings = data_settings(build("test_vit"), (96, 128))
    assert settings.transform(Image.new("RGB", (50, 80))).shape == (3, 96, 128)


def test_a_module_without_a_config_says_its_size_by_its_patch_embedding(wide_vit: nn.Module) -> None:
    settings = data_settings(wide_vit)
    assert settings.image_size == (24, 40)
    assert settings.mean == pytest.approx((0.485, 0.456, 0.406))


def test_class_names_are_imagenet_s_or_numbers() -> None:
    names = class_names(build("test_vit"), 1000)
    assert (len(names), names[0], names[207]) == (1000, "tench", "golden retriever")
    assert class_names(build("test_vit", classes=3), 3) == ("class 0", "class 1", "class 2")
    assert class_names(build("test_vit", classes=0), 0) == ()


def test_pretrained_settings_are_empty_for_what_timm_does_not_know() -> None:
    assert pretrained_settings("test_vit")["hf_hub_id"] == "timm/test_vit.r160_in1k"
    assert not pretrained_settings("vit_small_patch16_18x2_224").get("hf_hub_id")


def test_nothing_that_timm_prints_reaches_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    name = "vit_small_patch16_dinov3"  # without biases of queries, which timm asks for and prints that there are none
    module = timm_door.build(name)
    state = dict(module.state_dict())
    state["storage_tokens"] = state.pop("reg_token")
    state |= {f"blocks.{index}.attn.qkv.bias": torch.zeros(3 * 384) for index in range(12)}
    told: list[logging.LogRecord] = []
    listener, logger = logging.Handler(), logging.getLogger("timm")
    listener.emit = told.append  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(listener)
    logger.setLevel("INFO")
    try:
        loaded = timm_weights.from_state(name, state)
    finally:
        logger.setLevel(level)
        logger.removeHandler(listener)
    assert any("q_bias" in record.getMessage() for record in told)
    assert capsys.readouterr().out == ""
    assert torch.equal(loaded.get_parameter("reg_token"), module.get_parameter("reg_token"))


def test_a_model_holds_its_weights_once() -> None:
    state = {name: tensor.clone() for name, tensor in build("test_vit", seed=3).state_dict().items()}
    given = weakref.ref(state["pos_embed"])
    module = timm_weights.from_state("test_vit", state)
    assert torch.equal(module.get_parameter("pos_embed"), state["pos_embed"])
    del state
    gc.collect()
    assert given() is None  # timm's settings kept what was loaded, and every copy of the model with them
