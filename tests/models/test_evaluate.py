"""Predictions keep their order in any threads, attention is the trace's, files load at any size."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitviz import trace
from vitviz.errors import OptionError
from vitviz.models import evaluate, timm_door
from vitviz.models.training.tiny_imagenet import LabelledImages, Validation, read_validation
from vitviz.models.training.weights_file import save_half
from vitviz.models.vit import ViT


@pytest.fixture(scope="module")
def images() -> LabelledImages:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (7, 64, 64, 3), dtype=np.uint8)
    return LabelledImages(pixels, generator.integers(0, 10, 7))


def test_predictions_come_in_order_whatever_the_batches_and_threads(
    tiny_vit: nn.Module, images: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate.predict(tiny_vit, images)  # type: ignore[arg-type]
    monkeypatch.setattr(evaluate, "BATCH_PIXELS", 2 * 32 * 32)
    parts = evaluate.predict(tiny_vit, images, threads=3)  # type: ignore[arg-type]
    assert whole.shape == (7, 10)
    assert torch.allclose(whole, parts, atol=1e-5)


def test_accuracy_counts_the_right_answers(tiny_vit: nn.Module, images: LabelledImages) -> None:
    answers = evaluate.predict(tiny_vit, images).argmax(dim=1).numpy()  # type: ignore[arg-type]
    right = LabelledImages(images.pixels, answers)
    assert evaluate.measure_accuracy(tiny_vit, right).top1 == 1  # type: ignore[arg-type]
    answers = answers.copy()
    answers[:2] = (answers[:2] + 1) % 10
    some = evaluate.measure_accuracy(tiny_vit, LabelledImages(images.pixels, answers))  # type: ignore[arg-type]
    assert some.top1 == pytest.approx(5 / 7)
    assert some.image_size == 32
    assert some.images == 7


@pytest.mark.parametrize("name", ["tiny_vit", "register_vit"])
def test_class_token_attention_is_that_of_the_trace(
    name: str, request: pytest.FixtureRequest, images: LabelledImages
) -> None:
    model = request.getfixturevalue(name)
    vit = ViT.from_module(model)
    from PIL import Image

    picture = Image.fromarray(images.pixels[0])
    attention = torch.as_tensor(trace(vit, picture).attention(1))  # (head, query, key)
    prefix = len(vit.grid.prefix)
    with torch.inference_mode():
        maps = evaluate.class_token_attention(model, vit.transform(picture)[None])[0]
    assert torch.allclose(maps, attention[:, 0, prefix:].unflatten(1, (4, 4)), atol=1e-5)


def test_uniform_attention_has_as_much_mass_in_the_box_as_the_box_has_area(
    build_vit: Callable[..., nn.Module], images: LabelledImages
) -> None:
    model = build_vit()
    with torch.no_grad():
        model.blocks[-1].attn.qkv.weight.zero_()  # type: ignore[union-attr, index]
        model.blocks[-1].attn.qkv.bias.zero_()  # type: ignore[union-attr, index]
    boxes = np.array([[0, 0, 31, 31], [5, 9, 40, 63]] * 3 + [[1, 2, 3, 4]])
    found = evaluate.measure_attention(model, Validation(images, boxes))  # type: ignore[arg-type]
    assert found.mass == pytest.approx(found.area, rel=1e-5)
    assert found.ratio == pytest.approx(1, rel=1e-5)
    assert found.best_head_mass == pytest.approx(found.area, rel=1e-5)


def test_a_part_is_drawn_by_its_seed_and_keeps_boxes_with_images(data_folder: Path) -> None:
    data = read_validation(data_folder)
    part = evaluate.part_of(data, 3, seed=1)
    for pixels, label, box in zip(part.images.pixels, part.images.labels, part.boxes, strict=True):
        place = next(i for i in range(6) if (data.images.pixels[i] == pixels).all())
        assert data.images.labels[place] == label
        assert (data.boxes[place] == box).all()
    assert len(evaluate.part_of(data, 99, seed=1).boxes) == 6
    with pytest.raises(OptionError, match="got 0"):
        evaluate.part_of(data, 0, seed=1)


def test_a_half_precision_file_loads_exactly_at_its_own_size_and_resampled_at_others(tmp_path: Path) -> None:
    model = timm_door.build("vit_small_patch14_dinov2", image_size=(42, 42), classes=3)
    save_half(model.state_dict(), tmp_path / "weights.safetensors", {})
    same = evaluate.load(tmp_path / "weights.safetensors", image_size=42)
    for name, value in same.state_dict().items():
        assert torch.equal(value, model.state_dict()[name].half().float()), name
    small = evaluate.load(tmp_path / "weights.safetensors", image_size=28)
    assert small.pos_embed.shape == (1, 1 + 4, 384)
    assert small.head.out_features == 3


def test_the_command_prints_and_writes_what_it_measured(
    data_folder: Path,
    tmp_path: Path,
    tiny_vit: nn.Module,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"")
    monkeypatch.setattr(evaluate, "load", lambda weights, image_size: tiny_vit)
    monkeypatch.setattr(evaluate, "backbone_present", lambda: False)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.chdir(tmp_path)
    evaluate.main(
        ["--data", str(data_folder), "--weights", "weights.safetensors", "--sizes", "32", "518"]
        + ["--part", "4", "--out", "found.json"]
    )
    found = json.loads((tmp_path / "found.json").read_text())
    assert [entry["images"] for entry in found["accuracy"]] == [6, 4]
    assert set(found["attention"]) == {"classifier"}
    printed = capsys.readouterr().out
    assert f"{found['accuracy'][0]['top1']:.2%}" in printed
    assert "attention in the box, classifier, 4 images" in printed
