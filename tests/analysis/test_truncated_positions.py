"""Positions cut off or interpolated: the identity, other shapes, and what the answer makes of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vitviz.analysis.truncated_positions import truncate_positions, truncated
from vitviz.errors import OptionError, StoppedError, UnsupportedModelError
from vitviz.labs.input_size import compare_sizes, position_maps
from vitviz.models.vit import ViT


@pytest.fixture
def vit(tiny_vit):
    return ViT.from_module(tiny_vit, name="tiny")


@pytest.fixture
def pixels():
    return torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_a_table_is_read_on_in_its_old_order_and_missing_vectors_are_zero():
    table = torch.arange(6.0).view(3, 2)
    assert truncate_positions(table, 2).tolist() == [[0, 1], [2, 3]]
    assert truncate_positions(table, 4).tolist() == [[0, 1], [2, 3], [4, 5], [0, 0]]
    assert torch.equal(truncate_positions(table, 3), table)
    with pytest.raises(OptionError, match="0 positions were asked for"):
        truncate_positions(table, 0)


@pytest.mark.parametrize("size", [(32, 32), (24, 40), (48, 48)])
def test_a_truncated_model_has_the_first_vectors_of_the_table(vit, size):
    model = truncated(vit, size)
    old, new = vit.module.pos_embed[0], model.module.pos_embed[0]
    assert new.shape[0] == model.grid.tokens
    kept = min(len(old), len(new))
    assert torch.equal(new[:kept], old[:kept])
    assert not new[kept:].any()
    assert vit.module.pos_embed.shape[1] == 17  # the model itself is as it was


def test_a_model_without_a_table_is_refused(build_vit):
    bare = ViT.from_module(build_vit(pos_embed="none"), name="bare")
    with pytest.raises(UnsupportedModelError, match="bare has no table with a position vector"):
        truncated(bare, (48, 48))
    with pytest.raises(OptionError, match="bare adds no position vectors"):
        position_maps(bare, 3, 3)


def test_both_ways_agree_at_the_own_size_and_differ_elsewhere(vit, pixels):
    told = []
    result = compare_sizes(vit, pixels, sizes=(24, 32, 48), progress=lambda *now: told.append(now[:2]))
    assert told == [(done, 6) for done in range(1, 7)]
    cosines = [np.array([each.cosine for each in answers]) for answers in (result.interpolated, result.truncated)]
    assert [each.native for each in result.truncated] == [False, True, False]
    assert cosines[0][1] == cosines[1][1] == pytest.approx(1)
    assert (np.abs(cosines[0] - cosines[1])[[0, 2]] > 1e-4).all()
    assert [each.tokens for each in result.interpolated] == [10, 17, 37]


def test_stopped_sizes_have_handed_on_what_they_had(vit, pixels):
    kept = []

    def stop(done, total, now):
        kept.append(now)
        return done < 3

    with pytest.raises(StoppedError, match="Stopped after 3 of 4 passes"):
        compare_sizes(vit, pixels, sizes=(24, 32), progress=stop)
    assert (len(kept[-1].interpolated), len(kept[-1].truncated)) == (2, 1)


def test_the_maps_of_a_grid(vit):
    same = position_maps(vit, 4, 4)
    assert same.identity_gap == 0
    assert np.array_equal(same.native, same.interpolated)
    assert np.array_equal(same.native, same.truncated)
    wide = position_maps(vit, 3, 6)
    assert wide.interpolated.shape == wide.truncated.shape == (3, 6)
    assert wide.interpolated[1, 3] == pytest.approx(1)
    assert np.isnan(wide.truncated).sum() == 2  # 18 places, 16 vectors
    large = position_maps(vit, 8, 8)
    assert np.isnan(large.truncated).all()  # the middle itself has no vector
