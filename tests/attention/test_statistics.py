"""Statistics of heads whose maps are known: identity, uniform, one-hot, on grids small enough for a pencil."""

from __future__ import annotations

import math
import weakref

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.attention.statistics import STATISTICS, HeadStatistics, head_statistics, mean_distance
from vitviz.capture.edit import NO_EDIT
from vitviz.capture.tap import AttentionCall
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace


def trace_of(grid: PatchGrid, *layers: Tensor, stream: Tensor | None = None) -> Trace:
    """Return a trace whose attention is the given maps, (heads, query, key) a layer."""
    eye = torch.eye(grid.tokens)
    calls = []
    for maps in layers:
        heads = len(maps)
        queries, keys = maps.log()[None], eye.expand(1, heads, *eye.shape)  # log A · I, softmax → A
        calls.append((AttentionCall(None, queries.clamp_min(-1e4), keys, keys, None, 1.0, None),))
    tokens = torch.ones(grid.tokens, 4) if stream is None else stream
    streams = (tokens,) * (len(layers) + 1)
    image, embedding = torch.zeros(3, 8, 8), torch.zeros(4)
    return Trace("by hand", grid, image, None, embedding, None, NO_EDIT, 0.0, tuple(calls), (), streams)


def statistics_of(grid: PatchGrid, *heads: Tensor) -> HeadStatistics:
    return head_statistics(trace_of(grid, torch.stack(heads)))


SQUARE = PatchGrid(2, 2, (4, 4))
WIDE = PatchGrid(2, 3, (10, 20), ("class", "register 1", "register 2"))


def test_a_head_that_looks_at_itself() -> None:
    result = statistics_of(SQUARE, torch.eye(4))
    assert result.entropy[0, 0] == pytest.approx(0, abs=1e-6)
    assert result.distance[0, 0] == result.pixel_distance[0, 0] == pytest.approx(0, abs=1e-6)
    assert result.self_share[0, 0] == pytest.approx(1)


def test_a_head_that_looks_everywhere_alike() -> None:
    """On 2 × 2 patches every patch has itself, two neighbours at 1 and one at √2."""
    result = statistics_of(SQUARE, torch.full((4, 4), 0.25))
    mean = (0 + 1 + 1 + math.sqrt(2)) / 4
    assert result.entropy[0, 0] == pytest.approx(math.log(4)) == pytest.approx(result.uniform_entropy)
    assert result.distance[0, 0] == pytest.approx(mean) == pytest.approx(result.uniform_distance)
    assert result.pixel_distance[0, 0] == pytest.approx(4 * mean)
    assert result.self_share[0, 0] == pytest.approx(0.25)


def test_a_head_in_which_all_patches_look_at_one() -> None:
    """All look at the top left of 2 × 3 patches: distances 0 1 2 1 √2 √5 in patches."""
    one_hot = torch.zeros(6, 6)
    one_hot[:, 0] = 1
    result = statistics_of(PatchGrid(2, 3, (10, 20)), one_hot)
    assert result.entropy[0, 0] == pytest.approx(0, abs=1e-6)
    assert result.distance[0, 0] == pytest.approx((0 + 1 + 2 + 1 + math.sqrt(2) + math.sqrt(5)) / 6)
    pixels = 0 + 20 + 40 + 10 + math.hypot(20, 10) + math.hypot(40, 10)
    assert result.pixel_distance[0, 0] == pytest.approx(pixels / 6)
    assert result.self_share[0, 0] == pytest.approx(1 / 6)


def test_special_tokens_count_as_keys_only() -> None:
    """Patches give ½ to the class token and ¼ to each register; the special tokens' own rows do not count."""
    head = torch.zeros(9, 9)
    head[:3] = torch.eye(9)[8]  # the special tokens all look at the last patch
    head[3:, 0], head[3:, 1], head[3:, 2] = 0.5, 0.25, 0.25
    result = statistics_of(WIDE, head)
    assert result.class_share[0, 0] == pytest.approx(0.5)
    assert result.register_share[0, 0] == pytest.approx(0.5)
    assert result.self_share[0, 0] == pytest.approx(0, abs=1e-6)
    assert result.entropy[0, 0] == pytest.approx(1.5 * math.log(2), abs=1e-6)
    assert result.distance[0, 0] == pytest.approx(0, abs=1e-3)  # nothing between patches


