"""The commands receptive-field, positions, tokens, shuffle and input-sizes: files, words, refusals, exit codes."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.analysis.convnet import load_convnet
from vitviz.analysis.map_comparison import same_crop
from vitviz.cli import main, measurement
from vitviz.cli.token_measures import MEASURES
from vitviz.export.arrays import read_npz
from vitviz.figures.sheet import print_figure
from vitviz.images import open_image

MODEL = ("--model", "timm:vit_tiny_patch16_224", "--weights", "random", "--image-size", "64x48")
"""4 × 3 patches after a class token."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for seed, size in ((0, (60, 90)), (1, (80, 80))):
        noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{seed}.png")
    return [folder / "0.png", folder / "1.png"]


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit(MODEL[1], weights="random", image_size=(64, 48))


@pytest.fixture
def loaded(vit: vitviz.ViT, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: vit)


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command that writes one file of each kind; return (manifest and result, arrays, what was said).

    Pictures have 40 dots an inch, which is quickly drawn.
    """
    monkeypatch.setattr(measurement, "print_figure", partial(print_figure, dpi=40))

    def run(name: str, *arguments: object) -> tuple[dict[str, Any], dict[str, Any], str]:
        files = [tmp_path / f"a.{suffix}" for suffix in ("png", "npz", "json")]
        outs = [f"--out={path}" for path in files]
        assert main([name, *map(str, arguments), *outs]) == 0, capsys.readouterr().err
        with Image.open(files[0]) as picture:
            assert picture.info["dpi"] == pytest.approx((40, 40), abs=0.5)
            assert picture.convert("RGB").getcolors(20) is None
        arrays, manifest = read_npz(files[1])
        told = json.loads(files[2].read_text(encoding="utf-8"))
        assert told["settings"]["command"].startswith(name)
        assert manifest["result"] == told["result"]
        assert str(tmp_path) not in files[2].read_text(encoding="utf-8")
        return told, arrays, capsys.readouterr().out

    return run


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([*map(str, arguments)]) == 2
    return capsys.readouterr().err


@pytest.mark.usefixtures("loaded")
def test_a_receptive_field_of_pictures_of_two_sizes(command, photos, vit) -> None:
    told, arrays, said = command("receptive-field", *photos, *MODEL, "--layer", 3, "--token", 7)
    wanted = vitviz.receptive_field(vit, photos, layer=3, token=7)
    assert np.array_equal(arrays["values"], wanted.values)
    result = told["result"]
    assert result["radius"] == pytest.approx(wanted.radius)
    assert list(result["area_ratios"]) == ["0.2", "0.3", "0.5", "0.99"]
    assert result["gaussian"]["sigma"] == pytest.approx(wanted.gaussian.sigma)
    assert result["per_image_radius"] == pytest.approx(wanted.per_image_radius)
    assert [each["name"] for each in told["pictures"]] == ["0.png", "1.png"]
    assert "2 pictures of 2 different sizes were all resized to 64 × 48 pixels" in said
    assert "Radius by picture" in said


@pytest.mark.usefixtures("loaded")
def test_a_rollout_beside_it(command, photos, vit) -> None:
    told, arrays, said = command("receptive-field", photos[0], *MODEL, "--by", "rollout")
    trace = vitviz.trace(vit, photos[0])
    assert np.allclose(arrays["values"], vitviz.attention_field(trace).values)
    assert told["settings"]["layer"] == 11
    assert "of the patches" in said


def test_a_convolutional_network_has_a_field_but_no_rollout_and_no_tokens(command, photos, capsys) -> None:
    options = ("--model", "timm:test_resnet", "--weights", "random", "--image-size", "64")
    told, arrays, said = command("receptive-field", photos[0], *options, "--layer", 3)
    network = load_convnet("timm:test_resnet", weights="random", image_size=(64, 64))
    wanted = vitviz.receptive_field(network, photos[0], layer=3)
    assert np.array_equal(arrays["values"], wanted.values)
    assert told["result"]["theoretical_size"] == list(wanted.theoretical.size)
    assert "It could see" in said
    outs = ("--out", photos[0].parent / "x.json")
    rolled = refused(capsys, "receptive-field", photos[0], *options, "--by", "rollout", *outs)
    assert "test_resnet is a convolutional network and has no attention to roll out" in rolled
    lens = ("tokens", photos[0], "--what", "lens")
    assert "cannot be explained truthfully" in refused(capsys, *lens, *options, *outs)
    shipped = ("--model", "cnn", "--image-size", "64", "--layer", 3)
    told, arrays, _said = command("receptive-field", photos[0], *shipped, "--overwrite")
    trained = vitviz.receptive_field(load_convnet(image_size=(64, 64)), photos[0], layer=3)
    assert np.array_equal(arrays["values"], trained.values)
    assert "cnn has weights of its own" in refused(
        capsys, "receptive-field", photos[0], *shipped, "--weights", "random", *outs
    ).replace("'", "")
    swin = ("--model", "timm:swin_tiny_patch4_window7_224", "--weights", "random")
    said = refused(capsys, "receptive-field", photos[0], *swin, *outs)
    assert "Nor is it a network that is read as a CNN" in said


@pytest.mark.usefixtures("loaded")
def test_positions_and_another_grid(command, vit) -> None:
    told, arrays, said = command("positions", *MODEL, "--patch", 2, "--grid", "8x6")
    assert np.array_equal(arrays["map"], vitviz.position_similarity(vit).map(2))
    assert arrays["similarity_antialiased"].shape == (48, 48)
    assert arrays["components"].shape == (3, 4, 3)
    assert told["result"]["kind"] == "learned"
    assert -5 < told["result"]["read_out"]["row"] <= 1
    assert "the two ways differ by" in said
    assert told["pictures"] == []


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(("what", "options", "array", "shape"), [
    ("colours", ("--threshold", 0.1, "--flip", "--layer", 5), "colours_1", (4, 3, 3)),
    ("similarity", ("--patch", 5, "--layer", -1), "likeness_1", (4, 3)),
    ("norms", ("--deviations", 1), "norms", (12, 4, 3)),
    ("lens", (), "logits", (13, 1000)),
    ("evidence", ("--class", 7, "--layer", 0), "values", (4, 3)),
    ("cka", ("--against", "random"), "cka", (13, 13)),
    ("spectrum", (), "branch", (12, 3)),
])  # fmt: skip
def test_each_measure_of_tokens(command, photos, what, options, array, shape) -> None:
    two = ("--second", photos[1]) if what in ("colours", "similarity") else ()
    told, arrays, said = command("tokens", photos[0], "--what", what, *options, *two, *MODEL)
    assert arrays[array].shape == shape
    assert told["settings"]["command"] == f"tokens --what {what}"
    assert len(said.splitlines()) >= 3
    if what == "cka":
        assert told["result"]["models"][1] == "random weights"
        assert not np.allclose(np.diag(arrays["cka"]), 1)


@pytest.mark.usefixtures("loaded")
def test_two_models_are_compared_on_one_crop(command, photos, vit, monkeypatch) -> None:
    """The second model's own crop of a photo is wider, so that its patches would show other places."""
    other = vitviz.load_vit(MODEL[1], weights="random", seed=1, image_size=(48, 64))
    monkeypatch.setattr("vitviz.cli.token_measures.load_vit", lambda _name, **_place: other)
    _, arrays, _ = command("tokens", photos[0], "--what", "cka", "--against", "other", *MODEL)
    image = open_image(photos[0])
    here, there = vitviz.trace(vit, image), vitviz.trace(other, same_crop(vit, other, image))
    wanted = vitviz.layer_similarity(here, there).values
    assert np.allclose(arrays["cka"], wanted, atol=1e-5)
    apart = vitviz.layer_similarity(here, vitviz.trace(other, image)).values
    assert not np.allclose(apart, wanted, atol=1e-3)


