"""The command line: what it says, what it writes, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.assets import ASSETS, ATLASES
from vitviz.attention.rollout_view import rollout_view
from vitviz.attention.view import attention_view
from vitviz.cli import main, outputs, serve
from vitviz.cli.methods import VIEWS
from vitviz.errors import OptionError, VitvizError
from vitviz.examples import examples
from vitviz.export.arrays import read_npz
from vitviz.images import WANTED
from vitviz.models.model_folder import VARIABLE

MODEL = ["--model", "timm:vit_tiny_patch16_224", "--weights", "random", "--image-size", "32x48"]
DOG = ["example:dog", "--out=a.png"]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    noise = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit(MODEL[1], weights="random", image_size=(32, 48))


@pytest.fixture
def loaded(vit: vitviz.ViT, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the small model once for all tests that do not test the loading."""
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: vit)


def explain(*arguments: object) -> int:
    return main(["explain", *(str(argument) for argument in arguments)])


def test_explain_writes_every_kind_of_file_and_says_so(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], vit: vitviz.ViT
) -> None:
    files = [tmp_path / f"view.{suffix}" for suffix in ("png", "html", "npz", "json")]
    code = explain(picture, *MODEL, "--layer", 3, "--head", 1, "--query", 4, *(f"--out={file}" for file in files))
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert said.out.startswith(
        "photo.png, timm:vit_tiny_patch16_224 (random, seed 0), "
        "layer 3, head 1: where patch 4 (row 2, column 2) looks.\n"
        "Top 5 of 1000 classes: class "
    )
    assert f" ms; wrote {', '.join(str(file) for file in files)}.\n" in said.out
    assert said.out.endswith(" (--crop chooses).\n")  # what the middle crop leaves out of this picture

    wanted = attention_view(vitviz.trace(vit, picture), layer=3, head=1, query=4)
    arrays, manifest = read_npz(files[2])
    np.testing.assert_array_equal(arrays["values"], wanted.values)
    told = json.loads(files[3].read_text(encoding="utf-8"))
    np.testing.assert_allclose(told["map"].pop("values"), wanted.values, atol=1e-9)
    assert told == manifest
    assert told["settings"] == {
        "method": "attention",
        "layer": 3,
        "head": 1,
        "query": "4",
        "direction": "attends_to",
        "palette": "viridis",
        "opacity": 0.6,
        "interpolate": False,
    }
    assert told["picture"]["name"] == "photo.png"
    with Image.open(files[0]) as figure:
        assert figure.width == round(180 / 25.4 * 300)
        assert figure.info["Title"] == "Layer 3, head 1: where patch 4 (row 2, column 2) looks"
        assert "2 by 3 patches. Special tokens: class " in figure.info["Description"]
    page = files[1].read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert 'id="component"' in page
    assert "<h1>Attention of layer 3</h1>" in page
    assert not any(
        str(folder) in file.read_text(encoding="utf-8") for file in files[1::2] for folder in (tmp_path, picture.parent)
    )


@pytest.mark.usefixtures("loaded")
def test_rollout_takes_its_own_options(picture: Path, tmp_path: Path, vit: vitviz.ViT) -> None:
    options = {"head_fusion": "max", "discard_ratio": 0.3, "residual": 0.25, "start_layer": 2}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    out = tmp_path / "rollout.npz"
    assert explain(picture, "--method", "rollout", *flags, "--query=mean", "--out", out) == 0
    arrays, manifest = read_npz(out)
    wanted = rollout_view(vitviz.trace(vit, picture), "mean", **options)
    np.testing.assert_array_equal(arrays["values"], wanted.values)
    assert manifest["settings"].items() >= options.items()
    assert manifest["settings"]["query"] == "mean"


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("palette", outputs.PALETTES)
def test_palettes_opacity_and_smoothing_change_the_figure(picture: Path, tmp_path: Path, palette: str) -> None:
    plain, other = tmp_path / "plain.png", tmp_path / "other.png"
    assert explain(picture, "--palette", palette, "--out", plain) == 0
    assert explain(picture, "--palette", palette, "--opacity", "0.9", "--interpolate", "--out", other) == 0
    with Image.open(plain) as first, Image.open(other) as second:
        assert not np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.usefixtures("loaded")
