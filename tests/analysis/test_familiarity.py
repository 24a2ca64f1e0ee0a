"""Familiarity: the largest probability beside a measured threshold, for the shipped model as it is and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import vitviz
from vitviz.assets import WEIGHTS
from vitviz.examples import example
from vitviz.models.shipped import MODELS

ROOT = Path(__file__).parents[2]
PIXELS = torch.zeros(3, 224, 224)


@pytest.fixture(scope="module")
def vit() -> vitviz.ViT:
    return vitviz.load_vit()


def test_the_score_is_the_largest_probability(vit):
    trace = vitviz.trace(vit, example("cat").path)
    measured = vitviz.familiarity(vit, trace)
    assert measured.score == pytest.approx(float(trace.logits.softmax(-1).max()))
    assert measured.classes == 200
    assert not measured.perhaps_none


def test_a_photo_of_none_of_the_classes_is_doubted(vit):
    measured = vitviz.familiarity(vit, vitviz.trace(vit, example("kingfisher").path))
    assert measured.perhaps_none
    assert measured.score < measured.threshold


def test_the_threshold_itself_is_not_doubted():
    figures = {"threshold": 0.5, "false_alarms": 0.1, "detected": 0.3, "auroc": 0.7, "classes": 2}
    shares = (0.499, 0.5, 0.501)
    doubts = [vitviz.Familiarity(score=share, **figures).perhaps_none for share in shares]
    assert doubts == [True, False, False]


def test_nothing_is_said_where_nothing_was_measured(vit, tiny_vit):
    other_size = vitviz.load_vit(image_size=112)
    assert vitviz.familiarity(other_size, vitviz.trace(other_size, torch.zeros(3, 112, 112))) is None
    assert vitviz.familiarity(vit, vitviz.trace(vit, PIXELS, edit=vitviz.Edit(ablate_heads=[(0, 0)]))) is None
    own = vitviz.ViT.from_module(tiny_vit)
    assert vitviz.familiarity(own, vitviz.trace(own, torch.zeros(3, 32, 32))) is None


def test_the_card_and_the_table_tell_the_figures_that_the_library_uses():
    figures = MODELS["default"].familiarity
    card = (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8")
    table = (ROOT / "benchmarks/results/none_of_them.md").read_text(encoding="utf-8")
    assert table.strip() in card
    first, flagged = (line.split(" | ") for line in table.splitlines() if line.startswith("| maximum probability"))
    assert first[1].startswith(f"{figures.auroc:.3f} (")
    assert flagged[1:3] == [f"{figures.threshold:.3f}", f"{figures.false_alarms:.1%}"]
    assert flagged[5] == f"{figures.detected:.1%}"