def test_the_distance_is_over_the_attention_between_patches() -> None:
    """Half of the attention goes to the class token; the other half decides the distance."""
    grid = PatchGrid(1, 2, (4, 4), ("class",))
    head = torch.tensor([[1.0, 0, 0], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
    assert statistics_of(grid, head).distance[0, 0] == pytest.approx(1)
    weights = torch.tensor([[0.2, 0.0], [0.0, 0.0]])
    assert float(mean_distance(weights, torch.tensor([[3.0, 1.0], [1.0, 3.0]]))) == pytest.approx(1.5)


def test_a_model_without_class_token_or_registers_has_no_share_for_them() -> None:
    result = statistics_of(SQUARE, torch.eye(4))
    assert np.isnan(result.class_share).all()
    assert np.isnan(result.register_share).all()
    with_class = statistics_of(PatchGrid(1, 3, (4, 4), ("class",)), torch.eye(4))
    assert np.isnan(with_class.register_share).all()
    assert not np.isnan(with_class.class_share).any()


def test_patches_of_unusually_large_norm_are_sinks() -> None:
    grid = PatchGrid(6, 6, (4, 4), ("class",))
    stream = torch.ones(37, 4)
    stream[0] = 1000  # the class token is no patch
    stream[20] = 50
    head = torch.full((37, 37), 0.5 / 36)
    head[:, 20] = 0.5
    statistics = head_statistics(trace_of(grid, head[None], stream=stream))
    assert statistics.sinks == ((20,),)
    assert statistics.sink_share[0, 0] == pytest.approx(0.5, abs=1e-6)
    none = head_statistics(trace_of(grid, head[None], stream=stream), sink_deviations=6)
    assert none.sinks == ((),)
    assert none.sink_share[0, 0] == 0


def test_layers_may_have_different_numbers_of_heads() -> None:
    uniform = torch.full((4, 4), 0.25)
    statistics = head_statistics(trace_of(SQUARE, torch.stack([uniform] * 3), torch.eye(4)[None]))
    assert statistics.entropy.shape == (2, 3)
    assert statistics.entropy.dtype == np.float32
    np.testing.assert_allclose(statistics.entropy[0], math.log(4), rtol=1e-6)
    assert statistics.entropy[1, 0] == pytest.approx(0, abs=1e-6)
    assert np.isnan(statistics.entropy[1, 1:]).all()


def test_a_grid_of_one_patch_has_statistics() -> None:
    result = statistics_of(PatchGrid(1, 1, (8, 8), ("class",)), torch.full((2, 2), 0.5))
    assert result.distance[0, 0] == 0
    assert result.entropy[0, 0] == pytest.approx(math.log(2))
    assert result.sinks == ((),)


def test_the_statistics_of_a_model_are_what_slow_loops_give(register_vit: nn.Module) -> None:
    pixels = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    found_trace = trace(ViT.from_module(register_vit), pixels)
    statistics = head_statistics(found_trace)
    grid = found_trace.grid
    for layer in range(2):
        for head, attention in enumerate(found_trace.attention(layer).double().numpy()):
            entropies, distances, selves, classes, registers = [], [], [], [], []
            for patch in range(16):
                row = attention[5 + patch]
                entropies.append(-sum(share * math.log(share) for share in row))
                here = np.array(grid.position(patch))
                away = [math.dist(here, grid.position(other)) for other in range(16)]
                distances.append(sum(share * far for share, far in zip(row[5:], away, strict=True)) / sum(row[5:]))
                selves.append(row[5 + patch])
                classes.append(row[0])
                registers.append(sum(row[1:5]))
            wanted = [np.mean(each) for each in (entropies, distances, selves, classes, registers)]
            names = ["entropy", "distance", "self_share", "class_share", "register_share"]
            assert [statistics.table(name)[layer, head] for name in names] == pytest.approx(wanted, rel=1e-4)
            assert statistics.pixel_distance[layer, head] == pytest.approx(8 * wanted[1], rel=1e-4)


def test_one_layer_is_alive_at_a_time(register_vit: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    one = trace(ViT.from_module(register_vit), torch.ones(3, 32, 32))
    alive: list[weakref.ref[Tensor]] = []
    plain = Trace.attention

    def watched(self: Trace, layer: int) -> Tensor:
        assert all(ref() is None for ref in alive)
        result = plain(self, layer)
        alive.append(weakref.ref(result.untyped_storage()))  # type: ignore[arg-type]
        alive.append(weakref.ref(result))
        return result

    monkeypatch.setattr(Trace, "attention", watched)
    head_statistics(one)
    assert len(alive) == 4


def test_tables_go_by_name() -> None:
    result = statistics_of(SQUARE, torch.eye(4))
    assert STATISTICS == (
        "entropy", "distance", "pixel_distance", "self_share", "class_share", "register_share", "sink_share",
    )  # fmt: skip
    for name in STATISTICS:
        assert result.table(name) is getattr(result, name)
    with pytest.raises(OptionError, match="There is no statistic 'sinks'; wanted one of entropy, distance"):
        result.table("sinks")
