"""The command of the convolutional network trains, resumes and writes a file that evaluate and load_convnet read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from vitviz.analysis.convnet import load_convnet
from vitviz.models import evaluate, timm_door, train_convnet
from vitviz.models.efficientnet_lite import ARCHITECTURE
from vitviz.models.training import command
from vitviz.models.training.convnet import ConvNetRecipe
from vitviz.models.training.measures import top_k


@pytest.fixture
def trained(
    data_folder: Path, tmp_path: Path, tiny_vit: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Return a function that runs the command on small pictures and returns the weights file."""
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(train_convnet, "HELD_OUT_PER_CLASS", 1)

    def random(wnids: Any, *, state: Any = None) -> nn.Module:
        network = timm_door.build(ARCHITECTURE, classes=len(wnids), seed=1)
        network.load_state_dict(state or {}, strict=False)
        return network

    class Teacher:
        """Answers with the last class, whatever the picture."""

        def __call__(self, weights: Path, image_size: int) -> nn.Module:
            teacher: Any = copy.deepcopy(tiny_vit)  # others use it too
            teacher.head = nn.Linear(teacher.head.in_features, 3)
            return teacher  # type: ignore[no-any-return]

    monkeypatch.setattr(train_convnet, "new_convnet", random)
    monkeypatch.setattr(evaluate, "load", Teacher())
    monkeypatch.setattr(evaluate, "top_k", lambda logits, labels, k: top_k(logits, labels, min(k, 3)))
    fixed = "--device cpu --threads 1 --float32 --batch-size 7 --decay-steps 1 --warmup-steps 1 --final-steps 1"
    sizes = "--image-sizes 32 --final-image-sizes 48 --frozen-stages 5 --log-every 1"

    def run(name: str, *options: Any) -> Path:
        out = tmp_path / name / "weights.safetensors"
        files = ["--data", str(data_folder), "--out", str(out)]
        train_convnet.main([*files, *fixed.split(), *sizes.split(), *map(str, options)])
        return out

    return run


def test_training_writes_what_the_other_commands_read(
    trained: Callable[..., Path], data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = trained("a", "--steps", 3)
    assert {path.name for path in out.parent.iterdir()} == {
        "weights.safetensors", "classes.txt", "last.pt", "teacher-140-000.safetensors",
    }  # fmt: skip
    state = load_file(out)
    assert all(value.dtype == torch.float16 and value.isfinite().all() for value in state.values())
    assert state["classifier.weight"].shape == (3, 1280)
    assert "of 3 held-out training images" in capsys.readouterr().out
    network = load_convnet(f"timm:{ARCHITECTURE}", weights=out)
    assert network.module.get_parameter("classifier.weight").shape == (3, 1280)
    assert evaluate.architecture_of(out) == ARCHITECTURE
    evaluate.main(["--data", str(data_folder), "--weights", str(out), "--sizes", "32", "--threads", "1"])
    printed = capsys.readouterr().out
    assert "    32       6" in printed
    assert "attention" not in printed


def test_a_run_that_was_cut_off_ends_with_the_same_file(trained: Callable[..., Path]) -> None:
    whole = load_file(trained("whole", "--steps", 3, "--distillation", 0))
    trained("parts", "--steps", 3, "--distillation", 0, "--save-every", 0)
    again = load_file(trained("parts", "--steps", 3, "--distillation", 0))
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    follow = load_file(
        trained("on", "--steps", 1, "--distillation", 0, "--start", str(trained("whole", "--export-only")))
    )
    assert set(follow) == set(whole)


def test_every_number_of_the_recipe_is_an_option() -> None:
    options = train_convnet.build_parser().parse_args(["--data", "d", "--out", "o", "--frozen-stages", "4"])
    assert command.recipe_of(options, ConvNetRecipe) == ConvNetRecipe(frozen_stages=4)
