"""The map that is shown, against answers by hand: two heads, a class token and a grid of 1 × 3 patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vitviz.attention.lines import head_lines
from vitviz.attention.rollout import rollout
from vitviz.attention.rollout_view import rollout_view, rollout_views
from vitviz.attention.view import MapView, attention_view, default_query, query_names
from vitviz.capture.edit import NO_EDIT, Edit
from vitviz.capture.tap import AttentionCall
from vitviz.errors import GridError, OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

GRID = PatchGrid(1, 3, (8, 8), ("class",))
FIRST = [[0.4, 0.1, 0.2, 0.3], [0.1, 0.6, 0.2, 0.1], [0.2, 0.2, 0.2, 0.4], [0.7, 0.1, 0.1, 0.1]]
SECOND = [[0.1, 0.2, 0.3, 0.4], [0.3, 0.2, 0.4, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1, 0.4, 0.3, 0.2]]


def call_of(maps: Any, layer: int | None = 0) -> AttentionCall:
    """Return a call whose softmax is exactly the given maps: its scores are their logarithms."""
    queries = torch.from_numpy(np.array(maps, dtype=np.float64)).log().float()[None]
    heads, _, keys = queries.shape[1:]
    identity = torch.eye(keys).expand(1, heads, keys, keys)
    return AttentionCall(layer, queries, identity, identity, None, 1.0, None)


def trace_of(*layers: Any, grid: PatchGrid = GRID, pool: Any = None, edit: Edit = NO_EDIT) -> Trace:
    """Return a trace with the given attention in each layer."""
    nothing = torch.zeros(1)
    calls = tuple((call_of(maps),) for maps in layers)
    pools = () if pool is None else (call_of(pool, None),)
    return Trace("by hand", grid, nothing, None, nothing, None, edit, 0.0, calls, pools, (nothing,) * (len(layers) + 1))


HAND = trace_of([FIRST, SECOND])


def test_one_head_shows_the_row_of_the_query_over_the_patches() -> None:
    view = attention_view(HAND, layer=0, head=1, query="class")
    assert view.values.shape == (1, 3)
    assert view.values.dtype == np.float32
    np.testing.assert_allclose(view.values, [[0.2, 0.3, 0.4]], atol=1e-6)
    assert view.special == {"class": pytest.approx(0.1)}
    assert (view.minimum, view.maximum) == (pytest.approx(0.2), pytest.approx(0.4))
    assert view.uniform == 1 / 4
    assert view.cell is None
    assert view.strongest == (2, pytest.approx(0.4))
    assert view.label == "layer 0, head 1: where the class token looks"


@pytest.mark.parametrize(
    ("choice", "patches", "special"),
    [
        ({"head": "mean", "query": "class"}, [0.15, 0.25, 0.35], 0.25),
        ({"head": "max", "query": "class"}, [0.2, 0.3, 0.4], 0.4),
        ({"head": 0, "query": "1"}, [0.2, 0.2, 0.4], 0.2),
        ({"head": 0, "query": 2}, [0.1, 0.1, 0.1], 0.7),
        ({"head": 0, "query": "class", "direction": "attended_by"}, [0.1, 0.2, 0.7], 0.4),
        ({"head": 0, "query": "0", "direction": "attended_by"}, [0.6, 0.2, 0.1], 0.1),
        ({"head": 0, "query": "mean"}, [0.9 / 3, 0.5 / 3, 0.6 / 3], 1.0 / 3),
        ({"head": "max", "query": "mean"}, [1.3 / 3, 0.9 / 3, 0.7 / 3], 1.4 / 3),
        ({"head": 1, "query": "mean", "direction": "attended_by"}, [0.7 / 3, 0.6 / 3, 0.9 / 3], 0.9 / 3),
    ],
)
def test_every_choice_has_the_answer_by_hand(choice: dict[str, Any], patches: list[float], special: float) -> None:
    view = attention_view(HAND, layer=0, **choice)
    np.testing.assert_allclose(view.values, [patches], atol=1e-6)
    assert view.special["class"] == pytest.approx(special, abs=1e-6)
    assert view.special_share == pytest.approx(special / (special + sum(patches)), abs=1e-6)


def test_special_tokens_widen_the_range_of_the_colours_only_when_they_are_shown() -> None:
    hidden = attention_view(HAND, layer=0, head=0, query="2", hide_special=True)
    shown = attention_view(HAND, layer=0, head=0, query="2", hide_special=False)
    assert hidden.maximum == pytest.approx(0.1)
    assert shown.maximum == pytest.approx(0.7)
    assert hidden.special == shown.special == {"class": pytest.approx(0.7)}
    np.testing.assert_array_equal(hidden.values, shown.values)


def test_the_query_is_the_class_token_of_a_model_that_has_one_and_else_the_mean() -> None:
    assert default_query(GRID) == "class"
    assert default_query(PatchGrid(2, 2, (8, 8))) == "mean"
    assert default_query(PatchGrid(2, 2, (8, 8), ("register 1",))) == "mean"
    assert attention_view(HAND).query == "class"
    assert rollout_view(HAND).query == "class"


def test_the_layer_is_by_default_the_last_one() -> None:
    both = trace_of([FIRST], [SECOND])
    np.testing.assert_allclose(attention_view(both, query="class").values, [SECOND[0][1:]], atol=1e-6)


def test_a_patch_query_knows_its_place_and_its_name() -> None:
    grid = PatchGrid(2, 2, (8, 8))
    view = attention_view(trace_of([np.full((4, 4), 0.25)], grid=grid), query="3", direction="attended_by")
    assert view.cell == (1, 1)
    assert view.query == "3"
    assert view.special == {}
    assert view.special_share == 0
    assert view.label == "layer 0, mean of 1 head: who looks at patch 3 (row 2, column 2)"
    assert view.describe()["strongest"] == {"patch": 0, "share": 0.25}


def test_masked_tokens_do_not_count_in_the_uniform_share(tiny_vit: nn.Module) -> None:
    vit = ViT.from_module(tiny_vit)
    masked = trace(vit, _noise(vit), edit=Edit(mask_tokens=[1, 5]))
    view = attention_view(masked, layer=0)
    assert view.uniform == 1 / 15
    assert view.values[0, 0] == view.values[1, 0] == 0


def test_a_view_of_a_model_agrees_with_its_attention(register_vit: nn.Module) -> None:
    vit = ViT.from_module(register_vit)
    run = trace(vit, _noise(vit))
    row = run.attention(1).mean(0)[run.grid.token("register 2")]
    view = attention_view(run, layer=1, query="register 2")
    np.testing.assert_allclose(view.values.ravel(), row[5:].numpy(), atol=1e-6)
    np.testing.assert_allclose(list(view.special.values()), row[:5].numpy(), atol=1e-6)
    assert query_names(run) == ("class", "register 1", "register 2", "register 3", "register 4", "mean")


def test_a_rollout_shows_a_row_of_its_matrix() -> None:
    run = trace_of([FIRST], [SECOND])
    first, second = (0.5 * np.array(each) + 0.5 * np.eye(4) for each in (FIRST, SECOND))
    product = second @ first
    np.testing.assert_allclose(rollout_view(run, "class").values, [product[0, 1:]], atol=1e-6)
    np.testing.assert_allclose(rollout_view(run, 1).values, [product[2, 1:]], atol=1e-6)
    np.testing.assert_allclose(rollout_view(run, "mean").values, [product[1:, 1:].mean(0)], atol=1e-6)
    column = rollout_view(run, "class", direction="attended_by")
    np.testing.assert_allclose(column.values, [product[1:, 0]], atol=1e-6)
    assert rollout_view(run, "class").special == {"class": pytest.approx(product[0, 0], abs=1e-6)}


@pytest.mark.parametrize("query", ["class", "mean", 1])
@pytest.mark.parametrize("direction", ["attends_to", "attended_by"])
def test_the_maps_up_to_every_layer_are_those_of_each_alone(query: str | int, direction: str) -> None:
    record = trace_of([FIRST], [SECOND], [FIRST])
    for start in range(3):
        views = rollout_views(record, query, direction=direction, start_layer=start)
        for end, view in enumerate(views, start):
            alone = rollout_view(record, query, direction=direction, start_layer=start, end_layer=end)
            np.testing.assert_allclose(view.values, alone.values, atol=1e-7)
            assert view.label == alone.label
        assert len(views) == 3 - start


def test_a_rollout_that_is_there_already_is_not_computed_again() -> None:
    run = trace_of([FIRST], [SECOND])
    options = {"head_fusion": "max", "discard_ratio": 0.5, "residual": 0.2, "start_layer": 1}
    anew = rollout_view(run, "class", **options)
    again = rollout_view(run, "class", matrix=rollout(run, **options), **options)
    np.testing.assert_array_equal(anew.values, again.values)
    assert anew.label == again.label == "rollout of layers 1 to 1, max of the heads: where the class token looks"
    with pytest.raises(GridError, match=r"shape \(3, 3\); wanted \(4, 4\)"):
        rollout_view(run, "class", matrix=torch.eye(3))


def test_attention_pooling_over_patches_alone_has_no_special_shares() -> None:
    run = trace_of([FIRST, SECOND], pool=[[[0.2, 0.3, 0.5]], [[0.4, 0.4, 0.2]]])
    assert query_names(run) == ("class", "mean", "pool")
    view = attention_view(run, query="pool")
    np.testing.assert_allclose(view.values, [[0.3, 0.35, 0.35]], atol=1e-6)
    np.testing.assert_allclose(attention_view(run, query="pool", head=1).values, [[0.4, 0.4, 0.2]], atol=1e-6)
    assert view.special == {}
    assert view.uniform == pytest.approx(1 / 3)
    assert view.label == "attention pooling, mean of 2 heads: where the learned query looks"


def test_attention_pooling_over_all_tokens_reports_the_special_ones() -> None:
    run = trace_of([FIRST], pool=[[[0.4, 0.1, 0.3, 0.2]]])
    view = attention_view(run, query="pool", hide_special=False)
    np.testing.assert_allclose(view.values, [[0.1, 0.3, 0.2]], atol=1e-6)
    assert view.special == {"class": pytest.approx(0.4)}
    assert (view.maximum, view.uniform) == (pytest.approx(0.4), 0.25)


def test_patches_that_are_masked_get_nothing_from_the_pooling() -> None:
    run = trace_of([FIRST], pool=[[[0.25, 0.75]]], edit=Edit(mask_tokens=[2]))
    view = attention_view(run, query="pool")
    np.testing.assert_allclose(view.values, [[0.25, 0, 0.75]], atol=1e-6)
    assert view.uniform == 0.5


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"layer": 99}, r"Layer 99 does not exist; there are 1"),
        ({"layer": -1}, r"Layer -1 does not exist"),
        ({"head": 2}, r"Head 2 does not exist; there are 2"),
        ({"head": "abc"}, r"Head 'abc' is unknown; wanted 'mean', 'max' or a number from 0 to 1"),
        ({"query": "-1"}, r"no query '-1'; wanted a patch number from 0 to 2 or one of 'class', 'mean'"),
        ({"query": 3}, r"no query 3; wanted a patch number from 0 to 2"),
        ({"query": "clas"}, r"Did you mean 'class'"),
        ({"query": "²"}, r"no query '²'"),
        ({"query": "register 1"}, r"no query 'register 1'"),
        ({"direction": "attended"}, r"Direction 'attended' is unknown; .* Did you mean 'attended_by'"),
        ({"query": "pool"}, r"by hand has no attention pooling"),
    ],
)
def test_what_is_not_there_is_refused_with_the_range(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        attention_view(HAND, **choice)


def test_the_pooling_has_neither_a_column_nor_a_rollout() -> None:
    run = trace_of([FIRST], pool=[[[0.2, 0.3, 0.5]]])
    with pytest.raises(OptionError, match="Nothing attends to the learned query"):
        attention_view(run, query="pool", direction="attended_by")
    with pytest.raises(OptionError, match="the query 'pool' comes after it"):
        rollout_view(run, "pool")
    with pytest.raises(GridError, match="reads 2 tokens; wanted 3 patches"):
        attention_view(trace_of([FIRST], pool=[[[0.5, 0.5]]]), query="pool")


def test_a_view_shares_no_memory_with_the_trace() -> None:
    view: MapView = attention_view(HAND, layer=0, head=0, query="0")
    view.values[:] = 9
    assert attention_view(HAND, layer=0, head=0, query="0").maximum < 1


def _noise(vit: ViT) -> Tensor:
    return torch.rand(3, *vit.image_size, generator=torch.Generator().manual_seed(2))


def test_lines_of_all_heads_are_rows_or_columns_with_nan_for_missing_heads() -> None:
    model = trace_of([FIRST, SECOND], [SECOND])
    rows, columns = head_lines(model, "class"), head_lines(model, 2, direction="attended_by")
    np.testing.assert_allclose(rows[0], [FIRST[0], SECOND[0]], atol=1e-6)
    np.testing.assert_allclose(columns[1, 0], [0.3, 0.4, 0.2, 0.3], atol=1e-6)
    assert np.isnan(rows[1, 1]).all()
    assert np.isnan(columns[1, 1]).all()
    with pytest.raises(OptionError, match="Direction"):
        head_lines(model, 0, direction="sideways")
