"""Patch tokens: colours of known components, nearest tokens by hand, outliers that were planted."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.analysis.traces import by_hand
from tests.families import noise
from vitviz.analysis.tokens import outlier_table, principal_coordinates, token_colours, token_norms, token_similarity
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace import Trace, trace

GRID = PatchGrid(4, 5, (8, 8), ("class", "register 1"))
ROW, COLUMN = np.divmod(np.arange(20), 5)


def planted(seed: int = 0, channels: int = 12) -> np.ndarray:
    """Return tokens with coordinates 10·row, 4·column and ±1 by row along three orthogonal directions."""
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(channels, 3)))[0]
    places = np.stack([10.0 * ROW, 4.0 * COLUMN, np.array([1.0, -1, -1, 1])[ROW]])
    return (axes @ places).T + 3.0


@pytest.fixture(scope="module")
def traced(wide: ViT) -> Trace:
    return trace(wide, noise((24, 40)))


def test_colours_are_the_planted_components() -> None:
    result = token_colours(by_hand(GRID, [planted(), planted(1)]))
    (colours,) = result.colours
    assert colours.shape == (4, 5, 3)
    assert 0 <= colours.min() <= colours.max() <= 1
    red = colours[:, 0, 0]
    for place in range(5):
        np.testing.assert_allclose(colours[:, place, 0], red, atol=1e-5)  # red knows the row alone
    assert abs(np.diff(red)).min() > 0.2
    np.testing.assert_allclose(colours[2, :, 1], colours[0, :, 1], atol=1e-5)  # green the column alone
    variance = np.array([10**2 * 5 / 4, 4**2 * 2, 1])
    np.testing.assert_allclose(result.shares, variance / variance.sum(), atol=1e-3)
    assert result.layer == 0
    assert result.foreground[0].all()


def test_the_sign_of_a_component_is_settled() -> None:
    tokens = planted()
    first, again = principal_coordinates(tokens, 3)[0], principal_coordinates(tokens.copy(), 3)[0]
    np.testing.assert_allclose(first, again, atol=1e-12)
    np.testing.assert_allclose(first.max(0), abs(first).max(0))
    np.testing.assert_allclose(principal_coordinates(-tokens, 3)[0].max(0), first.max(0), atol=1e-9)


def test_the_threshold_leaves_the_foreground() -> None:
    """Two rows of twenty units more than the rest: half of the stretched first component lies between."""
    tokens = np.random.default_rng(0).normal(size=(20, 6))
    tokens[ROW >= 2] += 20
    one = token_colours(by_hand(GRID, [tokens, tokens]), threshold=0.5)
    other = token_colours(by_hand(GRID, [tokens, tokens]), threshold=0.5, flip=True)
    assert {tuple(one.foreground[0][:, 0]), tuple(other.foreground[0][:, 0])} == {
        (False, False, True, True),
        (True, True, False, False),
    }
    assert not one.colours[0][~one.foreground[0]].any()
    assert one.colours[0][one.foreground[0]].max() == pytest.approx(1)


def test_two_pictures_share_their_components() -> None:
    one, two = (by_hand(GRID, [planted(), planted()]), by_hand(GRID, [planted(), planted()[::-1].copy()]))
    first, second = token_colours([one, two]).colours
    np.testing.assert_allclose(first, second[::-1, ::-1], atol=1e-5)


def test_colours_are_the_components_of_the_last_layer(traced: Trace) -> None:
    tokens = traced.residual(1)[1:].double()
    _, strength, right = torch.linalg.svd(tokens - tokens.mean(0), full_matrices=False)
    coordinates, shares = principal_coordinates(tokens.numpy(), 3)
    wanted = (tokens - tokens.mean(0)) @ right[:3].mT
    np.testing.assert_allclose(abs(coordinates), wanted.abs().numpy(), atol=1e-6)
    np.testing.assert_allclose(shares, (strength**2 / (strength**2).sum())[:3].numpy(), rtol=1e-4)
    assert token_colours(traced).colours[0].shape == (3, 5, 3)
    assert token_colours(traced, layer=-1).layer == -1


def test_what_has_no_colours_is_refused(traced: Trace) -> None:
    with pytest.raises(OptionError, match="threshold is 1.5; wanted 0 ≤ threshold ≤ 1"):
        token_colours(traced, threshold=1.5)
    with pytest.raises(OptionError, match="0 patches lie above the threshold 1.0; wanted at least 4"):
        token_colours(traced, threshold=1.0)
    with pytest.raises(OptionError, match="none or several models"):
        token_colours([traced, by_hand(GRID, [planted(), planted()])])
    with pytest.raises(OptionError, match="Layer 2 does not exist"):
        token_colours(traced, layer=2)


def test_the_most_similar_patch_by_hand() -> None:
    """Unit vectors at the angle n·10°: patch 3 is nearest to its neighbours, in another picture to itself."""
    angle = np.deg2rad(10 * np.arange(20))
    tokens = np.stack([np.cos(angle), np.sin(angle)], 1) * np.arange(1, 21)[:, None]
    one = by_hand(GRID, [tokens, tokens], special=9.0)
    similarity = token_similarity(one, 3)
    np.testing.assert_allclose(similarity.values.ravel(), np.cos(angle - angle[3]), atol=1e-6)
    assert similarity.best in (2, 4)
    assert similarity.best_cosine == pytest.approx(math.cos(math.radians(10)))
    turned = by_hand(GRID, [tokens, np.roll(tokens, 5, 0)])
    across = token_similarity(one, 3, other=turned)
    assert across.best == 8
    assert across.best_cosine == pytest.approx(1)


def test_similarity_reads_the_layer_that_is_asked_for(traced: Trace) -> None:
    stream = traced.residual(0)[1:]
    wanted = torch.nn.functional.cosine_similarity(stream, stream[7][None], dim=-1)
    np.testing.assert_allclose(token_similarity(traced, 7, layer=0).values.ravel(), wanted.numpy(), atol=1e-5)
    with pytest.raises(OptionError, match="Patch 15 does not exist"):
        token_similarity(traced, 15)
    with pytest.raises(OptionError, match="traced by wide and hand"):
        token_similarity(traced, 0, other=by_hand(GRID, [planted(), planted()]))


def test_a_planted_outlier_is_found() -> None:
    tokens = np.ones((20, 4))
    tokens[13] = 50
    result = token_norms(by_hand(GRID, [tokens, tokens], special=2.0))
    assert result.outliers == (13,)
    assert result.norms[2, 3] == 100
    norms = np.full(20, 2.0)
    norms[13] = 100
    assert result.threshold == pytest.approx(norms.mean() + 4 * norms.std())
    assert result.special == {"class": 4.0, "register 1": 4.0}
    assert result.outlier_share == 0.05
    assert math.isnan(result.attention_share)  # after the last layer nothing attends any more
    assert token_norms(by_hand(GRID, [tokens, tokens]), deviations=5).outliers == ()


def test_their_share_of_attention_is_that_of_the_next_layer(traced: Trace) -> None:
    norms = token_norms(traced, layer=0, deviations=0.5)
    assert 0 < len(norms.outliers) < 15
    keys = [1 + patch for patch in norms.outliers]
    attention = traced.attention(1)[:, :, keys].sum(-1)
    assert norms.attention_share == pytest.approx(float(attention[:, 1:].mean()))
    assert norms.class_share == pytest.approx(float(attention[:, 0].mean()))
    np.testing.assert_allclose(norms.norms.ravel(), traced.residual(0)[1:].norm(dim=-1).numpy(), rtol=1e-5)


def test_no_outliers_get_no_attention(traced: Trace) -> None:
    norms = token_norms(traced, layer=0, deviations=100)
    assert (norms.outliers, norms.attention_share, norms.outlier_share) == ((), 0, 0)


def test_the_table_has_a_row_a_layer(traced: Trace) -> None:
    table = outlier_table(traced, deviations=0.5)
    assert [each.layer for each in table] == [0, 1]
    assert table[0].outliers == token_norms(traced, layer=0, deviations=0.5).outliers
    with pytest.raises(OptionError, match="deviations is 0; wanted a positive number"):
        outlier_table(traced, deviations=0)
