"""Similarity of positions: cosines, rotary kernels and biases by formula; profiles, components and read-out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.families import ALL, member
from vitviz.analysis.positions import PositionSimilarity, position_components, position_read_out, position_similarity
from vitviz.analysis.sine_cosine import sine_cosine_2d
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT

GRID = PatchGrid(2, 3, (8, 8), ("class",))


def small(family: str) -> ViT:
    size = ALL[family].sizes[1]
    return ViT.from_module(member(family, size), name=family, image_size=size)


def of(values: np.ndarray | None, vectors: np.ndarray | None = None, grid: PatchGrid = GRID) -> PositionSimilarity:
    return PositionSimilarity("hand", "learned", ("learned",), grid, values, "cosine", "", vectors)


def test_learned_positions_are_compared_by_cosine(wide: ViT) -> None:
    similarity = position_similarity(wide)
    table = wide.module.pos_embed[0, 1:].double().detach().numpy()  # type: ignore[index, union-attr]
    length = np.sqrt((table**2).sum(1))
    np.testing.assert_allclose(similarity.values, table @ table.T / np.outer(length, length), atol=1e-4)
    assert (similarity.kind, similarity.unit, similarity.reason) == ("learned", "cosine", "")
    assert similarity.map(7).shape == (3, 5)
    assert similarity.map(7)[1, 2] == pytest.approx(1)
    np.testing.assert_array_equal(similarity.mosaic()[1, 2], similarity.map(7))


def test_a_rotary_kernel_is_the_product_of_rotated_queries_and_keys() -> None:
    """Rotate one query to each place and a key to each place: the expected product over random vectors."""
    vit = small("EVA-02")
    similarity = position_similarity(vit, kind="rotary")
    sines, cosines = vit.module.rope.get_embed().double().chunk(2, -1)  # type: ignore[union-attr, operator]
    angle = torch.atan2(sines, cosines)  # (patch, channel)
    wanted = (angle[:, None] - angle[None]).cos().mean(-1)
    np.testing.assert_allclose(similarity.values, wanted.numpy(), atol=1e-5)
    spread = similarity.kernel()[1]
    assert spread.max() < 1e-5  # only the offset matters
    assert similarity.kernel()[0][vit.grid.rows - 1, vit.grid.columns - 1] == pytest.approx(1)


def test_rotary_positions_by_layer_and_head() -> None:
    vit = small("RoPE of learned mixture")
    whole = position_similarity(vit).values
    one = position_similarity(vit, layer=1, head=0).values
    other = position_similarity(vit, layer=1, head=1).values
    assert whole is not None
    assert one is not None
    assert other is not None
    assert abs(one - other).max() > 0.01
    parts = [position_similarity(vit, layer=n, head=h).values for n in range(2) for h in range(2)]
    np.testing.assert_allclose(whole, np.mean(parts, 0), atol=1e-5)


def test_a_relative_bias_is_shown_as_it_is_added() -> None:
    vit = small("BEiT")
    similarity = position_similarity(vit, layer=1, head=1)
    bias = vit.module.blocks[1].attn._get_rel_pos_bias()[0, 1, 1:, 1:]  # type: ignore[index, union-attr, operator]
    np.testing.assert_allclose(similarity.values, bias.detach().numpy(), atol=1e-6)
    assert (similarity.kind, similarity.unit, similarity.vectors) == (
        "relative",
        "bias added to the attention scores",
        None,
    )
    kernel, spread = similarity.kernel()
    assert kernel.shape == (2 * vit.grid.rows - 1, 2 * vit.grid.columns - 1)
    assert spread.max() < 1e-6
    assert kernel[vit.grid.rows - 1, vit.grid.columns] == pytest.approx(float(bias[0, 1].detach()), abs=1e-6)
    mean = position_similarity(vit).values
    parts = [position_similarity(vit, layer=n, head=h).values for n in range(2) for h in range(2)]
    np.testing.assert_allclose(mean, np.mean(parts, 0), atol=1e-6)


def test_no_positions_are_not_applicable(build_vit) -> None:  # type: ignore[no-untyped-def]
    similarity = position_similarity(ViT.from_module(build_vit(pos_embed="none"), name="bare"))
    assert (similarity.kind, similarity.kinds, similarity.values, similarity.unit) == (
        "none",
        (),
        None,
        "not applicable",
    )
    assert similarity.reason.startswith("bare has no position encoding")
    with pytest.raises(OptionError, match="no similarity of positions: bare has no position encoding"):
        similarity.map(0)
    with pytest.raises(OptionError, match="no position vectors: bare has no position encoding"):
        position_components(similarity)


def test_kernel_and_profiles_by_hand() -> None:
    """Similarity 10·|rows apart| + |columns apart| on a 2 × 3 grid."""
    row, column = np.divmod(np.arange(6), 3)
    values = 10.0 * abs(row[:, None] - row) + abs(column[:, None] - column)
    result = of(values.astype(np.float32))
    kernel, spread = result.kernel()
    assert kernel.tolist() == [[12, 11, 10, 11, 12], [2, 1, 0, 1, 2], [12, 11, 10, 11, 12]]
    assert not spread.any()
    down, across = result.profiles()
    assert (down.tolist(), across.tolist()) == ([0, 10], [0, 1, 2])


def test_the_spread_tells_that_more_than_the_offset_matters() -> None:
    values = np.zeros((6, 6), np.float32)
    values[0, 0] = 6.0  # one of six pairs at offset 0
    kernel, spread = of(values).kernel()
    assert kernel[1, 2] == pytest.approx(1)
    assert spread[1, 2] == pytest.approx(math.sqrt((25 + 5) / 6))


def test_components_of_two_known_axes() -> None:
    """Coordinates 3·row and column along two orthogonal directions."""
    row, column = np.divmod(np.arange(6), 3)
    vectors = np.zeros((6, 4), np.float32)
    vectors[:, 1], vectors[:, 3] = 3 * row, column
    result = position_components(of(None, vectors), count=2)
    np.testing.assert_allclose(abs(result.maps[0]), 1.5, atol=1e-5)  # 3·row about its mean
    np.testing.assert_allclose(abs(result.maps[1]), np.tile([1, 0, 1], (2, 1)), atol=1e-5)
    np.testing.assert_allclose(result.shares, np.array([13.5, 4]) / 17.5, rtol=1e-5)
    assert [float(each.flat[abs(each).argmax()]) > 0 for each in result.maps] == [True, True]
    with pytest.raises(OptionError, match="Number of components 4 does not exist"):
        position_components(of(None, vectors), count=5)


def test_a_linear_code_is_read_out_and_noise_is_not() -> None:
    grid = PatchGrid(8, 9, (8, 8))
    row, column = np.divmod(np.arange(72), 9)
    random = np.random.default_rng(0)
    code = np.outer(row, random.normal(size=20)) + np.outer(column, random.normal(size=20))
    result = position_read_out(code, grid)
    assert result.row == pytest.approx(1, abs=1e-3)
    assert result.column == pytest.approx(1, abs=1e-3)
    noise = position_read_out(random.normal(size=(72, 300)), grid)  # more channels than places
    assert max(noise.row, noise.column) < 0.3
    only_rows = position_read_out(np.outer(row, random.normal(size=5)), grid)
    assert only_rows.row > 0.99
    assert only_rows.column < 0.01


def test_sine_cosine_positions_are_read_out_well() -> None:
    grid = PatchGrid(10, 12, (8, 8))
    result = position_read_out(sine_cosine_2d(10, 12, 64).numpy(), grid)
    assert min(result.row, result.column) > 0.95


def test_the_read_out_is_an_explicit_ridge_regression() -> None:
    """The same folds by the primal formula: (XᵀX + λI)⁻¹Xᵀy on centred data."""
    random = np.random.default_rng(1)
    grid = PatchGrid(5, 6, (8, 8))
    vectors = random.normal(size=(30, 7))
    row, column = np.divmod(np.arange(30), 6)
    order = np.random.default_rng(0).permutation(30)
    missed = np.zeros(2)
    for test in np.array_split(order, 5):
        train = np.array([place for place in range(30) if place not in set(test)])
        x, y = vectors[train], np.stack([row, column], 1)[train].astype(float)
        centred = x - x.mean(0)
        strength = 0.3 * (centred**2).sum() / len(train)
        weight = np.linalg.solve(centred.T @ centred + strength * np.eye(7), centred.T @ (y - y.mean(0)))
        guess = (vectors[test] - x.mean(0)) @ weight + y.mean(0)
        missed += ((guess - np.stack([row, column], 1)[test]) ** 2).sum(0)
    wanted = 1 - missed / np.array([((row - row.mean()) ** 2).sum(), ((column - column.mean()) ** 2).sum()])
    result = position_read_out(vectors, grid, ridge=0.3)
    assert (result.row, result.column) == pytest.approx(tuple(wanted))


def test_one_row_has_no_r_squared() -> None:
    result = position_read_out(np.arange(6.0)[:, None], PatchGrid(1, 6, (8, 8)))
    assert math.isnan(result.row)
    assert result.column > 0.99


def test_what_is_not_there_is_refused(wide: ViT) -> None:
    with pytest.raises(OptionError, match="Position encoding 'rotary' is unknown; wanted one of 'learned'"):
        position_similarity(wide, kind="rotary")
    with pytest.raises(OptionError, match="Patch 15 does not exist; there are 15"):
        position_similarity(wide).map(15)
    vit = small("BEiT")
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        position_similarity(vit, layer=2)
    with pytest.raises(OptionError, match="Head 2 does not exist"):
        position_similarity(vit, head=2)
    with pytest.raises(OptionError, match="a relative bias belongs to pairs of places"):
        position_components(position_similarity(vit))
    with pytest.raises(OptionError, match="1 folds of 15 patches"):
        position_read_out(np.ones((15, 2)), wide.grid, folds=1)