def test_every_measure_is_tested() -> None:
    marks = test_each_measure_of_tokens.pytestmark
    cases = next(mark for mark in marks if mark.name == "parametrize").args[1]
    assert [case[0] for case in cases] == list(MEASURES)


@pytest.mark.usefixtures("loaded")
def test_shuffled_patches(command, photos) -> None:
    told, arrays, said = command("shuffle", photos[0], *MODEL, "--shares", 0, 1)
    assert np.allclose(arrays["cosine_without_positions"], 1, atol=1e-5)
    assert told["result"]["with_positions"]["cosine"][1] < 1
    assert "1.0000 without" in said


@pytest.mark.usefixtures("loaded")
def test_input_sizes(command, photos) -> None:
    told, arrays, said = command("input-sizes", photos[0], *MODEL, "--sizes", 32, 64)
    assert arrays["sizes"].tolist() == [[32, 32], [64, 48]]
    assert arrays["tokens"].tolist() == [5, 13]
    assert told["result"]["sizes"][1]["native"] is True
    assert "64 × 48 px, its own size: 13 tokens" in said


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(("arguments", "said"), [
    (("receptive-field", "PHOTO", "--layer", 12), "Layer 12 does not exist; there are 12"),
    (("receptive-field", "PHOTO", "--token", "register 1"), "no token 'register 1'"),
    (("receptive-field", "PHOTO", "--by", "rollout", "--token", "99"), "no token '99'"),
    (("positions", "--kind", "rotary"), "Position encoding 'rotary' is unknown"),
    (("positions", "--patch", 12), "There is no patch 12; give one from 0 to 11"),
    (("tokens", "PHOTO", "--what", "similarity", "--patch", 12), "Patch 12 does not exist"),
    (("tokens", "PHOTO", "--what", "norms", "--layer", 12), "Layer 12 does not exist"),
    (("tokens", "PHOTO", "--what", "lens", "--layer", 1), "--layer is no option of --what lens"),
    (("tokens", "PHOTO", "--what", "colours", "--threshold", 2), "The threshold is 2"),
    (("tokens", "PHOTO", "--what", "evidence", "--class", "nope"), "no class 'nope'"),
    (("shuffle", "PHOTO", "--shares", 2), "wanted numbers from 0 to 1"),
    (("input-sizes", "PHOTO", "--sizes", 5), "An input of 5 pixels cannot be used"),
    (("shuffle", "nowhere.png"), "nowhere.png"),
])  # fmt: skip
def test_what_cannot_be_had_is_refused(capsys, tmp_path, photos, arguments, said) -> None:
    named = [photos[0] if each == "PHOTO" else each for each in arguments]
    assert said in refused(capsys, *named, *MODEL, "--out", tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_is_refused_before_any_work(capsys, tmp_path) -> None:
    said = refused(capsys, "positions", "--model", "nope", "--out", tmp_path / "a.html")
    assert "wanted one of .png, .npz, .json" in said
