"""Linear CKA: identities, the formula by features and by its unbiased estimator, layers of one and two models."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from tests.analysis.traces import by_hand
from tests.families import noise
from vitviz.analysis.similarity import layer_similarity, linear_cka
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.trace import trace

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(40, 6)), RANDOM.normal(size=(40, 9))
TURN = np.linalg.qr(RANDOM.normal(size=(6, 6)))[0]


@pytest.mark.parametrize("debiased", [False, True])
def test_it_is_one_for_the_same_up_to_rotation_factor_and_shift(debiased: bool) -> None:
    for other in (X, X @ TURN, -3.5 * X, X + 7, np.hstack([X, X])):
        assert linear_cka(X, other, debiased=debiased) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("debiased", [False, True])
def test_turning_and_scaling_either_side_changes_nothing(debiased: bool) -> None:
    plain = linear_cka(X, Y, debiased=debiased)
    assert linear_cka(0.1 * X @ TURN + 2, Y, debiased=debiased) == pytest.approx(plain)
    assert linear_cka(Y, X, debiased=debiased) == pytest.approx(plain)
    assert plain < 0.5


def test_it_is_the_formula_by_features() -> None:
    """‖YᵀX‖² / (‖XᵀX‖·‖YᵀY‖) on centred features (Kornblith et al. 2019)."""
    x, y = X - X.mean(0), Y - Y.mean(0)
    wanted = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert linear_cka(X, Y) == pytest.approx(wanted)


def test_orthogonal_features_are_unrelated() -> None:
    """Cos and sin over whole periods: no product of centred features is left."""
    angle = 2 * np.pi * np.arange(24) / 24
    assert linear_cka(np.cos(angle)[:, None], np.sin(angle)[:, None]) == pytest.approx(0, abs=1e-12)


def test_the_unbiased_estimator_is_a_mean_over_quadruples() -> None:
    """HSIC of 6 samples as a U-statistic: the mean over all ordered quadruples of different samples."""

    def hsic(k: np.ndarray, m: np.ndarray) -> float:
        terms = [k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in permutations(range(6), 4)]
        return float(np.mean(terms))

    x, y = X[:6, :3], Y[:6, :4]
    k, m = x @ x.T, y @ y.T
    wanted = hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))
    assert linear_cka(x, y, debiased=True) == pytest.approx(wanted)


def test_few_samples_look_alike_unless_debiased() -> None:
    one, other = RANDOM.normal(size=(20, 400)), RANDOM.normal(size=(20, 400))
    assert linear_cka(one, other) > 0.9
    assert abs(linear_cka(one, other, debiased=True)) < 0.3


def test_layers_of_a_model_are_compared_with_each_other(wide: ViT) -> None:
    one = trace(wide, noise((24, 40)))
    similarity = layer_similarity(one)
    np.testing.assert_allclose(np.diag(similarity.values), 1)
    np.testing.assert_allclose(similarity.values, similarity.values.T)
    wanted = linear_cka(one.residual(-1)[1:].numpy(), one.residual(1)[1:].numpy())
    assert similarity.values[0, 2] == pytest.approx(wanted, rel=1e-5)
    assert (similarity.samples, similarity.models, similarity.notes) == (15, ("wide", "wide"), ())


def test_two_models_are_compared_on_the_same_pictures(vit: ViT, wide: ViT) -> None:
    one = [trace(vit, noise((32, 32), seed)) for seed in range(4)]
    two = [trace(wide, noise((24, 40), seed)) for seed in range(4)]
    similarity = layer_similarity(one, two, tokens="class")
    wanted = linear_cka(
        np.stack([each.residual(0)[0].numpy() for each in one]), np.stack([each.residual(1)[0].numpy() for each in two])
    )
    assert similarity.values[1, 2] == pytest.approx(wanted, rel=1e-5)
    assert (similarity.samples, similarity.notes) == (4, ())
    assert np.isnan(similarity.values[0]).all()  # nothing of a picture is in its class token yet
    assert np.isnan(similarity.values[:, 0]).all()
    assert not np.isnan(similarity.values[1:, 1:]).any()
    mean = layer_similarity(one, two, tokens="mean")
    assert mean.samples == 4
    assert not np.allclose(mean.values[1:, 1:], similarity.values[1:, 1:])
    assert not np.isnan(mean.values).any()


def test_grids_of_different_size_meet_on_the_smaller_one() -> None:
    """Every 2 × 2 block of the large grid holds one token of the small one four times."""
    small, large = PatchGrid(3, 4, (16, 16)), PatchGrid(6, 8, (8, 8))
    tokens = RANDOM.normal(size=(12, 5))
    plane = tokens.reshape(3, 4, 5).repeat(2, 0).repeat(2, 1).reshape(48, 5)
    similarity = layer_similarity(by_hand(small, [tokens, tokens]), by_hand(large, [plane, plane], model="large"))
    np.testing.assert_allclose(similarity.values, 1, atol=1e-6)
    assert similarity.notes == ("patch tokens were averaged over areas to a common grid of 3 × 4",)
    assert similarity.models == ("hand", "large")


def test_what_cannot_be_compared_is_refused(vit: ViT) -> None:
    one = trace(vit, noise((32, 32)))
    with pytest.raises(OptionError, match=r"got shapes \(40, 6\) and \(3, 6\)"):
        linear_cka(X, X[:3])
    with pytest.raises(OptionError, match="at least 4 samples; got 3"):
        linear_cka(X[:3], X[:3], debiased=True)
    with pytest.raises(OptionError, match="samples that are all alike"):
        linear_cka(np.ones((5, 2)), X[:5])
    with pytest.raises(OptionError, match="got 2 and 1 traces"):
        layer_similarity([one, one], [one])
    with pytest.raises(OptionError, match="CKA of 1 samples says nothing; wanted at least 4"):
        layer_similarity(one, tokens="class")
    with pytest.raises(OptionError, match="tokens 'heads' is unknown; wanted one of 'patches', 'class', 'mean'"):
        layer_similarity(one, tokens="heads")
