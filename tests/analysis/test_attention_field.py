"""Attention fields: rows whose spread is known, and the rollout that they come from."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.families import noise
from vitviz.analysis.attention_field import attention_field, field_of_row
from vitviz.attention.rollout import rollout
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

GRID = PatchGrid(2, 5, (8, 8), ("class",))


@pytest.fixture(scope="module")
def traced(wide: ViT) -> Trace:
    return trace(wide, noise((24, 40)))


def test_an_even_row_covers_everything_alike() -> None:
    result = field_of_row(torch.full((11,), 1 / 11), GRID, 0)
    assert result.values.shape == (2, 5)
    assert result.effective_patches == pytest.approx(10)
    assert (result.area_50, result.area_90) == (0.5, 0.9)
    assert result.special_share == pytest.approx(1 / 11)
    assert result.mean_distance == pytest.approx(GRID.distances()[0].mean())


def test_all_on_one_patch_is_one_patch_at_its_distance() -> None:
    row = torch.zeros(11)
    row[1 + 8] = 0.25  # patch 8: one row down, three columns right of patch 0
    row[0] = 0.75
    result = field_of_row(row, GRID, 0)
    assert result.effective_patches == pytest.approx(1)
    assert (result.area_50, result.area_90) == (0.1, 0.1)
    assert result.mean_distance == pytest.approx(math.sqrt(10))
    assert result.special_share == pytest.approx(0.75)


def test_three_unequal_patches_by_hand() -> None:
    """Shares ½, 0.3, 0.2: the largest holds half, all three are needed for 90%."""
    row = torch.zeros(11)
    row[[1, 2, 3]] = torch.tensor([0.5, 0.3, 0.2])
    result = field_of_row(row, GRID, 1)
    assert (result.area_50, result.area_90) == (0.1, 0.3)
    assert result.mean_distance == pytest.approx(0.5 + 0.2)
    entropy = -(0.5 * math.log(0.5) + 0.3 * math.log(0.3) + 0.2 * math.log(0.2))
    assert result.effective_patches == pytest.approx(math.exp(entropy))


@pytest.mark.parametrize("layer", [0, 1, None])
@pytest.mark.parametrize(("token", "index"), [("class", 0), (4, 5), ("centre", 1 + 5 + 2)])
def test_it_is_a_row_of_the_rollout(traced: Trace, layer: int | None, token: str | int, index: int) -> None:
    row = rollout(traced, end_layer=layer)[index]
    field = attention_field(traced, token=token, layer=layer)
    wanted = traced.grid.to_map((row[1:] / row[1:].sum()).numpy())
    np.testing.assert_allclose(field.values, wanted, rtol=1e-4)
    assert field.special_share == pytest.approx(float(row[0]), rel=1e-4)
    assert math.isnan(field.mean_distance) == (token == "class")
    assert field.layer == (1 if layer is None else layer)


def test_the_mean_is_of_all_patches_rows(traced: Trace) -> None:
    rows = rollout(traced, residual=0.2, head_fusion="max")[1:, 1:].mean(0)
    field = attention_field(traced, token="mean", residual=0.2, head_fusion="max")
    np.testing.assert_allclose(field.values.ravel(), (rows / rows.sum()).numpy(), rtol=1e-4)


def test_more_residual_keeps_a_patch_more_to_itself(traced: Trace) -> None:
    near, far = (attention_field(traced, token=7, residual=0.9), attention_field(traced, token=7, residual=0.1))
    assert near.mean_distance < far.mean_distance
    assert near.effective_patches < far.effective_patches


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layer": 2}, "Layer 2 does not exist"),
        ({"token": 99}, "no token 99"),
        ({"token": "distillation"}, "no token 'distillation'"),
    ],
)
def test_what_the_model_has_not_is_refused(traced: Trace, options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        attention_field(traced, **options)  # type: ignore[arg-type]


def test_a_row_without_patches_is_refused() -> None:
    row = torch.zeros(11)
    row[0] = 1
    with pytest.raises(OptionError, match="row of token class gives nothing to any patch"):
        field_of_row(row, GRID, "class")
