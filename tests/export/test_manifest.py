"""The manifest says what a view was made of, in plain values, and nothing about the machine's folders."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import vitviz
from vitviz.attention.view import attention_view
from vitviz.errors import OptionError
from vitviz.export.json_text import json_text, write_json
from vitviz.export.manifest import file_name, manifest, versions
from vitviz.export.settings import ViewSettings

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=timezone(timedelta(hours=2)))


@pytest.fixture(scope="module")
def vit(build_vit: Callable[..., Any]) -> vitviz.ViT:
    return vitviz.ViT.from_module(build_vit(img_size=(16, 24)), name="mine", weights="random, seed 0")


def made(vit: vitviz.ViT, **options: Any) -> dict[str, Any]:
    pixels = torch.rand(3, 16, 24, generator=torch.Generator().manual_seed(1))
    trace = vitviz.trace(vit, pixels, target=4, edit=vitviz.Edit(temperature={1: 2.0}, ablate_heads=[(0, 1)]))
    settings = ViewSettings(layer=1, head=0, query="3", image_size=(16, 24)).describe()
    given = {"trace": trace, "vit": vit, "photo_digest": "abc", "picture_name": "/home/ana/koala.jpg"}
    return manifest(**(given | {"settings": settings, "created": NOON} | options))


def test_the_manifest_holds_all_that_made_the_view(vit: vitviz.ViT) -> None:
    written = made(vit)
    assert written["created"] == "2026-03-01T10:00:05Z"
    assert written["model"] == {
        "name": "mine",
        "weights": "random, seed 0",
        "image_size": [16, 24],
        "layers": 2,
        "heads": [2, 2],
        "grid": {"rows": 2, "columns": 3, "patch_size": [8, 8], "prefix": ["class"]},
        "device": "cpu",
        "notes": list(vit.notes),
        "precision": "float32",
        "multi_label": False,
    }
    assert written["picture"]["name"] == "koala.jpg"
    assert written["picture"]["digest"] == "abc"
    assert written["target"] == {"class_index": 4, "label": "class 4"}
    assert written["edit"] == {"temperature": {"1": 2.0}, "ablate_heads": [[0, 1]], "mask_tokens": []}
    assert written["settings"] == {
        "method": "attention",
        "layer": 1,
        "head": 0,
        "query": "3",
        "direction": "attends_to",
        "hide_special": True,
    }
    assert "licences" in written["licence"]


def test_the_answers_are_the_five_most_probable_classes(vit: vitviz.ViT) -> None:
    answers = made(vit)["answers"]
    shares = [answer["probability"] for answer in answers]
    assert len(answers) == 5
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) < 1
    assert all(answer["name"] == f"class {answer['class']}" for answer in answers)


def test_a_model_without_classifier_has_no_answers(build_vit: Callable[..., Any]) -> None:
    plain = vitviz.ViT.from_module(build_vit(num_classes=0))
    trace = vitviz.trace(plain, torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1)))
    written = manifest(trace=trace, vit=plain, photo_digest="", picture_name="a.png", settings={})
    assert written["answers"] == []
    assert written["target"] is None
    assert "map" not in written
    assert abs(datetime.now(UTC) - datetime.fromisoformat(written["created"])) < timedelta(minutes=5)


def test_the_numbers_beside_the_map_are_added_on_request(vit: vitviz.ViT) -> None:
    trace = vitviz.trace(vit, torch.zeros(3, 16, 24))
    view = attention_view(trace, layer=0, query="class")
    assert made(vit, trace=trace, view=view)["map"] == view.describe()


def test_the_versions_are_those_that_ran() -> None:
    assert versions() == {
        "vitviz": vitviz.__version__,
        "torch": torch.__version__,
        "timm": version("timm"),
        "python": platform.python_version(),
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/ana/photo.jpg", "photo.jpg"),
        (r"C:\Users\Ana\photo.jpg", "photo.jpg"),
        ("photo.jpg", "photo.jpg"),
        ("example:koala", "example:koala"),
    ],
)
def test_of_a_path_only_the_file_name_is_kept(path: str, name: str) -> None:
    assert file_name(path) == name


def test_a_manifest_survives_its_json_file(vit: vitviz.ViT, tmp_path: Path) -> None:
    written = made(vit, picture_name="苹果.jpg")
    write_json(written, tmp_path / "view.json")
    text = (tmp_path / "view.json").read_text(encoding="utf-8")
    assert json.loads(text) == written
    assert "苹果.jpg" in text
    assert str(Path.home()) not in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.zeros(2), {1, 2}])
def test_a_setting_without_words_in_json_is_refused(vit: vitviz.ViT, value: Any) -> None:
    with pytest.raises(OptionError, match=r"cannot be written as JSON .*; wanted finite numbers"):
        made(vit, settings={"value": value})


def test_a_time_without_zone_is_refused(vit: vitviz.ViT) -> None:
    with pytest.raises(OptionError, match="2026-03-01 12:00:05 has no time zone"):
        made(vit, created=NOON.replace(tzinfo=None))


def test_the_text_does_not_depend_on_the_moment(vit: vitviz.ViT) -> None:
    assert json_text(made(vit)) == json_text(made(vit))


def test_a_row_of_numbers_stands_on_one_line_and_texts_stay_as_they_are() -> None:
    values = {"rows": [[0.5, -1e-7], [2, 3]], "text": "[\n 1,\n 2\n]", "names": ["a", "1"], "none": []}
    assert json.loads(json_text(values)) == values
    assert "[0.5, -1e-07]" in json_text(values)
    assert "[2, 3]" in json_text(values)
