"""The command trains, resumes and writes a calibrated half-precision file, on a tiny network and invented data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from vitviz.models import train_default
from vitviz.models.training import command
from vitviz.models.training.recipe import Recipe


@pytest.fixture
def trained(
    data_folder: Path, tmp_path: Path, build_vit: Callable[..., nn.Module], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Return a function that runs the command on a tiny network and returns the weights file."""
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(train_default, "HELD_OUT_PER_CLASS", 1)

    def tiny(classes: int, *, seed: int) -> nn.Module:
        return build_vit(num_classes=classes, dynamic_img_size=True)

    monkeypatch.setattr(train_default, "new_model", tiny)
    fixed = "--device cpu --batch-size 7 --decay-steps 1 --warmup-steps 1 --final-steps 1 --log-every 1"
    sizes = "--image-sizes 32 40 --final-image-sizes 48 --kept-patches 9 --frozen-blocks 0"

    def run(name: str, *options: Any) -> Path:
        out = tmp_path / name / "weights.safetensors"
        files = ["--data", str(data_folder), "--out", str(out)]
        train_default.main([*files, *fixed.split(), *sizes.split(), *map(str, options)])
        return out

    return run


def test_training_writes_weights_classes_and_a_checkpoint(
    trained: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = trained("a", "--steps", 4)
    assert {path.name for path in out.parent.iterdir()} == {"weights.safetensors", "classes.txt", "last.pt"}
    state = load_file(out)
    assert state["head.weight"].shape == (3, 32)
    assert all(value.dtype == torch.float16 and value.isfinite().all() for value in state.values())
    assert (out.parent / "classes.txt").read_text() == "n01\tgoldfish\nn02\tlemon\nn03\tseashore\n"
    with safe_open(out, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["steps"] == "4"
    assert float(metadata["temperature_folded_in"]) > 0
    printed = capsys.readouterr().out
    assert "step 4/4 pass 1.33" in printed
    assert "of 3 held-out training images" in printed


def test_a_run_that_was_cut_off_ends_with_the_same_file(trained: Callable[..., Path]) -> None:
    whole = load_file(trained("whole", "--steps", 4))
    # The same schedule in two parts: a checkpoint is written after every step, and the last one is put back.
    partial = trained("parts", "--steps", 4, "--save-every", 0)
    again = load_file(trained("parts", "--steps", 4))
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert all(torch.equal(whole[name], load_file(partial)[name]) for name in whole)


def test_export_only_does_not_train(trained: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    trained("a", "--steps", 2)
    capsys.readouterr()
    trained("a", "--steps", 4, "--export-only")
    printed = capsys.readouterr().out
    assert "resumed at step 2" in printed
    assert "step 3/4" not in printed


def test_every_number_of_the_recipe_is_an_option() -> None:
    options = train_default.build_parser().parse_args(
        ["--data", "d", "--out", "o", "--layer-decay", "0.5", "--image-sizes", "70", "98"]
    )
    recipe = command.recipe_of(options, Recipe)
    assert recipe == Recipe(layer_decay=0.5, image_sizes=(70, 98))