def test_the_default_query_is_said(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(picture, "--out", tmp_path / "a.json") == 0
    assert "where the class token looks (the default).\n" in capsys.readouterr().out
    assert explain(picture, "--query", "class", "--overwrite", "--out", tmp_path / "a.json") == 0
    assert "where the class token looks.\n" in capsys.readouterr().out


def test_a_model_without_class_token_and_classifier_is_explained(
    picture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    build_vit: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = vitviz.ViT.from_module(build_vit(num_classes=0, class_token=False, global_pool="map"), name="plain")
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: plain)
    files = [tmp_path / "mean.json", tmp_path / "mean.html"]
    assert explain(picture, *(f"--out={file}" for file in files)) == 0
    said = capsys.readouterr().out
    assert "where the patches look on average (the default: the model has no class token).\n" in said
    assert "No classifier, so no answers. " in said
    told = json.loads(files[0].read_text(encoding="utf-8"))
    assert (told["answers"], told["settings"]["query"]) == ([], "mean")
    assert f"starts at patch {told['map']['strongest']['patch']}, the strongest of the mean" in said

    assert explain(picture, "--query", "pool", f"--out={tmp_path / 'pool.html'}") == 0
    assert "attention pooling, mean of 2 heads: where the learned query looks." in capsys.readouterr().out
    page = (tmp_path / "pool.html").read_text(encoding="utf-8")
    assert '<img alt="' in page
    assert 'id="component"' not in page
    assert explain(picture, "--target", "3", f"--out={tmp_path / 'a.json'}") == 2
    assert "plain has no classifier" in capsys.readouterr().err


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("target", ["7", "class 7", "CLASS 7"])
def test_a_target_is_a_number_or_a_name(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    assert explain(picture, "--target", target, "--out", tmp_path / "a.json") == 0
    assert "Target: class 7; the map of attention does not depend on it.\n" in capsys.readouterr().out
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert told["target"] == {"class_index": 7, "label": "class 7"}


def test_a_checksum_is_cut_where_people_read_it() -> None:
    assert outputs.short(f"a.safetensors, SHA-256 {'0123abcd' * 8}") == "a.safetensors, SHA-256 0123abcd…"
    assert outputs.short("random, seed 0") == "random, seed 0"


@pytest.mark.usefixtures("loaded")
def test_what_was_changed_on_opening_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGBA", (40, 40), (255, 0, 0, 90)).save(tmp_path / "clear.png")
    assert explain(tmp_path / "clear.png", "--out", tmp_path / "a.json") == 0
    assert "The picture was changed on opening: transparent parts were laid on white.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "99"], "Layer 99 does not exist; there are 12. Give one from 0 to 11."),
        (["--head", "abc"], "Head 'abc' is unknown; wanted 'mean', 'max' or a number from 0 to 2"),
        (["--query", "-1"], "There is no query '-1'; wanted a patch number from 0 to 5"),
        (["--target", "1000"], "There is no class 1000"),
        (
            ["--target", "class7"],
            "has no class 'class7'; wanted one of 1000 classes by number or name. Did you mean 'class 7'",
        ),
        (["--method", "rollout", "--layer", "3"], "--layer is no option of the method rollout; wanted --query, "),
        (["--residual", "0.1"], "--residual is no option of the method attention; wanted --layer, "),
        (["--method", "rollout", "--residual", "2"], "--residual is 2.0; wanted a number from 0 to 1"),
        (["--opacity", "1.5"], "--opacity is 1.5; wanted 0 (the photo alone) to 1"),
    ],
)
def test_a_wrong_option_ends_with_its_reason_and_code_2(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    out = tmp_path / "view.png"
    assert explain(picture, *arguments, "--out", out) == 2
    said = capsys.readouterr()
    assert said.err.startswith("vitviz: ")
    assert message in said.err
    assert said.out == ""
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["example:koalla", "--out=a.png"], "no example photo 'koalla'; .* Did you mean 'koala'"),
        (["nowhere.jpg", "--out=a.png"], "There is no picture at nowhere.jpg"),
        (["example:dog", "--out=a.pgn"], r"a.pgn has the suffix '.pgn'; .* Did you mean '.png'"),
        (["example:dog", "--out=a"], "a has the suffix ''; wanted one of .png, .html, .npz, .json"),
        (["example:dog", "--out=nowhere/a.png"], "There is no folder nowhere for a.png"),
        (["example:dog", "--out=folder.png"], "folder.png is a folder"),
        (["example:dog", "--out=a.png", "--out=a.png"], "The same file is given twice"),
        (["example:dog", "--seed=3", "--out=a.png"], "--seed 3 belongs to random weights; got --weights pretrained"),
        ([*DOG, "--model=timm:vit_tiny_patch16_225"], "Did you mean 'vit_tiny_patch16_224'"),
        ([*DOG, "--model=timm:vit_tiny_patch16_224", "--weights=no.safetensors"], "no weights file at no.safetensors"),
        ([*DOG, "--model=timm:swin_tiny_patch4_window7_224", "--weights=random"], "attend inside windows"),
    ],
    ids=str,
)
def test_what_cannot_be_done_ends_with_its_reason_and_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    assert explain(*arguments) == 2
    assert re.search(message, capsys.readouterr().err)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.usefixtures("loaded")
