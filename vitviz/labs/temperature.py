"""Attention temperature: softmax(QKᵀ / τ), from one key alone (τ → 0) to all keys alike (τ → ∞).

With β = 1 / τ the entropy of a row of attention falls as β grows, **dH/dβ = −β · Var_A(scores)**: never upwards,
because a variance is not negative. exp(H) is the effective number of tokens that a query attends to. The temperature
of a Transformer is √d (Vaswani et al. 2017, section 3.2.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitviz.argument import checked
from vitviz.errors import OptionError, shown
from vitviz.record import Result

TIE = 1e-9
"""Scores that differ by less than this share of the largest one count as equal: rounding must not break a tie."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TemperedAttention(Result):
    """Attention at one temperature, and its numbers a query."""

    temperature: float
    """τ, from 0 to infinity; both ends are the exact limits."""
    scores: Matrix
    """(query, key) the dot products QKᵀ."""
    attention: Matrix
    """(query, key) rows sum to 1."""

    @property
    def entropy(self) -> Matrix:
        """(query,) entropy in nats: log(number of maxima) at τ = 0, log(keys) at τ = ∞."""
        return entropy(self.attention)

    @property
    def effective(self) -> Matrix:
        """(query,) exp(entropy): the effective number of tokens attended to, from 1 to the number of keys."""
        count: Matrix = np.exp(self.entropy)
        return count

    @property
    def variance(self) -> Matrix:
        """(query,) variance of the scores, each key weighted by its attention."""
        mean = (self.attention * self.scores).sum(-1, keepdims=True)  # (query, 1)
        variance: Matrix = (self.attention * (self.scores - mean) ** 2).sum(-1)
        return variance

    @property
    def slope(self) -> Matrix:
        """(query,) dH/dβ = −β · Var_A(scores); 0 at both ends, where nothing is left to change."""
        if self.temperature == 0:  # the variance falls exponentially in β, faster than β grows
            return np.zeros(len(self.scores))
        return -self.variance / self.temperature + 0.0  # not −0


@checked
def run(queries: ArrayLike, keys: ArrayLike, temperature: float) -> TemperedAttention:
    """Return the attention of queries (query, channel) to keys (key, channel) at a temperature.

    Raises OptionError for other shapes, no tokens, numbers that are not finite, or a negative temperature.
    """
    q, k = (np.asarray(vectors, dtype=np.float64) for vectors in (queries, keys))
    if q.ndim != 2 or k.ndim != 2 or q.shape[-1] != k.shape[-1] or not (q.size and k.size):
        raise OptionError(
            f"Queries of shape {q.shape} and keys of shape {k.shape} do not fit; wanted (query, channel) and (key, "
            "channel) with the same channels. Give every token a query and a key of one length."
        )
    if not (np.isfinite(q).all() and np.isfinite(k).all()):
        raise OptionError(
            "Some of the queries or keys are NaN or infinite; wanted finite numbers. Fill the empty cells."
        )
    scores = q @ k.T  # (query, key)
    return TemperedAttention(temperature, scores, attend(scores, temperature))


@checked
def attend(scores: ArrayLike, temperature: float) -> Matrix:
    """Return softmax(scores / τ) over the last axis, exactly also at both ends.

    τ = 0 gives equal shares to the largest scores and nothing to the others, τ = ∞ an equal share to every key.
    Raises OptionError for a temperature that is negative or NaN.
    """
    if not temperature >= 0:
        raise OptionError(
            f"The temperature is {temperature}; wanted a number from 0 to infinity. √d is what Transformers use."
        )
    numbers = _scores(scores)
    below = numbers - numbers.max(-1, keepdims=True)  # (…, key), at most 0
    size = np.abs(numbers).max(-1, keepdims=True)
    below = np.where(-below <= TIE * size, 0.0, below)
    if temperature == 0:
        weights = (below == 0).astype(np.float64)
    else:
        with np.errstate(over="ignore"):  # a tiny τ makes −∞, whose exponential is the 0 that is meant
            weights = np.exp(below / temperature)
    attention: Matrix = weights / weights.sum(-1, keepdims=True)
    return attention


@checked
def entropy(attention: ArrayLike) -> Matrix:
    """Return the entropy of shares over the last axis in nats, with 0 · log 0 = 0."""
    shares = np.asarray(attention, dtype=np.float64)
    logs = np.log(np.where(shares > 0, shares, 1.0))
    values: Matrix = -(shares * logs).sum(-1) + 0.0
    return values


@checked
def numerical_slope(scores: ArrayLike, temperature: float, *, step: float = 1e-4) -> Matrix:
    """Return dH/dβ by a central difference of ``step``·β (or of ``step`` at β = 0), to check the formula with.

    At τ = 0 both sides are at the limit, and the difference is 0. Raises OptionError for a bad temperature.
    """
    numbers = _scores(scores)
    if temperature == 0:
        return np.zeros(numbers.shape[:-1])
    beta = 1 / temperature
    change = step * (beta or 1.0)
    above, below = (entropy(_softmax(numbers * scale)) for scale in (beta + change, beta - change))
    slope: Matrix = (above - below) / (2 * change)
    return slope


def _scores(scores: ArrayLike) -> Matrix:
    numbers = np.asarray(scores, dtype=np.float64)
    if not numbers.ndim or not numbers.shape[-1] or not np.isfinite(numbers).all():
        raise OptionError(
            f"Scores of shape {numbers.shape} have no softmax; wanted finite numbers, (…, key), of at least one key. "
            "Fill the empty cells."
        )
    return numbers


def _softmax(numbers: Matrix) -> Matrix:
    weights = np.exp(numbers - numbers.max(-1, keepdims=True))
    shares: Matrix = weights / weights.sum(-1, keepdims=True)
    return shares


@dataclass(frozen=True, eq=False)
class TemperatureCurve(Result):
    """Entropy against temperature."""

    temperatures: Matrix
    """(temperature,) positive and finite, rising."""
    entropy: Matrix
    """(temperature, query) in nats."""
    sharpest: Matrix
    """(query,) the limit τ → 0: log(number of maxima)."""
    uniform: float
    """The limit τ → ∞: log(keys)."""


@checked
def curve(scores: ArrayLike, temperatures: Sequence[float] | NDArray[np.float64]) -> TemperatureCurve:
    """Return the entropy of each query over a range of temperatures, and its two limits."""
    numbers = _scores(scores)
    if np.ndim(temperatures) != 1 or not len(temperatures):
        raise OptionError(f"There are no temperatures in {shown(temperatures)}; wanted a list, such as [0.5, 1, 2].")
    entropies = np.stack([entropy(attend(numbers, float(temperature))) for temperature in temperatures])
    return TemperatureCurve(
        np.asarray(temperatures, dtype=np.float64),
        entropies,
        entropy(attend(numbers, 0.0)),
        math.log(numbers.shape[-1]),
    )
