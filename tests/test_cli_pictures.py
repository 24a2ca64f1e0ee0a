"""Pictures on the command line: every kind, windows, frames; and folders of them for the benchmark."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from tests.test_picture_files import SEVERAL, STORED, WHOLE, dicom, encoded, float_tiff, npy
from vitviz.cli import main
from vitviz.folder_walk import CYCLE, HIDDEN, NO_PICTURE, RESULTS, UNREADABLE, walk
from vitviz.images import open_photo
from vitviz.models.class_index import folder_class

MODEL = ["--model", "timm:test_vit", "--weights", "random"]
FORMS = {**WHOLE, **{name: make for name, (make, _) in SEVERAL.items()}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def explained(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["explain", "photo", "--json", *MODEL, *options]) == 0, capsys.readouterr().err
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize("name", FORMS)
def test_every_kind_of_file_is_taken(name: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "photo").write_bytes(FORMS[name]())
    told = explained(capsys)
    photo = open_photo(place / "photo")
    assert told["picture"]["digest"] == photo.digest
    assert told["notes"][: len(photo.notes)] == list(photo.notes)


@pytest.mark.parametrize("text", ["full", "range", "percentiles", "400,2000", "-5,2000"])
def test_windows_are_typed(text: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "photo").write_bytes(npy(STORED))
    told = explained(capsys, f"--window={text}")
    low, comma, high = text.partition(",")
    wanted = open_photo(place / "photo", window=(float(low), float(high)) if comma else text)
    assert told["picture"]["digest"] == wanted.digest
    assert wanted.notes[0] in told["notes"]
    assert told["settings"]["picture_window"] == ([float(low), float(high)] if comma else text)


@pytest.mark.parametrize("text", ["wide", "5,5", "9,1", "1,2,3", "nan,1", "a,b", ""])
def test_windows_that_are_none_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "photo", "--json", f"--window={text}"])
    assert stopped.value.code == 2
    assert "--window: " in (said := capsys.readouterr().err)
    assert "wanted" in said


def test_crops_are_typed_told_and_recorded(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "photo").write_bytes(encoded(Image.new("RGB", (320, 40), (90, 20, 160)), "PNG"))
    told = {crop: explained(capsys, f"--crop={crop}") for crop in ("trained", "right", "0.25", "pad", "squash", "grid")}
    seen = {crop: each["picture"]["seen"] for crop, each in told.items()}
    assert seen["right"][2] == 1
    assert seen["right"][0] == pytest.approx(1 - 0.95 / 8, abs=0.01)  # it shows 95 % of a square picture's side
    assert seen["0.25"][0] == pytest.approx(0.25 * (1 - 0.95 / 8), abs=0.01)
    assert seen["trained"][0] == pytest.approx(0.5 - 0.95 / 16, abs=0.01)
    assert seen["pad"] == [0, 0, 1, 1]
    assert told["squash"]["picture"]["stretch"] == pytest.approx(1 / 8, abs=0.01)
    assert [told[crop]["picture"]["crop"] for crop in ("right", "pad", "grid")] == [1.0, "pad", "trained"]
    height, width = told["grid"]["model"]["image_size"]
    assert width / height == pytest.approx(8, rel=0.2)
    assert told["grid"]["settings"]["picture_crop"] == "grid"
    assert main(["explain", "photo", *MODEL, "--out", "map.png"]) == 0
    assert "% of the picture; left out: 44.1% on the left" in capsys.readouterr().out
    assert main(["shuffle", "photo", *MODEL, "--crop", "left", "--shares", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"][0]["seen"][0] == 0
    with pytest.raises(SystemExit):
        main(["explain", "photo", "--crop=sideways"])
    assert "--crop: The crop 'sideways' cannot be used" in capsys.readouterr().err


def test_an_unknown_white_is_refused_with_the_terminal_s_own_option(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "photo").write_bytes(float_tiff(np.linspace(-3, 900, 2400).reshape(40, 60)))
    assert main(["explain", "photo", "--json", *MODEL]) == 2
    assert "--window range takes the lowest and the highest value" in capsys.readouterr().err
    assert explained(capsys, "--window", "range")["notes"][0].endswith("-3 is black, 900 is white")


def test_a_frame_is_chosen(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "photo").write_bytes(SEVERAL["TIFF"][0]())
    told = explained(capsys, "--frame", "3")
    assert told["notes"][0] == "picture 3 of the 3 in the file is used"
    assert told["settings"]["picture_frame"] == 3
    assert main(["explain", "photo", "--json", *MODEL, "--frame", "4"]) == 2
    assert "Frame 4 does not exist: the picture has 3" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["receptive-field", "tokens", "shuffle", "input-sizes"])
def test_all_commands_of_one_picture_open_it_alike(
    command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "photo").write_bytes(dicom(STORED, BitsStored=12))
    options = {"tokens": ["--what", "norms"], "input-sizes": ["--sizes", "160"]}.get(command, [])
    assert main([command, "photo", "--json", "--window=100,900", *MODEL, *options]) == 0, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert told["pictures"][0]["digest"] == open_photo(place / "photo", window=(100, 900)).digest
    assert "100 is black, 900 is white" in told["notes"][0]


def test_an_empty_path_and_a_folder_are_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "", "--json", *MODEL]) == 2
    assert "The path is empty" in capsys.readouterr().err
    assert main(["explain", str(place), "--json", *MODEL]) == 2
    assert "but a folder" in capsys.readouterr().err


# benchmark FOLDER


def tree(folder: Path) -> None:
    """Two classes in folders, photos outside of them, and what is no photo."""
    for number, name in enumerate(["class 3/a.png", "Class_5/deep/b.jpg", "loose.png", "other/c.gif"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    (folder / "scan").write_bytes(encoded(Image.fromarray(STORED), "TIFF"))
    (folder / "notes.txt").write_text("no photo")
    (folder / "class 3" / ".thumb.png").write_bytes(b"")
    (folder / ".hidden").mkdir()
    (folder / "back").symlink_to(folder, target_is_directory=True)
    (folder / "class 3" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "nowhere").symlink_to(folder / "none")


def test_a_tree_is_walked_once_in_order(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "out").mkdir()
    photos, passed = walk(tmp_path, leave_out=tmp_path / "out")
    names = [path.relative_to(tmp_path).as_posix() for path in photos]
    assert names == ["Class_5/deep/b.jpg", "class 3/a.png", "loose.png", "other/c.gif", "scan"]
    assert passed == {
        ".hidden": HIDDEN, "back": CYCLE, "class 3/.thumb.png": HIDDEN, "class 3/up": CYCLE, "notes.txt": NO_PICTURE,
        "nowhere": UNREADABLE, "out": RESULTS,
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter everywhere")
def test_a_folder_that_cannot_be_entered_is_told(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / "other").chmod(0)
    assert walk(tmp_path)[1]["other"] == UNREADABLE
    (tmp_path / "other").chmod(0o700)


def test_a_folder_of_image_folders_is_measured_by_its_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vit = vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", image_size=(32, 48))
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: vit)
    folder = tmp_path / "photos"
    tree(folder)
    (folder / "torn.jpg").write_bytes(b"tea")
    out = folder / "out"
    options = ["--methods", "gradient_rollout", "--steps", "2", "--random-maps", "1", "--model", vit.name]
    assert main(["benchmark", str(folder), f"--out={out}", *options, "--weights=random"]) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert "5 photos; 1 left out" in said.out
    assert "2 passed over: a link to a folder that was walked already" in said.out
    assert "1 passed over: no picture by its name or its first bytes" in said.out
    rows = list(csv.DictReader((out / "manifest.csv").read_text("utf-8").splitlines()))
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    states = {row["file"]: (row["class"], row["state"]) for row in rows}
    assert states["class 3/a.png"] == ("class 3", "measured")
    assert states["Class_5/deep/b.jpg"] == ("class 5", "measured")
    assert states["loose.png"] == states["other/c.gif"] == states["scan"] == ("", "measured")
    assert states["torn.jpg"] == ("", "left out")
    assert states["back"] == ("", "passed over")
    lines = list(csv.DictReader((out / "measurements.csv").read_text("utf-8").splitlines()))
    assert [row["photo"] for row in lines[::2]] == sorted(row["photo"] for row in lines[::2])
    pixels = vit.preprocess(folder / "Class_5/deep/b.jpg")
    mapped = vitviz.attribute("gradient_rollout", vit, pixels, target=5)
    curves = vitviz.deletion_insertion(vit, pixels, mapped, steps=2, random_maps=0)
    assert float(lines[0]["deletion"]) == pytest.approx(curves.first.area, rel=1e-4)
    assert main(["benchmark", str(folder), f"--out={out}", *options, "--weights=random", "--window=full"]) == 2
    assert "window: auto, now full" in capsys.readouterr().err


def test_folders_are_classes_where_their_names_are_known() -> None:
    vit = vitviz.load_vit()
    assert folder_class(vit, ["images", "Persian_cat", "train"], {}) == 31
    assert folder_class(vit, ["n1"], {"n1": "persian cat"}) == 31
    assert folder_class(vit, ["31", "pets"], {}) is None
    assert folder_class(vit, [], {}) is None
