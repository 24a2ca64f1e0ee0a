"""load_vit: names, random and local weights, sizes and class names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from vitviz.errors import (
    CheckpointError,
    OptionError,
    UnknownModelError,
    UnsupportedModelError,
    WeightsUnavailableError,
)
from vitviz.models import timm_door
from vitviz.models.geometry import patch_size_of
from vitviz.models.loading import load_vit
from vitviz.models.position_table import grid_in_file, is_own_grid
from vitviz.trace import predict, trace

SMALL = "timm:test_vit"  # timm's own test model: 160 × 160 pixels, 6 blocks of 2 heads, 64 channels
FAMILIES = (
    "test_vit", "test_vit_relpos", "deit_tiny_distilled_patch16_224", "eva02_tiny_patch14_224", "vit_tiny_r_s16_p8_224",
)  # fmt: skip


def saved(path: Path, **changes: Tensor) -> Path:
    """Save other random weights of the small model and return their path."""
    save_file(timm_door.build("test_vit", seed=5).state_dict() | changes, path)
    return path


@pytest.mark.parametrize("name", FAMILIES)
def test_random_weights_come_from_the_seed_and_from_nowhere_else(name: str) -> None:
    states = torch.random.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]  # noqa: NPY002
    one, same, other = (load_vit(f"timm:{name}", weights="random", seed=seed).module for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]  # type: ignore[index, union-attr]  # noqa: NPY002
    pairs = zip(one.parameters(), same.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)
    drawn = [
        not torch.equal(first, second)
        for (key, first), (_, second) in zip(one.named_parameters(), other.named_parameters(), strict=True)
        if key.endswith("weight") and first.ndim > 1 and "blocks" in key
    ]
    assert all(drawn)
    assert len(drawn) >= 12


def test_a_random_model_says_so_and_does_not_pretend_to_know_names() -> None:
    vit = load_vit(SMALL, weights="random", seed=7)
    assert vit.weights == "random, seed 7"
    assert vit.name == SMALL
    assert vit.class_names[:2] == ("class 0", "class 1")
    assert len(vit.class_names) == 1000


@pytest.mark.parametrize(
    ("size", "grid"), [(96, (6, 6)), ((96, 128), (6, 8)), ((320, 160), (20, 10)), (None, (10, 10))]
)
def test_any_multiple_of_the_patch_is_a_size(size: tuple[int, int] | int | None, grid: tuple[int, int]) -> None:
    vit = load_vit(SMALL, weights="random", image_size=size)
    assert (vit.grid.rows, vit.grid.columns) == grid
    assert vit.image_size == vit.grid.image_size
    found = trace(vit, torch.zeros(3, *vit.image_size))
    assert found.attention(0).shape[-1] == 1 + grid[0] * grid[1]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((161, 170), r"patches of 16 × 16 pixels; got an image size of 161 × 170.*Choose 160 × 176"),
        (8, r"got an image size of 8 × 8.*Choose 16 × 16"),
        (0, "image size of 0 × 0 pixels cannot be used"),
        (-16, "cannot be used"),
        ((16, 8000), "image size of 16 × 8000 pixels cannot be used; wanted 1 to 4096"),
    ],
)
def test_a_size_that_no_patch_fits_is_refused(size: tuple[int, int] | int, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        load_vit(SMALL, weights="random", image_size=size)


def test_a_size_is_refused_before_timm_builds_the_model() -> None:
    said = r"vit_tiny_r_s16_p8_224 cuts pictures into patches of 32 × 32 pixels; got .* 161 × 170.*Choose 160 × 160"
    with pytest.raises(OptionError, match=said):
        load_vit("timm:vit_tiny_r_s16_p8_224", weights="random", image_size=(161, 170))


def test_local_weights_are_the_ones_in_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.safetensors")
    state = torch.random.get_rng_state()
    vit = load_vit(SMALL, weights=path)
    assert torch.equal(torch.random.get_rng_state(), state)
    wanted = timm_door.build("test_vit", seed=5).state_dict()
    assert all(torch.equal(vit.module.state_dict()[key], value) for key, value in wanted.items())
    assert vit.weights.startswith("mine.safetensors, SHA-256 ")
    assert re.fullmatch(
        r"mine.safetensors, SHA-256 [0-9a-f]{64}, 2 heads assumed, class token's answer assumed", vit.weights
    )
    torch.save({"model": wanted}, tmp_path / "mine.pth")
    again = load_vit(SMALL, weights=str(tmp_path / "mine.pth"))
    assert all(torch.equal(again.module.state_dict()[key], value) for key, value in wanted.items())


def test_what_the_classifier_reads_is_told_and_can_be_chosen(tmp_path: Path) -> None:
    """Timm's names are the same for the class token and for the mean of the patches behind the norm."""
    path = saved(tmp_path / "mine.safetensors")
    assumed, chosen, said = (load_vit(SMALL, weights=path, pooling=pooling) for pooling in (None, "avg", "token"))
    assert "class token's answer assumed" in assumed.weights
    assert chosen.weights.endswith("2 heads assumed, pooling avg as given")
    assert said.weights.endswith("pooling token as given")
    pixels = torch.randn(3, 160, 160, generator=torch.Generator().manual_seed(1))
    answers = [predict(vit, pixels[None]) for vit in (assumed, said, chosen)]
    assert torch.equal(answers[0], answers[1])
    assert not torch.allclose(answers[0], answers[2], atol=1e-3)
    with pytest.raises(OptionError, match="pooling is 'max'; wanted 'token' or 'avg'"):
        load_vit(SMALL, weights=path, pooling="max")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="pooling='avg' belongs to a local file of weights"):
        load_vit(SMALL, weights="random", pooling="avg")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"hidden_size": 768}, "its hidden_size is 768, the tensors have 64"),
        ({"vision_config": {"num_hidden_layers": 12}}, "its num_hidden_layers is 12, .* have 6"),
        ({"model_type": "clip"}, "its model_type is clip, the tensors are named as in timm"),
        ({"intermediate_size": 128}, "its intermediate_size is 128, the tensors have 192"),
        ({"num_channels": 1}, "its num_channels is 1, the tensors have 3"),
        ({"patch_size": 14, "num_features": 64}, "its patch_size is 14, the tensors have 16"),
    ],
)
def test_settings_of_another_model_beside_a_file_are_refused(config: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=f"config.json beside mine.safetensors tells of another model: {said}"):
        load_vit(SMALL, weights=path)
    (tmp_path / "config.json").write_text(json.dumps({"num_features": 64, "id2label": {str(n): "x" for n in range(3)}}))
    other = load_vit(SMALL, weights=path)
    assert other.class_names[0] == "class 0"
    assert "tells of 3 classes, the tensors have 1000: its class names are not taken" in other.weights


