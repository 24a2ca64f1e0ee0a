"""The command benchmark: its files, resuming, stopping, and what it refuses."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.cli import benchmark, main
from vitviz.cli.benchmark_store import BenchmarkStore
from vitviz.cli.photo_folder import read_folder
from vitviz.errors import OptionError

MODEL = ["--model", "timm:vit_tiny_patch16_224", "--weights", "random", "--image-size", "32x48"]
TEST = ["--methods", "rollout,gradient_rollout", "--steps", "2", "--random-maps", "1"]


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit(MODEL[1], weights="random", image_size=(32, 48))


@pytest.fixture
def photos(tmp_path: Path, vit: vitviz.ViT, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three photos, one file that is none, and a table; the model is loaded once."""
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", lambda *_, **__: vit)
    folder = tmp_path / "photos"
    folder.mkdir()
    drawn = np.random.default_rng(0)
    for name in "abc":
        noise = drawn.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{name}.png")
    (folder / "broken.jpg").write_bytes(b"tea")
    (tmp_path / "boxes.tsv").write_text(
        "file\tclass\tx0\ty0\tx1\ty1\na.png\t3\t0\t0\t29\t39\nb.png\tclass 5\t5\t5\t20\t20\n"
        "c.png\t1\t0\t0\t60\t39\nbroken.jpg\t0\t0\t0\t9\t9\n"
    )
    return folder


def run(folder: Path, *options: object) -> int:
    out = folder.parent / "out"
    return main(["benchmark", str(folder), f"--out={out}", *MODEL, *TEST, *map(str, options)])


def lines(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((folder.parent / "out" / name).read_text("utf-8").splitlines()))


def test_a_folder_becomes_a_table_and_bad_files_are_listed(
    photos: Path, capsys: pytest.CaptureFixture[str], vit: vitviz.ViT
) -> None:
    assert run(photos, "--table", photos.parent / "boxes.tsv") == 0
    output, said = capsys.readouterr()
    assert "[1/4] a.png measured" in said
    assert re.search(r"broken.jpg left out: This is not a", said)
    assert "c.png left out: The box (0, 0, 61, 40) is empty or reaches outside the photo of 60 × 40" in said
    assert "2 photos; 2 left out" in output
    rows = lines(photos, "measurements.csv")
    assert [(row["photo"], row["method"]) for row in rows[:3]] == [
        ("a.png", "rollout"), ("a.png", "gradient_rollout"), ("a.png", "random"),
    ]  # fmt: skip
    pixels = vit.preprocess(Image.open(photos / "a.png").convert("RGB"))
    mapped = vitviz.attribute("gradient_rollout", vit, pixels, target=3)
    curves = vitviz.deletion_insertion(vit, pixels, mapped, steps=2, random_maps=0)
    assert float(rows[1]["deletion"]) == pytest.approx(curves.first.area, rel=1e-4)
    table = lines(photos, "table.csv")
    assert {row["method"] for row in table} == {"rollout", "gradient_rollout", "random"}
    assert all(row["deletion_photos"] == row["energy_photos"] == "2" for row in table)
    page = (photos.parent / "out" / "table.html").read_text("utf-8")
    assert page.count('<th scope="row">') == 3
    assert 'aria-sort="descending"' in page
    assert "broken.jpg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_it_goes_on_where_it_was_and_half_a_photo_is_measured_again(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, seen = benchmark.measure_photo, []

    def stopped(*given: Any, **options: Any) -> Any:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return measure(*given, **options)

    monkeypatch.setattr(benchmark, "measure_photo", stopped)
    assert run(photos) == 130
    assert "1 photos. Wrote" in capsys.readouterr().out
    kept = photos.parent / "out" / "measurements.csv"
    first = kept.read_text("utf-8")
    kept.write_text(first + "b.png,1,rollout,0.5\n", "utf-8")
    assert run(photos) == 0
    assert "1 of 4 photos are measured already" in capsys.readouterr().err
    assert kept.read_text("utf-8").startswith(first)
    assert len(lines(photos, "measurements.csv")) == 9
    assert run(photos, "--replacement", "black") == 2
    assert re.search(r"other settings \(replacement: blur, now black\)", capsys.readouterr().err)


def test_equal_names_in_two_folders_are_two_photos(photos: Path) -> None:
    for place, source in (("cat", "a.png"), ("dog", "b.png")):
        (photos / place).mkdir()
        shutil.copy(photos / source, photos / place / "1.png")
    table = photos.parent / "boxes.tsv"
    table.write_text("file\tclass\ncat/1.png\t3\n./dog/1.png\t5\n")
    assert run(photos, "--table", table) == 0
    rows = lines(photos, "measurements.csv")
    assert [row["photo"] for row in rows] == ["cat/1.png"] * 3 + ["dog/1.png"] * 3
    assert rows[0]["deletion"] != rows[3]["deletion"]
    assert list(rows[0])[:3] == ["photo", "right", "method"]


