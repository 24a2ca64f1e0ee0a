"""One row of the rollout is the row of the whole matrix, at the cost of vectors."""

from __future__ import annotations

import pytest
import torch

import vitviz
from vitviz.attention.rollout import rollout, rollout_row
from vitviz.errors import OptionError


@pytest.fixture(scope="module")
def trace() -> vitviz.Trace:
    vit = vitviz.load_vit("timm:vit_tiny_patch16_224", weights="random", image_size=(48, 64))
    pixels = torch.randn(3, 48, 64, generator=torch.Generator().manual_seed(1))
    return vitviz.trace(vit, pixels)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"head_fusion": "max", "discard_ratio": 0.3, "residual": 0.2},
        {"head_fusion": "min", "residual": 0.0},
        {"start_layer": 3, "end_layer": 8},
        {"residual": 1.0},
    ],
)
def test_the_row_is_the_row_of_the_matrix(trace: vitviz.Trace, options: dict[str, object]) -> None:
    whole = rollout(trace, **options)  # type: ignore[arg-type]
    for token in (0, 1, trace.grid.tokens - 1):
        row = rollout_row(trace, token, **options)  # type: ignore[arg-type]
        assert torch.allclose(row, whole[token], atol=1e-7)
        assert float(row.sum()) == pytest.approx(1, abs=1e-5)


def test_a_prefix_token_goes_by_its_name(trace: vitviz.Trace) -> None:
    assert torch.equal(rollout_row(trace, "class"), rollout_row(trace, 0))


def test_options_outside_their_range_are_refused(trace: vitviz.Trace) -> None:
    with pytest.raises(OptionError, match="Token 99 does not exist"):
        rollout_row(trace, 99)
    with pytest.raises(OptionError, match="end_layer 2 comes before start_layer 5"):
        rollout_row(trace, 0, start_layer=5, end_layer=2)