def test_weights_with_another_number_of_classes_bring_their_own_classifier(tmp_path: Path) -> None:
    head = {"head.weight": torch.randn(4, 64), "head.bias": torch.randn(4)}
    vit = load_vit(SMALL, weights=saved(tmp_path / "four.safetensors", **head))
    assert vit.class_names == ("class 0", "class 1", "class 2", "class 3")
    found = trace(vit, torch.ones(3, 160, 160))
    torch.testing.assert_close(found.logits, found.embedding @ head["head.weight"].T + head["head.bias"])


def test_weights_without_a_classifier_give_an_embedding(tmp_path: Path) -> None:
    save_file(timm_door.build("test_vit", classes=0).state_dict(), tmp_path / "backbone.safetensors")
    vit = load_vit(SMALL, weights=tmp_path / "backbone.safetensors")
    assert vit.class_names == ()
    assert not vit.has_classifier
    assert trace(vit, torch.ones(3, 160, 160)).logits is None


@pytest.mark.parametrize("size", [(160, 160), (96, 128)])
def test_weights_of_another_grid_have_their_positions_resampled(tmp_path: Path, size: tuple[int, int]) -> None:
    """Positions that rise evenly from left to right still do after they were resampled to another grid."""
    ramp = torch.linspace(-1, 1, 14)[None, :, None].expand(14, 14, 64)  # a grid of 14 × 14 where the model has 10 × 10
    positions = torch.cat([torch.full((1, 1, 64), 5.0), ramp.reshape(1, 196, 64)], 1)
    vit = load_vit(SMALL, weights=saved(tmp_path / "a.safetensors", pos_embed=positions), image_size=size)
    found = vit.module.pos_embed.detach()[0]  # type: ignore[union-attr, operator]
    rows, columns = size[0] // 16, size[1] // 16
    assert found.shape == (1 + rows * columns, 64)
    assert torch.equal(found[0], torch.full((64,), 5.0))
    laid = found[1:].reshape(rows, columns, 64)
    torch.testing.assert_close(laid[0], laid[-1], rtol=0, atol=1e-5)
    assert (laid[:, 1:] > laid[:, :-1]).all()


