"""Centred kernel alignment: how alike two layers, of one model or of two, arrange the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vitviz.argument import checked
from vitviz.errors import OptionError, check_choice
from vitviz.record import Result
from vitviz.trace.trace import Trace

TOKENS = ("patches", "class", "mean")


@checked
def linear_cka(x: NDArray[Any], y: NDArray[Any], *, debiased: bool = False) -> float:
    """Return the linear centred kernel alignment of two representations of the same n samples, (n, channel) each.

    1 for representations that differ by a rotation, a reflection or one factor, whatever their widths; near 0 for
    unrelated ones (Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited", section 3).
    With fewer samples than channels it comes out too large; ``debiased`` uses the unbiased estimator of HSIC (Song et
    al. 2012; Nguyen et al. 2021), which can be slightly negative.

    Raises OptionError for different numbers of samples, fewer than two (four for ``debiased``), or constant samples.

    >>> import numpy as np
    >>> features = np.random.default_rng(0).normal(size=(100, 8))
    >>> round(vitviz.linear_cka(features, 3 * features), 6)  # a scale makes no difference
    1.0
    """
    first, second = (np.asarray(samples, np.float64) for samples in (x, y))
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise OptionError(
            "CKA compares (sample, channel) tables of the same samples; got shapes {shape} and {other}.",
            shape=first.shape,
            other=second.shape,
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise OptionError("CKA of NaN or infinity says nothing; wanted finite numbers alone. Leave such samples out.")
    least = 4 if debiased else 2
    if len(first) < least:
        raise OptionError(
            "CKA needs at least {least} samples; got {count}. Use more patches or pictures.",
            least=least,
            count=len(first),
        )
    grams = [_gram(samples, debiased=debiased) for samples in (first, second)]
    return _alignment(*grams, debiased=debiased)


def _gram(samples: NDArray[np.float64], *, debiased: bool) -> NDArray[np.float64]:
    centred = samples - samples.mean(0)  # inner products of centred samples: the centred Gram matrix
    gram: NDArray[np.float64] = centred @ centred.T
    if debiased:
        np.fill_diagonal(gram, 0)
    return gram


def _alignment(gram: NDArray[np.float64], other: NDArray[np.float64], *, debiased: bool) -> float:
    own = _hsic(gram, gram, debiased=debiased) * _hsic(other, other, debiased=debiased)
    if not own > 0:
        raise OptionError(
            "CKA is not defined for samples that are all alike; wanted some that differ. Use other tokens."
        )
    return _hsic(gram, other, debiased=debiased) / float(np.sqrt(own))


def _alignment_or_nan(first: NDArray[np.float64], second: NDArray[np.float64], *, debiased: bool) -> float:
    alike = [not np.any(gram) for gram in (first, second)]
    return float("nan") if any(alike) else _alignment(first, second, debiased=debiased)


def _hsic(gram: NDArray[np.float64], other: NDArray[np.float64], *, debiased: bool) -> float:
    """Return HSIC up to a factor that both terms of CKA share; of Gram matrices without diagonal if debiased."""
    product = float((gram * other).sum())
    if not debiased:
        return product
    n = len(gram)
    sums = float(gram.sum() * other.sum()) / ((n - 1) * (n - 2))
    mixed = 2 * float(gram.sum(0) @ other.sum(1)) / (n - 2)
    return product + sums - mixed


@dataclass(frozen=True, eq=False)
class LayerSimilarity(Result):
    """Linear CKA of every layer with every layer."""

    models: tuple[str, str]
    values: NDArray[np.float64]
    """(layer of the first + 1, layer of the second + 1); index 0 is the input of the first block.

    NaN where all samples are alike: class tokens enter the first block the same for every picture.
    """
    samples: int
    """How many tokens were compared."""
    tokens: str
    debiased: bool
    notes: tuple[str, ...]


@checked
def layer_similarity(
    traces: Trace | Sequence[Trace],
    others: Trace | Sequence[Trace] | None = None,
    *,
    tokens: str = "patches",
    debiased: bool = False,
) -> LayerSimilarity:
    """Return the CKA between the layers of one model, or of two models that saw the same pictures.

    ``tokens`` are the samples: "patches" of all pictures, or one a picture, the "class" token or the "mean" of the
    patches. Two models with different patch grids are compared on the smaller one: the larger one's tokens are
    averaged over areas, and a note says so.
    Raises OptionError for unequal numbers of pictures, a model without a class token, or too few samples.

    >>> vitviz.layer_similarity(trace).values.shape  # (layer, layer)
    (13, 13)
    """
    check_choice("tokens", tokens, TOKENS)
    first = [traces] if isinstance(traces, Trace) else list(traces)
    second = first if others is None else [others] if isinstance(others, Trace) else list(others)
    if not first or len(first) != len(second):
        raise OptionError(
            "CKA needs the same pictures for both models; got {count} and {others} traces.",
            count=len(first),
            others=len(second),
        )
    shapes = [(traced.grid.rows, traced.grid.columns) for traced in (*first, *second)]
    common = min(rows for rows, _ in shapes), min(columns for _, columns in shapes)
    notes: tuple[str, ...] = ()
    if tokens == "patches" and len(set(shapes)) > 1:
        notes = (f"patch tokens were averaged over areas to a common grid of {common[0]} × {common[1]}",)
    sides = [first] if second is first else [first, second]
    grams = [
        [_gram(_samples(side, layer, tokens, common), debiased=debiased) for layer in range(-1, side[0].layers)]
        for side in sides
    ]
    samples = len(grams[0][0])
    if samples < 4:
        raise OptionError(
            "CKA of {samples} samples says nothing; wanted at least 4. Use more pictures or the patches.",
            samples=samples,
        )
    values = np.array([[_alignment_or_nan(gram, other, debiased=debiased) for other in grams[-1]] for gram in grams[0]])
    return LayerSimilarity((first[0].model, second[0].model), values, samples, tokens, debiased, notes)


def _samples(traces: list[Trace], layer: int, tokens: str, common: tuple[int, int]) -> NDArray[np.float64]:
    """Return the samples of a layer over all pictures: (sample, channel)."""
    parts = []
    for traced in traces:
        stream = traced.residual(layer).cpu().double()  # (token, channel)
        patches = stream[len(traced.grid.prefix) :]
        if tokens == "class":
            parts.append(stream[traced.grid.token("class")][None])
        elif tokens == "mean":
            parts.append(patches.mean(0, keepdim=True))
        elif (traced.grid.rows, traced.grid.columns) == common:
            parts.append(patches)
        else:
            plane = traced.grid.to_map(patches.mT)[None]  # (1, channel, rows, columns)
            parts.append(functional.adaptive_avg_pool2d(plane, common)[0].flatten(1).mT)
    samples: NDArray[np.float64] = torch.cat(parts).numpy()
    return samples
