"""Randomised models, rank correlations, and maps against boxes, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import vitviz
from vitviz.analysis.faithfulness_checks import (
    box_coverage,
    energy_in_box,
    model_randomisation,
    pointing_game,
    rank_correlation,
)
from vitviz.errors import GridError, OptionError, StoppedError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT

GRID = PatchGrid(2, 3, (4, 6))


@pytest.fixture(scope="module")
def vit(wide_vit: nn.Module) -> ViT:
    return ViT.from_module(wide_vit, class_names=[f"animal {number}" for number in range(10)])


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(1))


def test_layers_become_random_from_the_top_and_stay_so(vit: ViT, pixels: Tensor) -> None:
    seen: list[dict[str, Tensor]] = []

    def explain(model: ViT) -> NDArray[np.float32]:
        seen.append({name: value.detach().clone() for name, value in model.module.named_parameters()})
        assert model.class_names == vit.class_names
        result: NDArray[np.float32] = (
            vitviz.trace(model, pixels, target=4).attention_row(1, "class").mean(0)[1:].reshape(3, 5).numpy()
        )  # fmt: skip
        return result

    before = {name: value.detach().clone() for name, value in vit.module.named_parameters()}
    randomisation = model_randomisation(vit, explain)
    assert randomisation.stages == ("nothing", "head", "layer 1", "layer 0", "embedding")
    assert all(torch.equal(value, before[name]) for name, value in vit.module.named_parameters())
    for stage, start in enumerate(("", "head.", "blocks.1.", "blocks.0.", "patch_embed.")):
        changed = {name for name in before if not torch.equal(seen[stage][name], before[name])}
        earlier = {name for name in before if not torch.equal(seen[max(stage - 1, 0)][name], before[name])}  # fmt: skip
        assert earlier <= changed
        new = changed - earlier
        assert bool(new) == (stage > 0)
        if stage < 4:
            assert all(name.startswith((start, "norm.")) for name in new)
    assert changed == set(before)  # all of them in the end
    drawn, true = seen[-1]["blocks.0.mlp.fc1.weight"], before["blocks.0.mlp.fc1.weight"]
    assert float(drawn.std() / true.std()) == pytest.approx(1, abs=0.05)


def test_attention_does_not_depend_on_the_head_but_on_the_blocks(vit: ViT, pixels: Tensor) -> None:
    def explain(model: ViT) -> NDArray[np.float32]:
        return vitviz.attribute("class_attention", model, pixels).values

    randomisation = model_randomisation(vit, explain, seed=1)
    assert randomisation.correlations[0] == pytest.approx(1)
    assert randomisation.correlations[1] == pytest.approx(1)
    assert abs(randomisation.correlations[-1]) < 0.9
    assert (np.abs(randomisation.absolute) <= 1 + 1e-9).all()
    same = model_randomisation(vit, explain, seed=1)
    assert np.array_equal(randomisation.correlations, same.correlations)
    other = model_randomisation(vit, explain, seed=2)
    assert not np.array_equal(randomisation.correlations, other.correlations)


def test_the_randomisation_can_be_stopped(vit: ViT) -> None:
    with pytest.raises(StoppedError, match="Stopped after 2 of 5 steps"):
        model_randomisation(vit, lambda _: np.zeros((3, 5)), progress=lambda done, _: done < 2)


def test_rank_correlations_by_hand() -> None:
    assert rank_correlation(np.array([1, 5, 9, 20]), np.array([0.1, 0.2, 0.9, 1e9])) == pytest.approx(1)
    assert rank_correlation(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1)
    # ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: covariance 4.5, lengths √4.5 and √5
    assert rank_correlation(np.array([1, 2, 2, 7]), np.array([1, 2, 3, 4])) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(rank_correlation(np.zeros(3), np.arange(3)))


def test_the_part_of_each_patch_in_a_box() -> None:
    assert box_coverage(GRID, (0, 0, 18, 8)).tolist() == [1] * 6
    coverage = box_coverage(GRID, (3, 2, 12, 8))  # half of column 0, all of column 1; half of row 0
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0, 0.5, 1, 0])


def test_energy_in_a_box_by_hand() -> None:
    values = np.array([[4.0, 2.0, -9.0], [1.0, 3.0, 0.0]])
    assert energy_in_box(values, GRID, (6, 0, 12, 8)) == pytest.approx(5 / 10)
    assert energy_in_box(values, GRID, (0, 0, 3, 4)) == pytest.approx(2 / 10)
    fine = np.kron(values, np.ones((4, 6)))  # pixels of a patch together count as the patch
    assert energy_in_box(fine, GRID, (6, 0, 12, 8)) == pytest.approx(5 / 10)
    with pytest.raises(OptionError, match="no positive values, so it puts no energy anywhere"):
        energy_in_box(-np.ones((2, 3)), GRID, (0, 0, 6, 4))


def test_pointing_game_by_hand() -> None:
    values = np.array([[4.0, 2.0, -9.0], [1.0, 5.0, 0.0]])  # the peak's centre is pixel (9, 6)
    assert pointing_game(values, GRID, (6, 4, 12, 8))
    assert pointing_game(values, GRID, (9, 6, 10, 7))
    assert not pointing_game(values, GRID, (10, 4, 12, 8))
    assert not pointing_game(values, GRID, (0, 0, 6, 4))


@pytest.mark.parametrize("box", [(0, 0, 19, 8), (-1, 0, 4, 4), (4, 4, 4, 6), (5, 0, 4, 4), (0, 7, 3, 9)])
def test_a_box_outside_the_picture_is_refused(box: tuple[int, int, int, int]) -> None:
    for function in (pointing_game, energy_in_box):
        with pytest.raises(OptionError, match=r"The box .* wanted 0 ≤ left < right ≤ 18 and 0 ≤ top"):
            function(np.ones((2, 3)), GRID, box)
    with pytest.raises(GridError, match="The map has shape"):
        pointing_game(np.ones((3, 3)), GRID, (0, 0, 6, 4))