def laid_out(rows: int, columns: int, channels: int = 64) -> Tensor:
    """A table of positions that rise evenly from left to right and not from top to bottom, after a class token."""
    ramp = torch.linspace(-1, 1, columns)[None, :, None].expand(rows, columns, channels)
    return torch.cat([torch.full((1, 1, channels), 5.0), ramp.reshape(1, -1, channels)], 1)


def rises_evenly(table: Tensor, rows: int, columns: int) -> bool:
    """Return whether positions rise from left to right and are the same in every row."""
    laid = table.detach()[0, -rows * columns :].reshape(rows, columns, -1)
    rises = (laid[:, 1:] > laid[:, :-1]).all()
    return bool(rises and torch.allclose(laid, laid[:1].expand_as(laid), rtol=0, atol=1e-5))


def test_a_size_is_refused_before_the_file_is_blamed(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"got an image size of 8 × 8.*Choose 16 × 16"):
        load_vit(SMALL, weights=saved(tmp_path / "a.safetensors"), image_size=8)


def test_positions_whose_grid_is_not_known_are_not_guessed(tmp_path: Path) -> None:
    """144 positions are 12 × 12 or, for a picture of 144 × 256 pixels, 9 × 16: one of them would be scrambled."""
    square = saved(tmp_path / "square.safetensors", pos_embed=laid_out(12, 12))
    wide = saved(tmp_path / "wide.safetensors", pos_embed=laid_out(9, 16))
    for path in (square, wide):
        said = rf"{path.name} holds the .* 144 patches, and they can lie in 9 × 16 or 12 × 12; .*trained_size="
        with pytest.raises(CheckpointError, match=said):
            load_vit(SMALL, weights=path, image_size=(144, 256))
    for path, trained in ((square, (192, 192)), (wide, (144, 256))):
        vit = load_vit(SMALL, weights=path, image_size=(144, 256), trained_size=trained)
        assert (vit.grid.rows, vit.grid.columns) == (9, 16)
        assert rises_evenly(vit.module.pos_embed, 9, 16)  # type: ignore[arg-type]
        assert vit.weights.startswith(f"{path.name}, SHA-256 ")
        assert "taken" not in vit.weights
    vit = load_vit(SMALL, weights=wide, trained_size=(144, 256))
    assert vit.image_size == (144, 256)
    vit = load_vit(SMALL, weights=wide, image_size=160, trained_size=(144, 256))
    assert rises_evenly(vit.module.pos_embed, 10, 10)  # type: ignore[arg-type]


def test_what_is_assumed_of_positions_stands_beside_the_file(tmp_path: Path) -> None:
    square = saved(tmp_path / "square.safetensors", pos_embed=laid_out(12, 12))
    vit = load_vit(SMALL, weights=square, image_size=160)
    assert vit.weights.endswith(", positions taken as 12 × 12")
    assert rises_evenly(vit.module.pos_embed, 10, 10)  # type: ignore[arg-type]
    wide = saved(tmp_path / "wide.safetensors", pos_embed=laid_out(3, 5))
    vit = load_vit(SMALL, weights=wide, image_size=(48, 80))  # no square: only that grid fits
    assert vit.weights.endswith(", positions taken as 3 × 5")
    assert torch.equal(vit.module.pos_embed, laid_out(3, 5))  # type: ignore[arg-type]
    own = load_vit(SMALL, weights=saved(tmp_path / "own.safetensors"), image_size=(48, 80))
    assert "taken" not in own.weights


