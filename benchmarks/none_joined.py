"""All scores of none_scores.py joined in one, what it can reach at best, and scores compared in pairs."""

from __future__ import annotations

import numpy as np

from benchmarks.none_scores import RESAMPLINGS, SCORES, Array, Photos, auroc, folds

RIDGE = 1.0


def numbers(photos: Photos, reference: Photos) -> Array:
    """Return every score of photos, (photo, score)."""
    return np.stack([score(photos, reference) for score in SCORES.values()], axis=1)


def direction(known: Array, others: Array) -> Array:
    """Return Fisher's direction between two kinds of photos, (score,), over standardised scores."""
    both = np.concatenate([known, others])
    deviation = both.std(axis=0) + 1e-9
    centred = np.concatenate([rows - rows.mean(axis=0) for rows in (known, others)]) / deviation
    spread = centred.T @ centred / len(centred) + RIDGE / len(centred) * np.eye(len(deviation))
    return np.linalg.solve(spread, (known.mean(axis=0) - others.mean(axis=0)) / deviation) / deviation


def joined(known: Array, others: Array) -> tuple[float, float]:
    """Return the AUROC of scores joined: on photos that it was not fitted on, and on those that it was fitted on.

    The first is the mean over parts of both kinds of photos; there is one photo a class of others, so that its classes
    are new too. The second is more than any joining of these scores in a straight line can promise.
    """
    parts = []
    for known_part, other_part in zip(folds(len(known)), folds(len(others)), strict=True):
        weight = direction(np.delete(known, known_part, axis=0), np.delete(others, other_part, axis=0))
        parts.append(auroc(known[known_part] @ weight, others[other_part] @ weight))
    weight = direction(known, others)
    return float(np.mean(parts)), auroc(known @ weight, others @ weight)


def gain(known: tuple[Array, Array], others: tuple[Array, Array]) -> tuple[float, float, float]:
    """Return by how much a score's AUROC is above another's, with its 95 % interval over the same photos.

    ``known`` and ``others`` hold both scores of the photos, the other score last.
    """
    generator, drawn = np.random.default_rng(0), []
    for _ in range(RESAMPLINGS):
        here, there = (generator.integers(len(scores[0]), size=len(scores[0])) for scores in (known, others))
        drawn.append(auroc(known[0][here], others[0][there]) - auroc(known[1][here], others[1][there]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return auroc(known[0], others[0]) - auroc(known[1], others[1]), float(low), float(high)
