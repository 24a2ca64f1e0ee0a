"""The command explain with the explanations of ``vitviz.METHODS``: their knobs, targets, files and refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.cli import main
from vitviz.cli.methods import METHODS, all_options, help_of
from vitviz.export.arrays import read_npz
from vitviz.trace.target import contrast

FEW = {"n_steps": 2, "n_samples": 4, "n_masks": 4}


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    noise = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.fixture(autouse=True)
def vit(build_vit: Any, monkeypatch: pytest.MonkeyPatch) -> vitviz.ViT:
    vit = vitviz.ViT.from_module(build_vit(img_size=(24, 40)), name="tiny")
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: vit)
    return vit


def explain(picture: Path, *options: object) -> int:
    return main(["explain", str(picture), *map(str, options)])


@pytest.mark.parametrize("name", [each.name for each in vitviz.METHODS if each.name != "rollout"])
def test_every_explanation_is_that_of_the_library(name: str, picture: Path, tmp_path: Path, vit: vitviz.ViT) -> None:
    knobs = {option.name: FEW[option.name] for option in METHODS[name].options if option.name in FEW}
    flags = [f"--{knob.replace('_', '-')}={value}" for knob, value in knobs.items()]
    out = tmp_path / "a.npz"
    assert explain(picture, "--method", name, "--target=3", *flags, "--out", out) == 0
    arrays, manifest = read_npz(out)
    expected = vitviz.attribute(name, vit, picture, target=3, **knobs)
    np.testing.assert_allclose(arrays["values"], expected.values, atol=1e-6)
    assert manifest["settings"].items() >= {"method": name, **expected.knobs}.items()
    assert manifest["target"]["class_index"] == 3


def test_a_signed_map_has_every_kind_of_file(
    picture: Path, tmp_path: Path, vit: vitviz.ViT, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"a.{suffix}" for suffix in ("png", "html", "json")]
    flags = [f"--out={file}" for file in files]
    options = ["--method=integrated_gradients", "--n-steps=4", "--baseline=black", "--target=2"]
    assert explain(picture, *options, "--versus", "class 5", *flags) == 0
    said = capsys.readouterr().out
    assert "Integrated gradients for class 2 rather than class 5" in said
    assert re.search(r"Completeness gap -?[\d.e-]+\.", said)
    told = json.loads(files[2].read_text("utf-8"))
    expected = vitviz.attribute(
        "integrated_gradients",
        vit,
        picture,
        target=contrast(vit, 2, 5),
        n_steps=4,
        baseline="black",
    )
    np.testing.assert_allclose(told["map"]["values"], expected.values, atol=1e-6)
    assert (told["map"]["signed"], told["target"]["other"]) == (True, 5)
    with Image.open(files[0]) as figure:
        assert "Integrated gradients for class 2" in figure.info["Title"]
    page = files[1].read_text("utf-8")
    assert 'alt="Integrated gradients for class 2 rather than class 5: the largest value' in page


def test_the_top_answer_is_set_against_a_class(
    picture: Path, tmp_path: Path, vit: vitviz.ViT, capsys: pytest.CaptureFixture[str]
) -> None:
    best, second = (index for index, _share in vitviz.trace(vit, picture).top(2))
    out = f"--out={tmp_path / 'a.json'}"
    assert explain(picture, "--method=saliency", f"--versus={second}", out) == 0
    assert f"Target: class {best} rather than class {second}." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method=saliency", "--occlusion-window=2"], "--occlusion-window is no option of the method saliency; it"),
        (["--method=occlusion", "--occlusion-window=0"], "window is 0; wanted a whole number from 1 to 64"),
        (["--method=occlusion", "--occlusion-window=4"], "window is 4 patches; the grid has 3 × 5"),
        (["--method=rise", "--replacement=removed"], "replacement 'removed' is unknown; wanted one of"),
        (["--method=class_attention", "--layer=9"], "Layer 9 does not exist; there are 2"),
        (["--method=attention", "--rather-than=3"], "--rather-than 3 belongs to explanations of a class"),
        (["--method=legrad", "--target=3", "--rather-than=3"], "Class 3 is set against itself"),
        (["--method=legrad", "--target=30"], "There is no class 30"),
    ],
)  # fmt: skip
def test_what_no_method_does_is_refused(
    options: list[str],
    message: str,
    picture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert explain(picture, *options, f"--out={tmp_path / 'a.png'}") == 2
    assert message.lower() in capsys.readouterr().err.lower()


def test_a_method_that_cannot_serve_the_model_says_why(
    picture: Path, tmp_path: Path, build_vit: Any, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    plain = vitviz.ViT.from_module(build_vit(class_token=False, global_pool="avg"), name="plain")
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: plain)
    assert explain(picture, "--method=class_attention", f"--out={tmp_path / 'a.png'}") == 2
    assert "plain has no class token" in capsys.readouterr().err


def test_options_of_several_methods_are_one_flag_with_every_default_told() -> None:
    options = {option.name: (option, owners) for option, owners in all_options()}
    assert len(options) == len({option.flag for option, _owners in options.values()})
    option, owners = options["replacement"]
    assert set(owners) == {"occlusion", "rise", "kernel_shap"}
    assert option.choices is not None
    assert "removed" in option.choices
    assert "kernel_shap 512" in help_of(*options["n_samples"])
    assert "smooth_grad 16" in help_of(*options["n_samples"])


def test_the_help_names_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["explain", "--help"])
    said = capsys.readouterr().out
    assert all(method.name in said for method in vitviz.METHODS)
