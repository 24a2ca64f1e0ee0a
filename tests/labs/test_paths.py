"""The experiments are found under the names that are promised: vitviz.labs.<experiment>.run."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import vitviz.labs
from vitviz.labs.layer_norm import train

LABS = Path(vitviz.labs.__file__).parent
EXPERIMENTS = sorted(path for path in LABS.rglob("*.py") if "\ndef run(" in path.read_text(encoding="utf-8"))


def test_there_are_experiments() -> None:
    assert {path.stem for path in EXPERIMENTS} >= {"temperature", "smallest_object", "pasted_object", "noisy_picture"}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_is_found_in_vitviz_labs(path: Path) -> None:
    name = ".".join(path.relative_to(LABS).with_suffix("").parts)
    module = importlib.import_module(f"vitviz.labs.{name}")
    assert getattr(vitviz.labs, path.stem) is module


def test_the_training_of_both_orders_is_found_by_the_name_of_its_folder() -> None:
    assert train.__module__ == "vitviz.labs.layer_norm.training"