def test_a_file_opens_at_the_size_of_its_own_positions(tmp_path: Path) -> None:
    """Not at the architecture's usual one: its positions are then those that were trained, bit for bit."""
    vit = load_vit(SMALL, weights=saved(tmp_path / "square.safetensors", pos_embed=laid_out(12, 12)))
    assert (vit.image_size, vit.grid.rows, vit.grid.columns) == ((192, 192), 12, 12)
    assert torch.equal(vit.module.pos_embed, laid_out(12, 12))  # type: ignore[arg-type]
    assert vit.preprocess(Image.new("RGB", (300, 200))).shape == (3, 192, 192)
    assert [str(note) for note in vit.notes][-2:] == [
        "assumed: its positions lie in 12 × 12 patches",
        "opened at 192 × 192 pixels, the size that its positions are for",
    ]


def test_biases_by_distance_tell_their_grid(tmp_path: Path) -> None:
    """BEiT's, of 4 × 4 patches: timm would interpolate them without a word."""
    name = "beit_base_patch16_224"
    module = timm_door.build(name, image_size=(64, 64), options={"embed_dim": 24, "depth": 1, "num_heads": 2}, seed=5)
    plain = timm_door.build(name, options={"embed_dim": 24, "depth": 1, "num_heads": 2})
    assert grid_in_file("a", module.state_dict(), plain, image_size=None, trained_size=None) == (4, 4)
    assert grid_in_file("a", plain.state_dict(), plain, image_size=None, trained_size=None) == (14, 14)
    assert not is_own_grid((4, 4), module.state_dict(), plain)
    wide = timm_door.build(name, image_size=(32, 64), options={"embed_dim": 24, "depth": 1, "num_heads": 2})
    assert grid_in_file("a", wide.state_dict(), plain, image_size=None, trained_size=None) is None


@pytest.mark.parametrize(
    "name", ["test_vit3", "test_vit4", "deit_tiny_distilled_patch16_224", "eva02_tiny_patch14_224"]
)
def test_files_of_all_kinds_of_positions_open_at_their_own_size(name: str, tmp_path: Path) -> None:
    """With a register and an attention pool, without a class token, distilled, with rotary positions besides."""
    patch = patch_size_of(timm_door.build(name))
    assert patch is not None
    size = (5 * patch[0], 5 * patch[1])
    module = timm_door.build(name, image_size=size, seed=5)
    save_file(module.state_dict(), tmp_path / "a.safetensors")
    vit = load_vit(f"timm:{name}", weights=tmp_path / "a.safetensors")
    assert (vit.image_size, vit.grid.rows, vit.grid.columns) == (size, 5, 5)
    pixels = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(vit.module(pixels), module(pixels))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "positions of 15 patches, and they fit neither the architecture nor a square.*trained_size="),
        ({"trained_size": 160}, r"15 patches; trained_size=\(160, 160\) means 10 × 10 = 100\. Give"),
        ({"trained_size": (48, 81)}, r"patches of 16 × 16 pixels; got an image size of 48 × 81"),
    ],
)
def test_positions_that_no_grid_explains_are_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    path = saved(tmp_path / "wide.safetensors", pos_embed=laid_out(3, 5))
    with pytest.raises((CheckpointError, OptionError), match=said):
        load_vit(SMALL, weights=path, **options)


