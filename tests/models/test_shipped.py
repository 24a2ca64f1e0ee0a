"""The models that come with vitviz: what is loaded is what was shipped, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from vitviz.analysis.convnet import load_convnet
from vitviz.assets import EXAMPLES, WEIGHTS
from vitviz.errors import CheckpointError, OptionError, WeightsUnavailableError
from vitviz.models import checkpoints, shipped, timm_door
from vitviz.models.loading import load_vit
from vitviz.trace import trace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights with a small half-precision model in the place of the default one."""
    state = timm_door.build("test_vit", classes=3, seed=2).state_dict()
    save_file({key: value.half() for key, value in state.items()}, tmp_path / "small.safetensors")
    (tmp_path / "classes.txt").write_text("n01\tgoldfish\nn02\tlemon\n\nn03\tseashore\n", encoding="utf-8")
    small = shipped.ShippedModel(
        architecture="test_vit",
        file="small.safetensors",
        sha256=checkpoints.sha256_of(tmp_path / "small.safetensors"),
        classes="classes.txt",
        image_size=(160, 160),
        summary="small",
    )
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    monkeypatch.setitem(shipped.MODELS, "default", small)
    return tmp_path


def test_half_precision_weights_are_computed_with_in_single(folder: Path) -> None:
    state = torch.random.get_rng_state()
    vit = load_vit("default")
    assert torch.equal(torch.random.get_rng_state(), state)
    wanted = timm_door.build("test_vit", classes=3, seed=2).state_dict()
    assert all(torch.equal(vit.module.state_dict()[key], value.half().float()) for key, value in wanted.items())
    assert vit.class_names == ("goldfish", "lemon", "seashore")
    assert vit.name == "default"
    assert vit.weights == f"small.safetensors, SHA-256 {shipped.MODELS['default'].sha256}"


def test_it_can_be_loaded_for_another_size(folder: Path) -> None:
    vit = load_vit("default", image_size=(96, 128))
    assert (vit.grid.rows, vit.grid.columns) == (6, 8)
    assert trace(vit, torch.zeros(3, 96, 128)).layers == 6


def test_a_damaged_file_is_refused_before_it_is_read(folder: Path) -> None:
    path = folder / "small.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match=r"small.safetensors is damaged or was exchanged: .* [0-9a-f]{64}"):
        load_vit("default")


def test_a_missing_file_says_that_the_copy_is_incomplete(folder: Path) -> None:
    (folder / "small.safetensors").unlink()
    with pytest.raises(WeightsUnavailableError, match="small.safetensors are missing from .*of vitviz is incomplete"):
        load_vit("default")


def test_what_is_shipped_is_listed() -> None:
    assert shipped.available() == ["default"]


def test_the_default_model_is_here_whole_and_knows_a_thing_or_two() -> None:
    model = shipped.MODELS["default"]
    assert checkpoints.sha256_of(WEIGHTS / model.file) == model.sha256
    vit = load_vit()
    assert (vit.layers, set(vit.heads), len(vit.class_names)) == (12, {6}, 200)
    assert len(set(vit.class_names)) == 200
    photo = next(path for path in sorted(EXAMPLES.iterdir()) if path.suffix in {".jpg", ".jpeg", ".webp", ".png"})
    found = trace(vit, photo)
    assert found.top(1)[0][1] > 0.05  # ten times what guessing would give
    assert found.attention(11).max() > 0.05


def test_the_convolutional_network_is_here_whole_and_small() -> None:
    model = shipped.CONVNETS["cnn"]
    path = WEIGHTS / model.file
    assert checkpoints.sha256_of(path) == model.sha256
    assert path.stat().st_size <= 16e6
    module, names, origin = shipped.convnet("cnn")
    assert names == load_vit().class_names
    assert origin == f"{model.file}, SHA-256 {model.sha256}"
    stored = load_file(path)
    assert {value.dtype for value in stored.values()} == {torch.float16}
    loaded = module.state_dict()
    assert all(loaded[name].dtype == torch.float32 for name in stored)
    assert all(torch.equal(loaded[name], value.float()) for name, value in stored.items())
    assert {name for name in loaded if name not in stored} == {name for name in loaded if name.endswith("_tracked")}


def test_the_convolutional_network_answers_the_examples() -> None:
    """Crisp photos, none of them trained on; left out: oranges taken for a lemon, a kingfisher, not among the 200."""
    wanted = {
        "red-panda": "red panda", "dog": "German shepherd", "coffee": "espresso", "koala": "koala", "bee": "bee",
        "cat": "tabby", "bridge": "suspension bridge", "alps": "alp",
    }  # fmt: skip
    network = load_convnet()
    for name, answer in wanted.items():
        with torch.no_grad():
            logits = network.module(network.preprocess(EXAMPLES / f"{name}.jpg")[None])[0]
        assert network.class_names[int(logits.argmax())] == answer, name


def test_fewer_digits_change_no_answer() -> None:
    """Computing in bfloat16, which has fewer digits than the file, moves the probabilities by little."""
    network = load_convnet()
    pixels = network.preprocess(EXAMPLES / "koala.jpg")[None]
    module, _names, _origin = shipped.convnet("cnn")
    with torch.no_grad():
        single = network.module(pixels).softmax(-1)
        coarse = module.to(torch.bfloat16)(pixels.bfloat16()).float().softmax(-1)
    assert single.argmax() == coarse.argmax()
    assert (single - coarse).abs().max() < 0.05


@pytest.mark.parametrize("file", ["missing", "damaged"])
def test_a_file_of_the_convolutional_network_that_is_not_the_shipped_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    if file == "damaged":
        (tmp_path / shipped.CONVNETS["cnn"].file).write_bytes(b"tea")
    with pytest.raises((WeightsUnavailableError, CheckpointError), match="are missing from|is damaged or was"):
        load_convnet()


@pytest.mark.parametrize(("size", "near"), [(100, "96 × 96"), (10, "16 × 16")])
def test_a_size_that_the_patches_do_not_cover_is_refused(folder: Path, size: int, near: str) -> None:
    said = rf"default cuts pictures into patches of 16 × 16 pixels; got .* {size} × {size}.*Choose {near}"
    with pytest.raises(OptionError, match=said):
        load_vit("default", image_size=size)


def test_positions_are_resampled_to_a_grid_of_as_many_patches(folder: Path) -> None:
    """5 × 20 patches are as many as the 10 × 10 that the weights were trained for, but lie elsewhere."""
    table = load_vit("default").module.pos_embed.detach()  # type: ignore[union-attr, operator]
    wide = load_vit("default", image_size=(80, 320)).module.pos_embed.detach()  # type: ignore[union-attr, operator]
    plane = table[:, 1:].reshape(1, 10, 10, 64).permute(0, 3, 1, 2)
    wanted = functional.interpolate(plane, (5, 20), mode="bicubic", antialias=True)
    torch.testing.assert_close(wide[:, 1:], wanted.permute(0, 2, 3, 1).reshape(1, 100, 64))
    assert torch.equal(wide[:, :1], table[:, :1])


def test_its_classes_can_be_named_anew(folder: Path) -> None:
    names = ["Goldfisch", "Zitrone", "Küste"]
    assert load_vit("default", class_names=names).class_names == tuple(names)
    with pytest.raises(OptionError, match="2 class names were given for default, which has 3 cla"):
        load_vit("default", class_names=names[:2])
