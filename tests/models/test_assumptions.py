"""What is assumed of a model is told where it is named: in Python, on the terminal and on the dashboard's strip."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import vitviz
from benchmarks.modules.kinds import Normalised
from benchmarks.modules.pairs import PairViT
from benchmarks.modules.research import Dino, Scratch
from tests.hugging_face import model
from vitviz.cli.program import main
from vitviz.errors import UnsupportedModelError
from vitviz.models import timm_door
from vitviz.models.assumptions import (
    ACTIVATION,
    CLASSES,
    GRID,
    HEADS,
    POOLING,
    POSITIONS,
    PREPARATION,
    SIZE,
    Assumption,
)
from vitviz.models.vit import ViT


def about(vit: ViT) -> list[str]:
    return [note.about for note in vit.notes if isinstance(note, Assumption)]


def state(**options: Any) -> dict[str, torch.Tensor]:
    module = timm_door.build("test_vit", classes=3, options=options)
    return {name: value.clone() for name, value in module.state_dict().items()}


class NoSize(Dino):
    """Nothing says how large its pictures are: it takes any size."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed.img_size = None  # type: ignore[assignment]
        del self.pos_embed
        self.pos_embed = 0  # type: ignore[assignment]


def timm_vit(classes: int) -> Any:
    return timm_door.build("test_vit", classes=classes)


MODULES: dict[str, tuple[Callable[[], ViT], list[str]]] = {
    "research code": (lambda: ViT.from_module(Dino().eval()), [PREPARATION]),
    "size by its positions": (lambda: ViT.from_module(PairViT().eval()), [GRID, PREPARATION]),
    "the same, size given": (lambda: ViT.from_module(PairViT().eval(), image_size=32), [PREPARATION]),
    "a tutorial's": (lambda: ViT.from_module(Scratch().eval()), [GRID, PREPARATION]),
    "no size at all": (lambda: ViT.from_module(NoSize().eval()), [SIZE, PREPARATION]),
    "transform given": (lambda: ViT.from_module(Dino().eval(), transform=lambda _: torch.zeros(3, 32, 32)), []),
    "normalised inside": (
        lambda: ViT.from_module(torch.nn.Sequential(Normalised(), Dino()).eval()), [PREPARATION]
    ),
    "timm's factory": (lambda: ViT.from_module(timm_vit(3)), [PREPARATION]),
    "timm's factory, 1,000 outputs": (lambda: ViT.from_module(timm_vit(1000)), [PREPARATION, CLASSES]),
    "the same, names given": (
        lambda: ViT.from_module(timm_vit(1000), class_names=[str(n) for n in range(1000)]), [PREPARATION]
    ),
    "research code of 1,000 outputs": (lambda: ViT.from_module(Dino(classes=1000).eval()), [PREPARATION]),
    "transformers without a processor": (lambda: ViT.from_module(model("ViT")), [PREPARATION]),
    "shipped": (lambda: vitviz.load_vit(), []),
    "timm's name, random": (lambda: vitviz.load_vit("timm:test_vit", weights="random"), []),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_every_assumption_of_a_module_is_among_its_notes(name: str) -> None:
    load, wanted = MODULES[name]
    vit = load()
    assert about(vit) == wanted
    for copied in (copy.deepcopy(vit.notes), pickle.loads(pickle.dumps(vit.notes))):
        assert (copied, [note.about for note in copied if isinstance(note, Assumption)]) == (vit.notes, wanted)


def test_a_research_module_of_1000_outputs_has_numbers_for_classes() -> None:
    module = Dino(classes=1000).eval()
    module.num_classes = 1000  # type: ignore[assignment]
    assert ViT.from_module(module).class_name(7) == "class 7"


def test_what_is_given_is_not_assumed_any_more() -> None:
    vit = ViT.from_module(Dino().eval())
    assert "mean 0.485, 0.456, 0.406; deviation 0.229" in vit.notes[-1]
    some = vit.with_preprocessing(mean=0.5, std=0.5)
    assert "mean" not in some.notes[-1]
    assert "(crop 0.875; interpolation bicubic)" in some.notes[-1]
    more = some.with_preprocessing(crop=1.0)
    assert "(interpolation bicubic)" in more.notes[-1]
    assert about(more.with_preprocessing(interpolation="bilinear")) == []


FILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "plain": ({}, [PREPARATION, HEADS, POOLING]),
    "heads given": ({"heads": 4}, [PREPARATION, HEADS, POOLING]),
    "pooling given": ({"pooling": "avg"}, [PREPARATION, HEADS, POOLING]),
}