def test_a_hybrid_is_read_at_the_size_it_was_trained_for(tmp_path: Path) -> None:
    name = "vit_tiny_r_s16_p8_224"  # one patch is 32 pixels: 2 × 8 or 4 × 4
    state = timm_door.build(name, seed=5).state_dict() | {"pos_embed": laid_out(2, 8, 192)}
    save_file(state, tmp_path / "a.safetensors")
    load: dict[str, Any] = {"weights": tmp_path / "a.safetensors", "image_size": (128, 128)}
    assert not rises_evenly(load_vit(f"timm:{name}", **load).module.pos_embed, 4, 4)  # type: ignore[arg-type]
    vit = load_vit(f"timm:{name}", trained_size=(64, 256), **load)
    assert rises_evenly(vit.module.pos_embed, 4, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", ["random", "pretrained"])
def test_only_a_local_file_has_a_trained_size(weights: str) -> None:
    with pytest.raises(OptionError, match=rf"belongs to a local file .* got weights='{weights}'"):
        load_vit(SMALL, weights=weights, trained_size=160)


def test_weights_of_another_architecture_say_which_keys_differ(tmp_path: Path) -> None:
    save_file(timm_door.build("test_resnet").state_dict(), tmp_path / "resnet.safetensors")
    with pytest.raises(CheckpointError, match="resnet.safetensors holds a ResNet; wanted a Vision Transformer"):
        load_vit(SMALL, weights=tmp_path / "resnet.safetensors")
    save_file({"stem.weight": torch.ones(2)}, tmp_path / "odd.safetensors")
    said = r"does not fit timm:test_vit: \d+ missing: blocks\.0\..*; 1 not known to the model: stem\.weight"
    with pytest.raises(CheckpointError, match=said):
        load_vit(SMALL, weights=tmp_path / "odd.safetensors")
    narrow = timm_door.timm.create_model("test_vit", embed_dim=32).state_dict()
    save_file(narrow, tmp_path / "narrow.safetensors")
    with pytest.raises(CheckpointError, match=r"of another shape: blocks\.0.*\(32,\) instead of \(64,\)"):
        load_vit(SMALL, weights=tmp_path / "narrow.safetensors")


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    state = timm_door.build("test_vit").state_dict()
    del state["blocks.3.attn.qkv.weight"]
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"1 missing: blocks\.3\.attn\.qkv\.weight\. Choose the architecture"):
        load_vit(SMALL, weights=tmp_path / "a.safetensors")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match="no weights file at .*none.safetensors"):
        load_vit(SMALL, weights=tmp_path / "none.safetensors")


def test_class_names_come_from_a_list_or_a_file(tmp_path: Path) -> None:
    head = {"head.weight": torch.randn(3, 64), "head.bias": torch.randn(3)}
    path = saved(tmp_path / "three.safetensors", **head)
    (tmp_path / "names.txt").write_bytes("Tannenhäher\r\n\r\n  cat \r\ndog\r\n".encode("utf-16"))
    names = ("Tannenhäher", "cat", "dog")
    assert load_vit(SMALL, weights=path, class_names=tmp_path / "names.txt").class_names == names
    assert load_vit(SMALL, weights=path, class_names=list(names)).class_names == names
    with pytest.raises(OptionError, match="2 class names were given for timm:test_vit, which has 3 classes"):
        load_vit(SMALL, weights=path, class_names=["cat", "dog"])
    with pytest.raises(OptionError, match="no file of class names at .*none.txt"):
        load_vit(SMALL, weights=path, class_names=str(tmp_path / "none.txt"))
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OptionError, match="binary.txt is no UTF-8 text"):
        load_vit(SMALL, weights=path, class_names=tmp_path / "binary.txt")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm:vit_tiny_patch16_22", "no model called 'vit_tiny_patch16_22'.*Did you mean 'vit_tiny_patch16_224'"),
        ("timm:<script>", "timm has no model called '<script>'"),
        ("timm:", "timm has no model called ''"),
        ("defualt", "There is no model 'defualt'; wanted one of default or 'timm:'.*Did you mean 'default'"),
        ("vit_tiny_patch16_224", "Did you mean 'timm:vit_tiny_patch16_224'"),
        ("", "There is no model ''"),
        ("timm:test_vit.r160_in2k", "no weights called 'r160_in2k'; wanted one of r160_in1k.*Did you mean 'r160_in1k'"),
    ],
)
@pytest.mark.parametrize("weights", ["random", "pretrained"])
def test_unknown_names_suggest_near_ones(name: str, said: str, weights: str) -> None:
    with pytest.raises(UnknownModelError, match=said):
        load_vit(name, weights=weights)


def test_the_shipped_model_has_weights_of_its_own() -> None:
    with pytest.raises(OptionError, match="'default' has weights of its own; got weights='random'"):
        load_vit("default", weights="random")


@pytest.mark.parametrize("weights", ["random", "pretrained"])
def test_what_cannot_be_explained_is_refused_whatever_its_weights(weights: str) -> None:
    with pytest.raises(UnsupportedModelError, match="timm:test_resnet cannot be explained.*convolutional network"):
        load_vit("timm:test_resnet", weights=weights)