def test_a_file_that_cannot_be_written_is_no_traceback(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert explain(picture, "--out", tmp_path / "a.json") == 2
    assert "a.json could not be written (No space left on device)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["explian"], "invalid choice: 'explian'"),
        (["explain", "a.png"], "required: --out (or --json)"),
        (["explain", "a.png", "--out=a.png", "--method=atention"], "invalid choice: 'atention'"),
        (["explain", "a.png", "--out=a.png", "--layer=two"], "--layer: invalid int value: 'two'"),
        (["explain", "a.png", "--out=a.png", "--image-size=big"], "'big' is no size; wanted one number, or height"),
        (["explain", "a.png", "--out=a.png", "--lay=2"], "unrecognized arguments: --lay=2"),
        (["serve", "--port=http"], "invalid int value: 'http'"),
    ],
    ids=str,
)
def test_arguments_that_no_command_understands_end_with_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_every_option_of_a_method_is_a_keyword_of_its_function(picture: Path, vit: vitviz.ViT) -> None:
    trace = vitviz.trace(vit, picture)
    for method in VIEWS:
        assert method.view is not None
        view = method.view(trace, **method.choose({"direction": "attended_by"}))
        assert view.values.shape == (2, 3)
        assert view.label not in method.view(trace, **method.choose({"direction": "attends_to"})).label


def test_models_lists_what_needs_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    said = capsys.readouterr().out
    assert "\n  default  ViT-S/14" in said
    assert "\n  example:koala  Koala\n" in said
    assert "--timm PATTERN" in said


def test_models_prints_json_and_finds_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json", "--timm", "deit_tiny"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["timm"] == ["timm:deit_tiny_distilled_patch16_224", "timm:deit_tiny_patch16_224"]
    assert [each["id"] for each in listed["examples"]] == [each.id for each in examples()]
    assert [model["name"] for model in listed["shipped"]] == ["default", "cnn"]
    assert isinstance(listed["shipped"][0]["present"], bool)
    assert isinstance(listed["cached"], list)
    assert main(["models", "--timm", "*_small_patch14_dinov2"]) == 0
    assert "\n  timm:vit_small_patch14_dinov2\n" in capsys.readouterr().out


def test_models_answers_an_unknown_pattern_with_near_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--timm", "deit_tiny_patch16_225"]) == 2
    assert "fits 'deit_tiny_patch16_225'; wanted part of a name" in capsys.readouterr().err


