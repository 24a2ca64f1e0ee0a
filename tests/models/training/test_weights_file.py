"""Calibration finds the temperature that was put in; the file holds what was written, in half precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from vitviz.models.training.tiny_imagenet import Classes
from vitviz.models.training.weights_file import fit_temperature, fold_temperature, save_classes, save_half


def test_the_temperature_of_logits_scaled_by_three_is_three() -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.randn(4000, 5, generator=generator) * 2
    labels = torch.multinomial(true.softmax(dim=1), 1, generator=generator)[:, 0]
    base = fit_temperature(true, labels)
    assert base == pytest.approx(1, abs=0.06)
    assert fit_temperature(3 * true, labels) == pytest.approx(3 * base, rel=1e-4)


def test_folding_divides_the_logits_and_nothing_else() -> None:
    state = {"head.weight": torch.ones(2, 3), "head.bias": torch.ones(2), "norm.weight": torch.ones(3)}
    folded = fold_temperature(state, 2.0)
    features = torch.tensor([1.0, 2.0, 3.0])
    logits = state["head.weight"] @ features + state["head.bias"]
    assert torch.equal(folded["head.weight"] @ features + folded["head.bias"], logits / 2)
    assert torch.equal(folded["norm.weight"], state["norm.weight"])


def test_the_file_holds_half_precision_and_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_half({"a": torch.tensor([1.0, 1 / 3])}, path, {"architecture": "x"})
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.safetensors"]
    stored = load_file(path)["a"]
    assert stored.dtype == torch.float16
    assert stored[1] == torch.tensor(1 / 3, dtype=torch.float16)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == {"format": "pt", "architecture": "x"}


def test_classes_are_one_line_each_in_index_order(tmp_path: Path) -> None:
    save_classes(Classes(("n01", "n02"), ("goldfish", "lemon")), tmp_path / "classes.txt")
    text = (tmp_path / "classes.txt").read_text(encoding="utf-8")
    assert text == "n01\tgoldfish\nn02\tlemon\n"
