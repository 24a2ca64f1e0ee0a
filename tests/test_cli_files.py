"""No command writes over a file that it reads, or over another one without --overwrite, and none leaves half a file."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz import files
from vitviz.cli import main, picture_options
from vitviz.cli.answer import files_read

NAME = "timm:vit_tiny_patch16_224"
MODEL = ["--model", NAME, "--weights", "random", "--image-size", "32x48"]
COMMANDS: dict[str, list[str]] = {
    "explain": ["explain", "PHOTO"],
    "receptive-field": ["receptive-field", "PHOTO", "OTHER"],
    "tokens": ["tokens", "PHOTO", "--what", "similarity", "--second", "OTHER"],
    "positions": ["positions"],
    "shuffle": ["shuffle", "PHOTO", "--shares", "0.5"],
    "input-sizes": ["input-sizes", "PHOTO", "--sizes", "32"],
}


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit(NAME, weights="random", image_size=(32, 48))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, vit: vitviz.ViT, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two photos, the first with a soft and a hard link, where the command is called."""
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: vit)
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("photo.png", "other.png")):
        noise = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(name)
    Path("soft.png").symlink_to("photo.png")
    Path("hard.png").hardlink_to("photo.png")
    return tmp_path


def call(command: str, *options: str) -> int:
    words = {"PHOTO": "photo.png", "OTHER": "other.png"}
    return main([*(words.get(word, word) for word in COMMANDS[command]), *MODEL, *options])


def state(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("out", ["photo.png", "./photo.png", "soft.png", "hard.png", "../{name}/photo.png"])
@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "positions"])
def test_the_photo_is_never_replaced(command: str, out: str, folder: Path, capsys: Any) -> None:
    before = state(folder)
    for overwrite in ([], ["--overwrite"]):
        assert call(command, f"--out={out.format(name=folder.name)}", *overwrite) == 2
        assert "cannot be written as well" in capsys.readouterr().err
    assert state(folder) == before


@pytest.mark.parametrize("command", ["receptive-field", "tokens"])
def test_neither_is_the_second_photo(command: str, folder: Path, capsys: Any) -> None:
    before = state(folder)
    assert call(command, "--out=a.json", "--out=other.png", "--overwrite") == 2
    assert "other.png is read" in capsys.readouterr().err
    assert state(folder) == before


@pytest.mark.parametrize("option", ["--weights", "--class-names"])
@pytest.mark.parametrize("command", COMMANDS)
def test_neither_are_weights_and_names(command: str, option: str, folder: Path, capsys: Any) -> None:
    Path("kept.json").write_text("kept")
    Path("again.json").symlink_to("kept.json")
    for name in ("kept.json", "again.json"):
        assert call(command, option, "kept.json", f"--out={name}", "--overwrite") == 2
        assert f"{name} is read" in capsys.readouterr().err
    assert Path("kept.json").read_text() == "kept"


def test_an_example_photo_and_a_file_address_are_read_too(folder: Path) -> None:
    import argparse

    from vitviz.examples import example

    given = argparse.Namespace(
        image="example:cat", second=(folder / "photo.png").as_uri(), seed=3, other=["other.png", "example:tea"], out="x"
    )
    assert files_read(given) == [example("cat").path, folder / "photo.png", Path("other.png")]


def test_neither_is_what_is_read_beside_the_weights(folder: Path, capsys: Any) -> None:
    for place in ("plain", "of transformers"):
        Path(place).mkdir()
        for name in ("model.safetensors", "model.safetensors.index.json", "config.json", "adapter_config.json"):
            (folder / place / name).write_text("kept")
    Path("soft.json").symlink_to("plain/config.json")
    before = state(folder)
    for model, out in (
        (["--weights", "plain/model.safetensors"], "plain/config.json"),
        (["--weights", "plain/model.safetensors"], "soft.json"),
        (["--weights", "plain/model.safetensors"], "plain/adapter_config.json"),
        (["--weights", "plain/model.safetensors"], "plain/model.safetensors.index.json"),
        (["--model", "hf:of transformers"], "of transformers/config.json"),
    ):
        assert call("explain", *model, f"--out={out}", "--overwrite") == 2
        assert "cannot be written as well" in capsys.readouterr().err
    assert state(folder) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_there_already_needs_overwrite(command: str, folder: Path, capsys: Any) -> None:
    Path("a.json").write_text("{}")
    assert call(command, "--out=a.json") == 2
    assert "a.json exists already. Choose another name, or add --overwrite" in capsys.readouterr().err
    assert Path("a.json").read_text() == "{}"
    assert call(command, "--out=a.json", "--overwrite") == 0
    assert json.loads(Path("a.json").read_text())["vitviz_manifest"] == 1
    assert not list(folder.glob(".vitviz*"))


