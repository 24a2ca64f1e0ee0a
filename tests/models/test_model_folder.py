"""The folder of models that a server shows: what lies below it can be named, and nothing else can be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from vitviz.errors import CheckpointError, OptionError, VitvizError, WeightsUnavailableError
from vitviz.models.model_folder import VARIABLE, ModelFolder

OUTSIDE = [
    "../secret.pth", "runs/../../secret.pth", "/etc/passwd", "//etc/passwd", "..", ".", "", "./../secret.pth",
    "runs/..", "C:\\secret.pth", "C:secret.pth", "..\\secret.pth", "\\\\server\\secret.pth", "~/secret.pth\n",
    "runs/\0.pth", ".hidden.pth", ".git/x.pth", "runs/.hidden/x.pth",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    """Weights, a model of transformers and links, beside a file that is nobody's business."""
    (tmp_path / "secret.pth").write_bytes(b"secret")
    (tmp_path / "secret.json").write_text('{"model_type": "vit"}')
    root = tmp_path / "models"
    for name in ("best.safetensors", "runs/epoch=3 (1).ckpt", "names.csv", ".hidden.pth", "readme.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"weights")
    mine = root / "mine"
    mine.mkdir()
    (mine / "config.json").write_text('{"model_type": "vit"}')
    (mine / "model.safetensors").write_bytes(b"weights")
    return ModelFolder(root)


def test_what_lies_below_it_is_listed_and_opened(folder: ModelFolder) -> None:
    assert folder.names() == ("best.safetensors", "mine", "runs/epoch=3 (1).ckpt")
    assert [folder.path(name).name for name in folder.names()] == ["best.safetensors", "mine", "epoch=3 (1).ckpt"]
    assert folder.names_beside("best.safetensors") == ("names.csv",)
    assert folder.names_path("names.csv").read_bytes() == b"weights"
    (folder.root / "same.pth").symlink_to(folder.root / "best.safetensors")  # a link that stays inside
    assert folder.path("same.pth").name == "best.safetensors"


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_path_that_leads_out_is_refused_by_name(folder: ModelFolder, name: str) -> None:
    for way in (folder.path, folder.names_path):
        with pytest.raises(OptionError, match="is no path below the folder of models; wanted one without"):
            way(name)


def test_links_that_lead_out_are_refused(folder: ModelFolder) -> None:
    root, outside = folder.root, folder.root.parent
    (root / "link.pth").symlink_to(outside / "secret.pth")
    (root / "door").symlink_to(outside)
    (root / "names.txt").symlink_to(outside / "secret.json")
    for way, name in ((folder.path, "link.pth"), (folder.path, "door/secret.pth"), (folder.names_path, "names.txt")):
        with pytest.raises(OptionError, match=f"'{name}' leads out of the folder of models through a link"):
            way(name)
    assert "link.pth" not in folder.names()
    assert not any("secret" in name for name in folder.names())
    (root / "config.json").symlink_to(outside / "secret.json")  # read with the weights beside it
    with pytest.raises(OptionError, match="'best.safetensors' leads out"):
        folder.path("best.safetensors")


@pytest.mark.parametrize("way", ["link", "index"])
def test_a_model_of_transformers_reads_nothing_outside(folder: ModelFolder, way: str) -> None:
    mine = folder.root / "mine"
    if way == "link":
        (mine / "preprocessor_config.json").symlink_to(folder.root.parent / "secret.json")
    else:
        shards = {"weight_map": {"a": "../../secret.pth"}}
        (mine / "model.safetensors.index.json").write_text(json.dumps(shards))
    with pytest.raises(OptionError, match="'mine' leads out of the folder"):
        folder.path("mine")


def test_what_is_no_model_is_told(folder: ModelFolder) -> None:
    os.mkfifo(folder.root / "pipe.pth")  # reading it would wait for ever
    refusals: list[tuple[str, type[VitvizError], str]] = [
        ("none.pth", WeightsUnavailableError, "There is no 'none.pth' in the folder of models"),
        ("best.safetensors/x.pth", WeightsUnavailableError, "There is no"),
        ("readme.md", CheckpointError, "'readme.md' is no weights file; wanted one that ends in .safetensors"),
        ("pipe.pth", CheckpointError, "'pipe.pth' is no weights file"),
        ("runs", CheckpointError, "The folder 'runs' holds no model of transformers"),
    ]
    for name, kind, message in refusals:
        with pytest.raises(kind, match=message):
            folder.path(name)


def test_the_environment_names_it(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " ")
    assert ModelFolder.of_environment() is None
    monkeypatch.setenv(VARIABLE, str(folder.root))
    assert ModelFolder.of_environment() == folder
    with pytest.raises(OptionError, match="There is no folder of models at .*nowhere; wanted the path of one"):
        ModelFolder(folder.root / "nowhere")
