"""Scores that tell photos of known classes from others, and how well they do: the sums of none_of_them.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NO_CLASS = -1
NEIGHBOURS = 10
"""Sun et al. 2022 choose k by the size of the reference; there are five photos a class here."""
PRINCIPAL = 200
"""Dimensions of ViM's principal space: as many as classes, of 384 channels."""
FOLDS = 5
RESAMPLINGS = 1000
RIDGE = 1000.0
LARGEST = 20
"""Logits that the linear read-out reads, and probabilities that GEN does: a tenth of the classes."""
TINY = 1e-12
"""Added to probabilities whose logarithm is taken."""


@dataclass(frozen=True)
class Photos:
    """What the model makes of some photos."""

    features: Array
    """(photo, channel): what the classifier reads."""
    logits: Array
    """(photo, class)."""
    labels: NDArray[np.int64]
    """(photo,): the class, or NO_CLASS."""

    def where(self, kept: NDArray[np.bool_]) -> Photos:
        """Return some of the photos."""
        return Photos(self.features[kept], self.logits[kept], self.labels[kept])


Score = Callable[[Photos, Photos], Array]
"""From photos and the reference, photos of known classes, to one number a photo."""


def log_sum_exp(logits: Array) -> Array:
    top = logits.max(axis=1)
    return top + np.log(np.exp(logits - top[:, None]).sum(axis=1))


def probabilities(logits: Array) -> Array:
    return np.exp(logits - log_sum_exp(logits)[:, None])


def maximum_probability(photos: Photos, reference: Photos) -> Array:
    """Hendrycks and Gimpel 2017."""
    return np.exp(photos.logits.max(axis=1) - log_sum_exp(photos.logits))


def maximum_logit(photos: Photos, reference: Photos) -> Array:
    """Hendrycks et al. 2022, "Scaling Out-of-Distribution Detection for Real-World Settings"."""
    return photos.logits.max(axis=1)


def energy(photos: Photos, reference: Photos) -> Array:
    """Liu et al. 2020, "Energy-based Out-of-distribution Detection": the negative energy."""
    return log_sum_exp(photos.logits)


def negative_entropy(photos: Photos, reference: Photos) -> Array:
    """How far the probabilities are from being all alike."""
    chances = probabilities(photos.logits)
    return (chances * np.log(chances + TINY)).sum(axis=1)


def generalised_entropy(photos: Photos, reference: Photos) -> Array:
    """Liu et al. 2023, "GEN", with their exponent 0.1 and tenth of the classes."""
    largest = np.sort(probabilities(photos.logits), axis=1)[:, -LARGEST:]
    return -((largest * (1 - largest)) ** 0.1).sum(axis=1)


def kl_matching(photos: Photos, reference: Photos) -> Array:
    """Hendrycks et al. 2022: the negative divergence from the nearest mean answer to photos of a class."""
    chances, known = probabilities(photos.logits), probabilities(reference.logits)
    usual = np.stack([known[reference.labels == index].mean(axis=0) for index in np.unique(reference.labels)])
    entropy = (chances * np.log(chances + TINY)).sum(axis=1)  # (photo,)
    return -(entropy[:, None] - chances @ np.log(usual + TINY).T).min(axis=1)


def gradient_norm(photos: Photos, reference: Photos) -> Array:
    """Huang et al. 2021, "GradNorm": of the last layer, against an answer that is the same for every class."""
    chances = probabilities(photos.logits)
    return np.abs(chances - 1 / chances.shape[1]).sum(axis=1) * np.abs(photos.features).sum(axis=1)


def relative_mahalanobis(photos: Photos, reference: Photos) -> Array:
    """Ren et al. 2021: Mahalanobis less the same for one mean of all classes."""
    united = Photos(reference.features, reference.logits, np.zeros_like(reference.labels))
    return mahalanobis(photos, reference) - mahalanobis(photos, united)


def class_mean_cosine(photos: Photos, reference: Photos) -> Array:
    """The largest cosine with a class mean."""
    means = np.stack([reference.features[reference.labels == i].mean(axis=0) for i in np.unique(reference.labels)])
    here, there = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (photos.features, means))
    return (here @ there.T).max(axis=1)


def mahalanobis(photos: Photos, reference: Photos) -> Array:
    """Lee et al. 2018: the negative squared distance to the nearest class mean, one covariance for all classes."""
    classes = np.unique(reference.labels)
    means = np.stack([reference.features[reference.labels == index].mean(axis=0) for index in classes])
    centred = reference.features - means[np.searchsorted(classes, reference.labels)]
    covariance = centred.T @ centred / (len(centred) - len(classes))
    covariance += 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whiten = np.linalg.cholesky(np.linalg.inv(covariance))  # (channel, channel)
    return -_squared_distances(photos.features @ whiten, means @ whiten).min(axis=1)


def nearest_neighbours(photos: Photos, reference: Photos) -> Array:
    """Sun et al. 2022: the negative distance to the k-th nearest photo of the reference, on the unit sphere."""
    here, there = (
        features / np.linalg.norm(features, axis=1, keepdims=True) for features in (photos.features, reference.features)
    )
    distances = np.sqrt(_squared_distances(here, there))
    return -np.partition(distances, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]


