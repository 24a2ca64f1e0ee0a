"""Centred kernel alignment: how alike two layers, of one model or of two, arrange the same tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vitviz.errors import OptionError, check_choice
from vitviz.record import Record
from vitviz.trace.trace import Trace

TOKENS = ("patches", "class", "mean")


def linear_cka(one: NDArray[Any], other: NDArray[Any], *, debiased: bool = False) -> float:
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
    first, second = (np.asarray(each, np.float64) for each in (one, other))
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second):
        raise OptionError(
            f"CKA compares (sample, channel) tables of the same samples; got shapes {first.shape} and {second.shape}."
        )
    least = 4 if debiased else 2
    if len(first) < least:
        raise OptionError(f"CKA needs at least {least} samples; got {len(first)}. Use more patches or pictures.")
    grams = [_gram(each, debiased=debiased) for each in (first, second)]
    return _alignment(*grams, debiased=debiased)


def _gram(samples: NDArray[np.float64], *, debiased: bool) -> NDArray[np.float64]:
    centred = samples - samples.mean(0)  # inner products of centred samples: the centred Gram matrix
    gram: NDArray[np.float64] = centred @ centred.T
    if debiased:
        np.fill_diagonal(gram, 0)
    return gram


def _alignment(one: NDArray[np.float64], other: NDArray[np.float64], *, debiased: bool) -> float:
    own = _hsic(one, one, debiased=debiased) * _hsic(other, other, debiased=debiased)
    if not own > 0:
        raise OptionError(
            "CKA is not defined for samples that are all alike; wanted some that differ. Use other tokens."
        )
    return _hsic(one, other, debiased=debiased) / float(np.sqrt(own))


def _alignment_or_nan(one: NDArray[np.float64], other: NDArray[np.float64], *, debiased: bool) -> float:
    alike = [not np.any(gram) for gram in (one, other)]
    return float("nan") if any(alike) else _alignment(one, other, debiased=debiased)


def _hsic(one: NDArray[np.float64], other: NDArray[np.float64], *, debiased: bool) -> float:
    """Return HSIC up to a factor that both terms of CKA share; of Gram matrices without diagonal if debiased."""
    product = float((one * other).sum())
    if not debiased:
        return product
    n = len(one)
    sums = float(one.sum() * other.sum()) / ((n - 1) * (n - 2))
    mixed = 2 * float(one.sum(0) @ other.sum(1)) / (n - 2)
    return product + sums - mixed


@dataclass(frozen=True, eq=False)
class LayerSimilarity(Record):
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
        raise OptionError(f"CKA needs the same pictures for both models; got {len(first)} and {len(second)} traces.")
    shapes = [(each.grid.rows, each.grid.columns) for each in (*first, *second)]
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
            f"CKA of {samples} samples says nothing; wanted at least 4. Use more pictures or the patches."
        )
    values = np.array([[_alignment_or_nan(one, other, debiased=debiased) for other in grams[-1]] for one in grams[0]])
    return LayerSimilarity((first[0].model, second[0].model), values, samples, tokens, debiased, notes)


def _samples(traces: list[Trace], layer: int, tokens: str, common: tuple[int, int]) -> NDArray[np.float64]:
    """Return the samples of a layer over all pictures: (sample, channel)."""
    found = []
    for each in traces:
        stream = each.residual(layer).double().cpu()  # (token, channel)
        patches = stream[len(each.grid.prefix) :]
        if tokens == "class":
            found.append(stream[each.grid.token("class")][None])
        elif tokens == "mean":
            found.append(patches.mean(0, keepdim=True))
        elif (each.grid.rows, each.grid.columns) == common:
            found.append(patches)
        else:
            plane = each.grid.to_map(patches.mT)[None]  # (1, channel, rows, columns)
            found.append(functional.adaptive_avg_pool2d(plane, common)[0].flatten(1).mT)
    samples: NDArray[np.float64] = torch.cat(found).numpy()
    return samples
