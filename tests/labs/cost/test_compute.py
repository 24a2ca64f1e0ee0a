"""Compute: the formula against torch's counter, the crossovers against the formula, seconds that are seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vitviz.analysis.macs import multiply_accumulates
from vitviz.errors import OptionError, StoppedError
from vitviz.labs.blocks import build_blocks
from vitviz.labs.cost.compute import (
    MOST_MACS,
    block_macs,
    block_weights,
    crossovers,
    lengths_to_time,
    model_macs,
    norm_operations,
    time_block,
)
from vitviz.labs.cost.vit_shape import PRESETS, ViTShape, shape_of
from vitviz.models.vit import ViT

BuildVit = Callable[..., Any]


@pytest.mark.parametrize("options", [{}, {"img_size": (24, 40)}, {"reg_tokens": 4, "mlp_ratio": 3}, {"num_classes": 0}])
def test_the_formula_is_what_torch_counts_on_a_whole_model(build_vit: BuildVit, options: dict[str, Any]) -> None:
    vit = ViT.from_module(build_vit(**options))
    shape = shape_of(vit)
    assert shape.tokens == vit.grid.tokens
    assert model_macs(shape).total == multiply_accumulates(vit)


def test_every_part_of_a_block_is_what_torch_counts() -> None:
    (block,) = build_blocks("pre", depth=1, width=24, heads=3, seed=0)
    block = block.to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        block(torch.empty(1, 10, 24, device="meta"))
    macs = block_macs(10, 24)
    counted = {name.rpartition(".")[2]: sum(each.values()) // 2 for name, each in counter.get_flop_counts().items()}
    assert macs.projections + macs.attention == counted["attn"]
    assert macs.mlp == counted["mlp"]
    assert (macs.projections, macs.attention, macs.mlp) == (4 * 10 * 576, 2 * 100 * 24, 8 * 10 * 576)


@pytest.mark.parametrize(
    ("name", "gmacs", "published"), [("ViT-B/16", 17.56, 17.58), ("ViT-S/16", 4.60, 4.61), ("ViT-Ti/16", 1.25, 1.26)]
)
def test_usual_models_cost_what_is_published(name: str, gmacs: float, published: float) -> None:
    """Published tables count LayerNorm too, five operations a number."""
    shape = PRESETS[name]
    assert round(model_macs(shape).total / 1e9, 2) == gmacs
    assert round((model_macs(shape).total + norm_operations(shape)) / 1e9, 2) == published


@pytest.mark.parametrize("ratio", [4.0, 2.0])
def test_attention_passes_the_projections_at_2d_and_the_rest_at_6d(ratio: float) -> None:
    width = 48
    cross = crossovers(width, mlp_ratio=ratio)
    assert (cross.projections, cross.rest) == (96, (2 + ratio) * 48)
    first, second = (block_macs(each, width, mlp_ratio=ratio) for each in (cross.projections, cross.rest))
    assert first.attention == first.projections
    assert second.attention == second.projections + second.mlp


def test_a_picture_of_one_patch_has_two_tokens_and_one_that_is_smaller_has_none() -> None:
    shape = ViTShape((16, 16), (16, 16), 8, 1, 2)
    assert (shape.patches, shape.tokens, shape.cut_off) == (1, 2, (0, 0))
    assert ViTShape((30, 47), (16, 16), 8, 1, 2).cut_off == (14, 15)
    assert PRESETS["ViT-B/16"].at(384).grid == (24, 24)
    with pytest.raises(OptionError, match="8 × 8 pixels holds no patch of 16 × 16"):
        shape.at(8)
    with pytest.raises(OptionError, match="at least one pixel a patch.*depth=0"):
        ViTShape((16, 16), (16, 16), 8, 0, 2)


def test_a_timed_block_has_a_second_for_every_length() -> None:
    seen: list[tuple[int, int]] = []
    result = time_block(16, 2, tokens=(4, 8), repetitions=1, progress=lambda *each: seen.append(each))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert result.tokens == (4, 8)
    assert (result.block > 0).all()
    assert (result.attention > 0).all()
    assert result.macs.tolist() == [block_macs(4, 16).total, block_macs(8, 16).total]
    assert np.allclose(result.predicted * np.median(result.rate), result.macs)
    assert result.threads == torch.get_num_threads()


def test_lengths_double_and_stay_within_what_a_slow_core_can_do() -> None:
    lengths = lengths_to_time(384)
    assert lengths[:3] == (16, 32, 64)
    assert block_macs(lengths[-1], 384).total <= MOST_MACS < block_macs(2 * lengths[-1], 384).total


def test_timing_can_be_stopped_and_refuses_what_takes_too_long() -> None:
    with pytest.raises(StoppedError, match="after 0 of 2"):
        time_block(16, 2, tokens=(4, 8), progress=lambda done, total: False)
    with pytest.raises(OptionError, match="timed for 0 tokens"):
        time_block(16, 2, tokens=())
    with pytest.raises(OptionError, match=r"\(100000,\) tokens, 3 times; .*2e\+10 MACs"):
        time_block(16, 2, tokens=(100_000,))
    with pytest.raises(OptionError, match="width 8192 has 805 million weights; .* at most 100"):
        time_block(8192, 8, tokens=(1,))


def test_a_block_has_as_many_weights_as_its_matrices() -> None:
    (block,) = build_blocks("pre", depth=1, width=32, heads=2, seed=0)
    matrices = [parameter.numel() for parameter in block.parameters() if parameter.ndim == 2]
    assert block_weights(32) == sum(matrices)
