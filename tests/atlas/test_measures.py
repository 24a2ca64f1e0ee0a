"""Every number of a batch equals that of the function for one photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import vitviz
from vitviz.atlas.layout import Layout
from vitviz.atlas.measures import Measured, measure

KINDS: dict[str, dict[str, Any]] = {
    "class token": {"img_size": 64},
    "registers": {"reg_tokens": 4, "img_size": 64},
    "5 × 9 patches": {"img_size": (40, 72)},
    "patches of 8 × 16": {"img_size": (64, 96), "patch_size": (8, 16)},
    "no class token": {"class_token": False, "global_pool": "avg"},
    "attention pooling": {"class_token": False, "global_pool": "map"},
    "no classifier": {"num_classes": 0},
}
TOLERANCE = 1e-5
"""Relative, and of the largest value: the rounding of float32 in another order of adding up."""


@pytest.fixture(params=list(KINDS), ids=list(KINDS))
def vit(request: pytest.FixtureRequest, build_vit: Callable[..., nn.Module]) -> vitviz.ViT:
    return vitviz.ViT.from_module(build_vit(**KINDS[request.param]), name=request.param)


@pytest.fixture
def batch(vit: vitviz.ViT) -> Tensor:
    """Five photos of noise; a bright patch in some makes tokens of unusual norm."""
    pixels = torch.randn(5, 3, *vit.image_size, generator=torch.Generator().manual_seed(1))
    height, width = vit.grid.patch_size
    pixels[1, :, :height, :width] *= 100
    pixels[3, :, -height:, -width:] *= 100
    return pixels


@pytest.fixture
def measured(vit: vitviz.ViT, batch: Tensor) -> Measured:
    return measure(vit, Layout.of(vit), batch)


@pytest.fixture
def traces(vit: vitviz.ViT, batch: Tensor) -> list[vitviz.Trace]:
    return [vitviz.trace(vit, pixels) for pixels in batch]


def assert_equal(ours: Any, theirs: Any) -> None:
    theirs = np.asarray(theirs, np.float64)
    scale = np.nanmax(np.abs(theirs), initial=0)
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE * float(scale))


def test_the_numbers_of_heads(measured: Measured, traces: list[vitviz.Trace]) -> None:
    sinks = 0
    for photo, trace in enumerate(traces):
        alone = vitviz.head_statistics(trace)
        sinks += sum(map(len, alone.sinks))
        for name in ("entropy", "distance", "pixel_distance", "self_share", "class_share", "register_share"):
            assert_equal(measured.values[name][photo], alone.table(name))
        assert_equal(measured.values["sink_share"][photo], alone.sink_share)
    assert sinks == 0 or (measured.values["sink_share"] > 0).any()


def test_the_norms_of_tokens(measured: Measured, traces: list[vitviz.Trace]) -> None:
    total = 0
    assert any(vitviz.token_norms(trace, layer=0).outliers for trace in traces) or traces[0].grid.patches < 20
    for photo, trace in enumerate(traces):
        for layer in range(trace.layers):
            alone = vitviz.token_norms(trace, layer=layer)
            assert_equal(measured.values["patch_norm"][photo, layer], alone.norms.mean())
            assert_equal(measured.values["outlier_share"][photo, layer], alone.outlier_share)
            total += len(alone.outliers)
    assert measured.maps["outliers"].sum() == total


def test_the_growth_of_the_stream(measured: Measured, traces: list[vitviz.Trace]) -> None:
    for photo, trace in enumerate(traces):
        lengths = [
            float(trace.residual(layer).double().square().sum(-1).mean().sqrt()) for layer in range(-1, trace.layers)
        ]
        assert_equal(measured.values["stream_length"][photo], lengths)
        assert_equal(measured.values["growth"][photo], np.divide(lengths[1:], lengths[:-1]))


def test_the_answers_and_the_lens(vit: vitviz.ViT, measured: Measured, traces: list[vitviz.Trace]) -> None:
    if not vit.has_classifier:
        assert set(measured.answers) == {-2}
        assert "confidence" not in Layout.of(vit).statistics
        return
    for photo, trace in enumerate(traces):
        ((best, share),) = trace.top(1)
        assert measured.answers[photo] == best
        assert_equal(measured.values["confidence"][photo], share)
        alone = vitviz.logit_lens(vit, trace)
        assert_equal(measured.values["lens_confidence"][photo], alone.probabilities[:, best])
        assert_equal(measured.values["lens_agreement"][photo], [float(top == best) for top in alone.top])


def test_the_mean_maps(vit: vitviz.ViT, measured: Measured, traces: list[vitviz.Trace]) -> None:
    layout = Layout.of(vit)
    assert layout.query == ("class" if "class" in vit.grid.prefix else "mean")

    def row(matrix: Tensor) -> np.ndarray:
        rows = matrix[..., len(vit.grid.prefix) :, :].mean(-2) if layout.query == "mean" else matrix[..., 0, :]
        return vit.grid.to_map(rows.double().numpy())

    assert_equal(measured.maps["rollout"], sum(row(vitviz.rollout(trace)) for trace in traces))
    for layer in range(vit.layers):
        assert_equal(measured.maps["attention"][layer], sum(row(trace.attention(layer)) for trace in traces))


def test_the_share_in_boxes(vit: vitviz.ViT, batch: Tensor, traces: list[vitviz.Trace]) -> None:
    height, width = vit.image_size
    box = (0, 0, width // 2, height // 2)
    coverage = torch.full((len(batch), vit.grid.patches), torch.nan)
    from vitviz.analysis.faithfulness_checks import box_coverage

    coverage[2] = torch.from_numpy(box_coverage(vit.grid, box))
    shares = measure(vit, Layout.of(vit), batch, coverage).values["box_share"]
    assert np.isnan(shares[[0, 1, 3, 4]]).all()
    if "class" not in vit.grid.prefix:
        assert np.isnan(shares).all()
        return
    for layer in range(vit.layers):
        rows = vit.grid.to_map(traces[2].attention_row(layer, "class").numpy())
        assert_equal(shares[2, layer], [vitviz.energy_in_box(row, vit.grid, box) for row in rows])


def test_a_bias_and_heads_of_several_branches() -> None:
    """BEiT adds relative positions to the scores; the parallel ViT attends twice in a block."""
    for name in ("timm:beit_base_patch16_224", "timm:vit_tiny_patch16_224"):
        vit = vitviz.load_vit(name, weights="random", image_size=(32, 48) if "vit_tiny" in name else None)
        batch = torch.randn(2, 3, *vit.image_size, generator=torch.Generator().manual_seed(0))
        measured = measure(vit, Layout.of(vit), batch)
        alone = vitviz.head_statistics(vitviz.trace(vit, batch[1]))
        for table in ("entropy", "distance", "class_share"):
            assert_equal(measured.values[table][1], alone.table(table))


def test_weights_that_are_no_numbers_are_told(build_vit: Callable[..., nn.Module]) -> None:
    module = build_vit()
    vit = vitviz.ViT.from_module(module)
    with torch.no_grad():
        module.blocks[1].mlp.fc2.bias[0] = torch.nan  # type: ignore[union-attr, index]
    with pytest.raises(vitviz.VitvizError, match=r"NaN|finite"):
        measure(vit, Layout.of(vit), torch.zeros(1, 3, 32, 32))