def test_a_copy_goes_on_and_other_photos_of_the_same_names_are_refused(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = photos.parent / "out"
    assert run(photos) == 0
    before = (out / "measurements.csv").read_bytes()
    copy = shutil.copytree(photos, photos.parent / "copy")
    assert run(copy) == 0
    assert "3 of 4 photos are measured already" in capsys.readouterr().err
    shutil.copy(copy / "a.png", copy / "b.png")
    (copy / "c.png").unlink()
    assert run(copy) == 2
    assert re.search(
        r"out holds measurements of other photos: b.png, c.png \(2 of 3\) cannot be found in .*copy.* to go on",
        capsys.readouterr().err,
    )
    assert (out / "measurements.csv").read_bytes() == before


def test_what_the_table_and_the_ids_hold_must_stay_the_same(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, ids = photos.parent / "boxes.tsv", photos.parent / "ids.txt"
    ids.write_text("n3\tclass 3\n")
    assert run(photos) == 0
    assert run(photos, "--table", table, "--class-ids", ids) == 2
    told = capsys.readouterr().err
    assert re.search(r"\(table: None, now content \w{16}; --class-ids: None, now content \w{16}\)", told)
    settings = photos.parent / "out" / "settings.json"
    old = json.loads(settings.read_text())
    del old["table"], old["class_ids"]
    settings.write_text(json.dumps(old))
    assert run(photos) == 2
    assert "table: not recorded, now None" in capsys.readouterr().err


def test_texts_in_another_encoding_are_named(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = photos.parent / "bad.txt"
    bad.write_bytes("file\tclass\na.png\tcafé\n".encode("cp1252"))
    for option in ("--table", "--class-ids"):
        assert run(photos, option, bad) == 2
        assert "bad.txt is no UTF-8 text" in capsys.readouterr().err


def test_a_photo_that_cannot_be_read_is_left_out(
    photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.read_bytes

    def guarded(path: Path) -> bytes:
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr(Path, "read_bytes", guarded)
    assert run(photos) == 0
    output, said = capsys.readouterr()
    assert re.search(r"a.png left out: .* cannot be read \(Permission denied\)", said)
    assert "2 photos; 2 left out" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "tea"], "There is no method 'tea'"),
        (["--knob", "rise.n_masks"], "--knob rise.n_masks is no knob; wanted METHOD.NAME=VALUE"),
        (["--knob", "rise.tea=1"], "rise has no knob 'tea'"),
        (["--knob", "rise.n_masks=one"], "n_masks is 'one'; wanted a whole number from 2"),
        (["--photos", "0"], "--photos is 0; wanted at least 1"),
        (["--table", "tea.tsv"], "There is no table tea.tsv"),
        (["--class-ids", "tea.txt"], "There is no file tea.txt"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    photos: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(photos, *options) == 2
    assert message in capsys.readouterr().err


def test_a_folder_is_read_with_its_table(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [entry.name for entry in read_folder(tmp_path).entries] == ["a.png", "b.JPG"]
    drawn = [read_folder(tmp_path, count=1, seed=seed).entries[0].name for seed in range(8)]
    assert set(drawn) == {"a.png", "b.JPG"}
    table = tmp_path / "t.csv"
    table.write_text("file,wnid,x0,y0,x1,y1\na.png,n01,1,2,3,4\n")
    (entry,) = read_folder(tmp_path, table).entries
    assert (entry.label, entry.box) == ("n01", (1, 2, 4, 5))
    for text, message in (
        ("name\na.png\n", "has the columns name; wanted file"),
        ("file,x0\na.png,1\n", "all of x0, y0, x1, y1"),
        ("file,x0,y0,x1,y1\na.png,1,2,three,4\n", "The box of a.png in t.csv is"),
        ("file\n", "There is no photo in"),
        ("file,class\na.png,1\n,2\n", "A line of t.csv has no file; wanted a photo's path"),
        ("file\na.png\nb.JPG\n./a.png\n", "t.csv lists a.png more than once; wanted each"),
    ):
        table.write_text(text)
        with pytest.raises(OptionError, match=message):
            read_folder(tmp_path, table)
    with pytest.raises(OptionError, match="There is no folder"):
        read_folder(tmp_path / "tea")


def test_ids_stand_for_names(vit: vitviz.ViT, tmp_path: Path) -> None:
    from vitviz.models.class_index import class_index

    assert class_index(vit, "n7", {"n7": vit.class_names[7]}) == 7
    assert class_index(vit, vit.class_names[3].upper()) == 3
    with pytest.raises(OptionError, match="has no class 'n8'"):
        class_index(vit, "n8", {"n7": "tea"})
    store = BenchmarkStore(tmp_path / "x", {"methods": []})
    assert store.measured == {}