def vim(photos: Photos, reference: Photos) -> Array:
    """Wang et al. 2022, "ViM": energy less what the features have outside of the reference's principal space."""
    origin = reference.features.mean(axis=0)
    spread = np.cov((reference.features - origin).T)
    rest = np.linalg.eigh(spread)[1][:, : spread.shape[0] - PRINCIPAL]  # (channel, direction), the smallest ones
    residual = np.linalg.norm((photos.features - origin) @ rest, axis=1)
    usual = np.linalg.norm((reference.features - origin) @ rest, axis=1).mean()
    scale = reference.logits.max(axis=1).mean() / usual
    return log_sum_exp(photos.logits) - scale * residual


SCORES: Mapping[str, Score] = {
    "maximum probability": maximum_probability,
    "maximum logit": maximum_logit,
    "energy": energy,
    "entropy": negative_entropy,
    "generalised entropy": generalised_entropy,
    "KL matching": kl_matching,
    "GradNorm": gradient_norm,
    "Mahalanobis": mahalanobis,
    "relative Mahalanobis": relative_mahalanobis,
    "cosine with a class mean": class_mean_cosine,
    f"{NEIGHBOURS} nearest neighbours": nearest_neighbours,
    "ViM": vim,
}


def _squared_distances(here: Array, there: Array) -> Array:
    squares = (here**2).sum(axis=1)[:, None] + (there**2).sum(axis=1) - 2 * here @ there.T
    return np.maximum(squares, 0)


def auroc(known: Array, others: Array) -> float:
    """Return the share of pairs in which the known photo has the higher score; a tie counts half."""
    ordered = np.sort(others)
    below, up_to = np.searchsorted(ordered, known, "left"), np.searchsorted(ordered, known, "right")
    return float((below + up_to).mean() / 2 / len(ordered))


def interval(known: Array, others: Array, *, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of the AUROC over resamplings of the photos of both kinds."""
    generator = np.random.default_rng(seed)
    drawn = [
        auroc(generator.choice(known, len(known)), generator.choice(others, len(others))) for _ in range(RESAMPLINGS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def without_classes(photos: Photos, left_out: NDArray[np.int64]) -> Photos:
    """Return photos as seen by a model that never had some classes: those logits are gone, those photos are others."""
    labels = np.where(np.isin(photos.labels, left_out), NO_CLASS, photos.labels)
    return Photos(photos.features, np.delete(photos.logits, left_out, axis=1), labels)


def left_out_scores(photos: Photos, reference: Photos, score: Score) -> tuple[float, float, float]:
    """Return the mean AUROC over the folds of left-out classes, the lowest and the highest."""
    results = []
    for fold in folds(photos.logits.shape[1]):
        here, there = without_classes(photos, fold), without_classes(reference, fold)
        scores = score(here, there.where(there.labels != NO_CLASS))
        results.append(auroc(scores[here.labels != NO_CLASS], scores[here.labels == NO_CLASS]))
    return float(np.mean(results)), min(results), max(results)


@dataclass(frozen=True)
class Linear:
    """A linear read-out of the features, the largest logits, the negative energy and the largest probability."""

    weight: Array
    """(number,)."""
    bias: float

    def __call__(self, photos: Photos) -> Array:
        """Return one score a photo: 1 for known classes and -1 for others, as nearly as it can."""
        return read(photos) @ self.weight + self.bias


def read(photos: Photos) -> Array:
    """Return what the read-out reads of photos, (photo, number)."""
    largest = np.sort(photos.logits, axis=1)[:, : -LARGEST - 1 : -1]  # (photo, place), the largest first
    energies = log_sum_exp(photos.logits)[:, None]
    return np.concatenate([photos.features, largest, energies, np.exp(largest[:, :1] - energies)], axis=1)


def fit(known: Photos, others: Photos, *, ridge: float = RIDGE) -> Linear:
    """Return the ridge regression of 1 on known photos and -1 on others, over standardised numbers."""
    numbers = np.concatenate([read(known), read(others)])
    wanted = np.concatenate([np.ones(len(known.labels)), -np.ones(len(others.labels))])
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0) + 1e-9
    standard = (numbers - mean) / deviation
    gram = standard.T @ standard + ridge * np.eye(standard.shape[1])
    weight = np.linalg.solve(gram, standard.T @ (wanted - wanted.mean())) / deviation
    return Linear(weight, float(wanted.mean() - mean @ weight))


def folds(count: int) -> list[NDArray[np.int64]]:
    """Return numbers below ``count``, shuffled by seed 0, in FOLDS parts."""
    return np.array_split(np.random.default_rng(0).permutation(count), FOLDS)


def unseen(known: Photos, reference: Photos, others: Photos) -> tuple[float, float, float]:
    """Return the AUROC of read-outs on others of classes that they were not fitted on, with its interval.

    There is one photo a class, so parts of the photos are parts of the classes; the AUROC is the mean over the parts.
    """
    pairs = []
    for part in folds(len(others.labels)):
        inside = np.isin(np.arange(len(others.labels)), part)
        score = fit(reference, others.where(~inside))
        pairs.append((score(known), score(others.where(inside))))
    generator, drawn = np.random.default_rng(0), []
    for _ in range(RESAMPLINGS):
        again = generator.integers(len(known.labels), size=len(known.labels))
        drawn.append(np.mean([auroc(a[again], generator.choice(b, len(b))) for a, b in pairs]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(np.mean([auroc(*pair) for pair in pairs])), float(low), float(high)
