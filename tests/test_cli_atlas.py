"""The command atlas: what it prints, what it writes, how it is stopped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vitviz
from vitviz.cli import atlas as command
from vitviz.cli import main

MODEL = ["--model", "timm:vit_tiny_patch16_224", "--weights", "random", "--image-size", "32x48"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    Path("photos/class 1").mkdir(parents=True)
    for name in ("a", "b", "c"):
        noise = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(f"photos/class 1/{name}.png")
    Path("photos/class 1/d.png").write_bytes(b"tea")
    return tmp_path


def test_it_prints_a_table_and_names_what_is_broken(capsys: Any) -> None:
    assert main(["atlas", "photos", "--out", "out", *MODEL]) == 0
    output, told = capsys.readouterr()
    assert "distance" in output.splitlines()[0]
    assert len(re.findall(r"(?m)^ +\d+ +\d", output)) == 12
    assert "3 photos, 1 could not be measured" in output
    assert "class 1/d.png: This is not a picture" in output
    assert "right answers 0.000" in output
    assert "[4/4] photos" in told
    assert "photos" not in told.replace("] photos", "")


def test_json_holds_the_same_numbers_as_python(capsys: Any) -> None:
    assert main(["atlas", "photos", "--out", "out", "--json", *MODEL]) == 0
    told = json.loads(capsys.readouterr().out)
    atlas = vitviz.read_atlas("out")
    np.testing.assert_allclose(told["statistics"]["entropy"]["mean"], atlas.summary("entropy").mean)
    assert told["statistics"]["register_share"]["mean"][0] == [None] * 3
    assert told["problems"][0]["name"] == "class 1/d.png"
    assert (told["photos"], told["broken"], told["labels"]) == (3, 1, ["class 1"])


def test_several_sources_tables_and_measures(capsys: Any) -> None:
    Path("boxes.csv").write_text("file,x0,y0,x1,y1\nclass 1/a.png,0,0,19,19\n")
    options = ["--table", "boxes.csv", "--receptive-field", "--cka", "--faithfulness", "rollout", "--batch", "1"]
    assert main(["atlas", "photos", "--out", "out", "--shards", "2", *options, *MODEL]) == 0
    atlas = vitviz.read_atlas("out")
    assert (atlas.summary("box_share").count == 1).all()
    assert {"field_radius", "cka", "faithfulness"} <= set(atlas.statistics)
    files = [f"photos/class 1/{name}.png" for name in "ab"]
    assert main(["atlas", *files, "--out", "two", *MODEL]) == 0
    assert vitviz.read_atlas("two").photos == 2


def test_refusals_speak_of_options(capsys: Any) -> None:
    assert main(["atlas", "photos", "--out", "out", *MODEL]) == 0
    capsys.readouterr()
    assert main(["atlas", "photos", "--out", "out", "--batch", "2", *MODEL]) == 2
    told = capsys.readouterr().err
    assert "other settings (batch: 16, now 2)" in told
    assert "--overwrite begins anew" in told
    assert main(["atlas", "photos", "--out", "out", "--batch", "2", "--overwrite", *MODEL]) == 0
    assert main(["atlas", "photos", "--out", "x", "--seed", "1"]) == 2
    assert "belongs to random weights" in capsys.readouterr().err
    assert main(["atlas", "photos", "--out", "x", "--class-ids", "none.txt", *MODEL]) == 2
    assert "There is no file none.txt" in capsys.readouterr().err


def test_a_stop_says_that_the_work_is_kept(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "atlas", stop)
    assert main(["atlas", "photos", "--out", "out", *MODEL]) == 130
    assert "the same command goes on there" in capsys.readouterr().err