def test_serve_listens_to_this_machine_unless_told_otherwise() -> None:
    app = Path("app.py")
    start = [sys.executable, "-m", "streamlit", "run", "app.py"]
    assert serve.command(app, {}, port=None, address=None) == [*start, "--server.address=127.0.0.1"]
    assert serve.command(app, {"STREAMLIT_SERVER_ADDRESS": "::1"}, port=8600, address=None) == [
        *start,
        "--server.port=8600",
    ]
    assert serve.command(app, {}, port=80, address="0.0.0.0") == [
        *start,
        "--server.address=0.0.0.0",
        "--server.allowedHosts=*",
        "--server.port=80",
    ]
    assert serve.command(app, {"STREAMLIT_SERVER_ALLOWED_HOSTS": "a.local"}, port=None, address="0.0.0.0") == [
        *start,
        "--server.address=0.0.0.0",
    ]
    opened = serve.command(app, {}, port=None, address=None, browser=True)
    assert opened == [*start, "--server.address=127.0.0.1", "--server.headless=false"]
    with pytest.raises(OptionError, match="There is no port 70000; wanted one from 1 to 65535"):
        serve.command(app, {}, port=70000, address=None)
    assert serve.placing({}, device=None, precision=None) == {}
    told = {"VITVIZ_DEVICE": "cpu", "VITVIZ_PRECISION": "float16"}
    assert serve.placing(told, device=None, precision="bfloat16") == told | {"VITVIZ_PRECISION": "bfloat16"}
    with pytest.raises(OptionError, match="There is no device 'tpu'; here are cpu"):
        serve.placing({"VITVIZ_DEVICE": "tpu"}, device=None, precision=None)


def test_serve_names_the_folder_of_models_to_the_dashboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr("os.execv", lambda *_: seen.append(os.environ[VARIABLE]))
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    assert main(["serve", "--models", "mine"]) == 0
    assert seen == [str(tmp_path / "mine")]  # in full: the dashboard runs in another folder
    monkeypatch.chdir(tmp_path)
    assert main(["serve", "--models", "none"]) == 2
    assert "There is no folder of models at none" in capsys.readouterr().err


def test_serve_takes_finished_atlases_alone(tmp_path: Path) -> None:
    shipped = [ATLASES / name for name in ("default", "examples")]
    assert serve.atlas_folders(shipped) == os.pathsep.join(map(str, shipped))
    (tmp_path / "half").mkdir()
    (tmp_path / "half/atlas.json").write_bytes((shipped[0] / "atlas.json").read_bytes())
    with pytest.raises(OptionError, match="half is not finished"):
        serve.atlas_folders([*shipped, tmp_path / "half"])
    with pytest.raises(OptionError, match="There is no atlas in .*none"):
        serve.atlas_folders([tmp_path / "none"])
    (tmp_path / "half/atlas.npz").write_bytes((shipped[0] / "atlas.npz").read_bytes())
    with pytest.raises(OptionError, match="half lacks its list of photos"):
        serve.atlas_folders([tmp_path / "half"])
    (tmp_path / "half/photos.csv").write_bytes((shipped[0] / "photos.csv").read_bytes())
    (tmp_path / "half/atlas.npz").write_bytes((shipped[0] / "atlas.npz").read_bytes()[:-1000])
    with pytest.raises(OptionError, match="half cannot be read"):
        serve.atlas_folders([tmp_path / "half"])


def test_serve_needs_the_dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VitvizError, match=r"There is no app\.py beside the package"):
        serve.app_file(tmp_path)
    assert serve.app_file(ASSETS.parent).is_file()
    monkeypatch.setattr("vitviz.cli.serve.find_spec", lambda name: None)
    with pytest.raises(VitvizError, match=r"needs Streamlit, which is not installed"):
        serve.app_file(ASSETS.parent)


def test_a_process_of_its_own_imports_no_dashboard_library(picture: Path, tmp_path: Path) -> None:
    files = [f"--out={tmp_path / name}" for name in ("a.png", "a.html")]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "vitviz", "explain", str(picture), *MODEL, *files],
        capture_output=True,
        text=True,
        cwd=ASSETS.parent,
        check=True,
    )
    assert " ms; wrote " in done.stdout
    assert "vitviz.ui.components.sources" in done.stderr  # the list of imports, on the error output
    assert "streamlit" not in done.stderr


def test_python_m_vitviz_ends_with_the_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["vitviz", "explain", "nowhere.jpg", "--out", "a.png"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("vitviz", run_name="__main__")
    assert ended.value.code == 2
    told = f"vitviz: There is no picture at nowhere.jpg. Check the path; wanted {WANTED}.\n"
    assert capsys.readouterr().err == told
