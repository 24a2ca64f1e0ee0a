"""What readers have when they try a sentence: a clone, a photo beside them, and weights that were downloaded once."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from safetensors.torch import save_file

import vitviz
from tests.promises.texts import GUIDE, README, hub_names
from vitviz import cli
from vitviz.assets import ATLASES
from vitviz.cli import serve
from vitviz.examples import example
from vitviz.models import loading, timm_door
from vitviz.models.model_folder import VARIABLE

Run = Callable[[list[str]], None]


@pytest.fixture(scope="session")
def load_once() -> Callable[..., vitviz.ViT]:
    """``load_vit`` that reads each model once for all sentences: nobody changes a loaded model."""
    return functools.cache(loading.load_vit)


@pytest.fixture(scope="session")
def stand_in_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache such as a download leaves, with random weights for each timm model that the texts name.

    What a sentence promises is that the command runs and what it writes; which weights it finds is the hub's affair.
    """
    cache = tmp_path_factory.mktemp("hub")
    for name in hub_names(README + GUIDE):
        repository = timm_door.pretrained_settings(name)["hf_hub_id"]
        folder = cache / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / ("a" * 40)
        snapshot.mkdir(parents=True)
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text("a" * 40)
        save_file(timm_door.build(name).state_dict(), snapshot / "model.safetensors")
    return cache


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in_hub: Path, load_once: Callable[..., vitviz.ViT]
) -> Path:
    """The folder in which sentences are tried: photos, and no network."""
    shutil.copy(example("cat").path, tmp_path / "photo.jpg")
    for folder in ("photos", "FOLDER"):
        (tmp_path / folder).mkdir()
        shutil.copy(example("dog").path, tmp_path / folder / "dog.jpg")
    shutil.copytree(ATLASES / "examples", tmp_path / "MINE")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(stand_in_hub))
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "vitviz"]:
        if getattr(module, "load_vit", None) is loading.load_vit and module is not loading:
            monkeypatch.setattr(module, "load_vit", load_once)
    return tmp_path


@pytest.fixture
def small(place: Path, monkeypatch: pytest.MonkeyPatch, load_once: Callable[..., vitviz.ViT]) -> None:
    """The shipped model at 84 pixels and few random maps, for sentences that name no number: a tenth of the time."""

    def load(name: str = "default", **options: Any) -> vitviz.ViT:
        return load_once(name, **(options | {"image_size": 84} if name == "default" else options))

    monkeypatch.setattr(vitviz, "load_vit", load)
    monkeypatch.setattr(vitviz, "deletion_insertion", partial(vitviz.deletion_insertion, steps=4, random_maps=2))
    monkeypatch.setattr("vitviz.cli.model_options.load_vit", load)


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command line in this process and asserts that it does what it says."""
    started: list[Any] = []
    for name in ("VITVIZ_DEVICE", "VITVIZ_PRECISION", VARIABLE, serve.ATLASES):  # serve sets them
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr("os.execv", lambda *given: started.append(given))  # serve; the browser's tests start it

    def run_command(arguments: list[str]) -> None:
        assert cli.main(arguments) == 0, capsys.readouterr().err
        assert arguments[0] != "serve" or started
        monkeypatch.chdir(place)  # serve goes to the dashboard's folder
        for path in [Path(arguments[index + 1]) for index, word in enumerate(arguments) if word == "--out"]:
            assert path.exists(), f"{path} is promised and was not written"

    return run_command