@pytest.mark.parametrize("name", FILES)
def test_every_assumption_of_a_file_is_among_its_notes(name: str, tmp_path: Path) -> None:
    options, wanted = FILES[name]
    save_file(state(), tmp_path / "a.safetensors")
    vit = vitviz.load_vit("timm:test_vit", weights=tmp_path / "a.safetensors", **options)
    assert about(vit) == wanted
    given = [note for note in vit.notes if isinstance(note, Assumption) and not note.startswith("assumed")]
    assert [note.about for note in given] == [key for key in (HEADS, POOLING) if key in options]


def test_the_own_crop_is_no_assumption_while_another_is_chosen() -> None:
    vit = ViT.from_module(PairViT().eval())
    padded = vit.with_crop("pad")
    assert "crop 0.875" in vit.notes[-1]
    assert "crop" not in padded.notes[-1]
    assert "interpolation bicubic" in padded.notes[-1]
    assert padded.with_crop("trained").notes == vit.notes
    renewed = padded.with_preprocessing(mean=0.5)
    assert "crop" not in renewed.notes[-1]
    assert "crop 0.875" in renewed.with_crop("trained").notes[-1]


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_a_module_of_wide_pictures_is_advised_to_give_their_size(pool: str) -> None:
    """24 positions may be 4 × 6 patches or 6 × 4; with the class token they are 25, which is no 5 × 5."""
    module = PairViT(pool=pool)
    module.pos_embedding = torch.nn.Parameter(torch.randn(24 + (pool == "cls"), module.pos_embedding.shape[-1]))
    with pytest.raises(UnsupportedModelError, match=r"enough for \(32, 48\) or \(48, 32\)\. Give .* image_size="):
        ViT.from_module(module.eval())
    vit = ViT.from_module(module, image_size=(32, 48))
    assert (vit.grid.rows, vit.grid.columns) == (4, 6)
    assert not [note for note in vit.notes if isinstance(note, Assumption) and note.about in (SIZE, GRID)]


def test_positions_of_another_grid_are_told(tmp_path: Path) -> None:
    save_file(state(img_size=64), tmp_path / "a.safetensors")
    vit = vitviz.load_vit("timm:test_vit", weights=tmp_path / "a.safetensors")
    assert about(vit) == [PREPARATION, HEADS, POOLING, POSITIONS]
    assert "opened at 64 × 64 pixels, the size that its positions are for" in vit.notes
    larger = vitviz.load_vit("timm:test_vit", weights=tmp_path / "a.safetensors", image_size=160)
    assert "its positions, of 4 × 4 patches, are interpolated to 10 × 10" in larger.notes
    head = {"head.0.weight": torch.ones(5, 64), "head.2.weight": torch.ones(3, 5)}
    save_file({name: value for name, value in state().items() if "head" not in name} | head, tmp_path / "b.safetensors")
    deep = vitviz.load_vit("timm:test_vit", weights=tmp_path / "b.safetensors", head_activation="gelu")
    assert ACTIVATION in about(deep)


COMMANDS = {
    "explain": ["explain", "PHOTO", "--out", "a.json"],
    "tokens": ["tokens", "PHOTO", "--what", "norms", "--out", "a.json"],
    "positions": ["positions", "--out", "a.json"],
    "benchmark": ["benchmark", ".", "--methods", "rollout", "--photos", "1", "--steps", "2", "--out", "table"],
    "atlas": ["atlas", ".", "--out", "atlas"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_terminal_tells_them_with_every_command(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_file(state(), "a.safetensors")
    Image.new("RGB", (64, 48), "teal").save("photo.png")
    words = [word.replace("PHOTO", "photo.png") for word in COMMANDS[command]]
    assert main([*words, "--model", "timm:test_vit", "--weights", "a.safetensors"]) == 0
    printed = capsys.readouterr().out
    wanted = vitviz.load_vit("timm:test_vit", weights="a.safetensors").notes
    assert len(wanted) == 3
    assert all(note in printed for note in wanted)
    if command == "explain":
        assert json.loads(Path("a.json").read_text(encoding="utf-8"))["model"]["notes"] == list(wanted)