@pytest.mark.parametrize("command", COMMANDS)
def test_two_names_of_one_place_are_refused(command: str, folder: Path, capsys: Any) -> None:
    Path("later.json").symlink_to("a.json")
    assert call(command, "--out=a.json", "--out=later.json") == 2
    assert "The same file is given twice" in capsys.readouterr().err
    assert not Path("a.json").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("stopped", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stop"])
def test_a_full_disk_or_ctrl_c_leaves_the_old_files(
    command: str, stopped: BaseException, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("a.json", "a.npz"):
        Path(name).write_text("old")
    before, calls = state(folder), []

    def broken(path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise stopped

    monkeypatch.setattr(files, "_settle", broken)
    code = call(command, "--out=a.json", "--out=a.npz", "--overwrite")
    said = capsys.readouterr()
    assert (code, said.out) == ((130, "") if isinstance(stopped, KeyboardInterrupt) else (2, ""))
    assert code == 130 or "a.npz could not be written (No space left on device)" in said.err
    assert state(folder) == before


@pytest.mark.parametrize(
    ("out", "message"),
    [("none/a.json", "There is no folder none"), ("folder.json", "is a folder"), ("/proc/a.json", "cannot be written")],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_computed(
    out: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    Path("folder.json").mkdir()
    monkeypatch.setattr(picture_options, "open_photo", None)
    assert call("explain", f"--out={out}") == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(folder: Path, capsys: Any) -> None:
    Path("locked").mkdir(mode=0o555)
    assert call("explain", "--out=locked/a.json") == 2
    assert "cannot be written to (Permission denied)" in capsys.readouterr().err


BENCH = ["benchmark", "photos", "--out", "out", *MODEL, "--methods", "rollout", "--steps", "2", "--random-maps", "1"]


@pytest.fixture
def photos(folder: Path) -> Path:
    Path("photos").mkdir()
    Path("photo.png").rename("photos/a.png")
    return folder / "photos"


@pytest.mark.parametrize("name", ["table.csv", "settings.json", "photos.csv", "peak_memory.json"])
def test_a_benchmark_takes_no_folder_of_somebody_else(name: str, photos: Path, capsys: Any) -> None:
    Path("out").mkdir()
    Path("out", name).write_text("mine")
    assert main(BENCH) == 2
    assert f"{name} exists already" in capsys.readouterr().err
    assert [path.read_text() for path in Path("out").iterdir()] == ["mine"]
    assert main([*BENCH, "--overwrite"]) == 0
    assert Path("out", name).read_text() != "mine"


def test_a_benchmark_goes_on_by_itself_and_begins_anew_when_told(photos: Path, capsys: Any) -> None:
    assert main(BENCH) == 0
    assert main(BENCH) == 0
    assert "1 of 1 photos are measured already" in capsys.readouterr().err
    assert main([*BENCH, "--replacement", "black"]) == 2
    assert "add --overwrite to begin anew" in capsys.readouterr().err
    assert main([*BENCH, "--replacement", "black", "--overwrite"]) == 0
    assert "[1/1] a.png measured" in capsys.readouterr().err
    assert json.loads(Path("out/settings.json").read_text())["replacement"] == "black"


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
@pytest.mark.parametrize("source", ["photos/a.png", "boxes.tsv", "ids.txt"])
def test_a_benchmark_replaces_nothing_that_it_reads(source: str, link: str, photos: Path, capsys: Any) -> None:
    Path("boxes.tsv").write_text("file\na.png\n")
    Path("ids.txt").write_text("n1\tclass 1\n")
    before = state(photos.parent)
    Path("out").mkdir()
    getattr(Path("out/table.csv"), link)(Path(source).absolute())
    assert main([*BENCH, "--table", "boxes.tsv", "--class-ids", "ids.txt", "--overwrite"]) == 2
    assert "table.csv is read" in capsys.readouterr().err
    Path("out/table.csv").unlink()
    assert state(photos.parent) == before


def test_a_full_disk_ends_a_benchmark_and_nothing_measured_is_lost(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert main(BENCH) == 0
    before = state(Path("out"))
    Image.new("RGB", (40, 40)).save("photos/b.png")

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files, "_settle", full)
        assert main(BENCH) == 2
    assert "could not be written (No space left on device)" in capsys.readouterr().err
    assert state(Path("out")) == before
    assert main(BENCH) == 0
    assert "1 of 2 photos are measured already" in capsys.readouterr().err
