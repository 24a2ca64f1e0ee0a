"""The temperature of a real Vision Transformer: its attention scores divided by a factor inside the forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from vitviz.attention.statistics import head_statistics
from vitviz.attention.view import attention_view
from vitviz.capture.edit import Edit
from vitviz.errors import OptionError, check_index
from vitviz.models.inputs import Picture, input_of
from vitviz.models.vit import ViT
from vitviz.progress import Progress, report
from vitviz.record import Result
from vitviz.trace.run import trace
from vitviz.trace.trace import Trace

FACTORS = (1 / 8, 1 / 4, 1 / 2, 1 / 2**0.5, 1.0, 2**0.5, 2.0, 4.0, 8.0)

Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModelTemperature(Result):
    """What a model does at several temperatures; a factor of 1 is the model as it is, bit for bit."""

    factors: tuple[float, ...]
    """What √d is multiplied by."""
    layer: int | None
    """The layer whose temperature was changed; None for all of them."""
    entropy: Table
    """(factor, layer) mean entropy of the heads in nats, over the patches as queries."""
    uniform_entropy: float
    """log(tokens): the entropy of uniform attention."""
    cosine: Table
    """(factor,) cosine between what is read (class token, or embedding) and what the plain model reads."""
    read: str
    """What is compared: "class token", or "embedding" for a model without one."""
    top: tuple[int, ...]
    """The top-1 class at each factor; empty for a model without a classifier."""
    probability: Table
    """(factor,) probability of the plain model's answer; empty without a classifier."""
    maps: NDArray[np.float32]
    """(factor, rows, columns) where the class token, or without one the mean patch, looks in the last layer, mean of
    the heads."""


def tempered_edit(vit: ViT, factor: float, layer: int | None = None) -> Edit:
    """Return the edit that multiplies the temperature of one layer, or of all, by a factor; empty for a factor of 1.

    Raises OptionError for a layer that does not exist or a factor that is not positive and finite.
    """
    layers = range(vit.layers) if layer is None else [check_index("Layer", layer, vit.layers)]
    return Edit(temperature=dict.fromkeys(layers, factor))


def run(
    vit: ViT,
    image: Picture,
    *,
    factors: Sequence[float] = FACTORS,
    layer: int | None = None,
    progress: Progress | None = None,
) -> ModelTemperature:
    """Run a picture through a model at several temperatures: entropy, drift of the class token and of the answer.

    Raises OptionError for no factors, and for factors that are not positive and finite.
    """
    if not factors:
        raise OptionError("There are no temperature factors; wanted at least one, such as 1 or 2.")
    pixels = input_of(vit, image)
    plain = trace(vit, pixels)
    entropies, cosines, answers, maps = [], [], [], []
    for done, factor in enumerate(factors):
        edit = tempered_edit(vit, factor, layer)
        traced = trace(vit, pixels, edit=edit) if edit else plain
        entropies.append(np.nanmean(head_statistics(traced).entropy, axis=1))  # (layer,)
        cosines.append(drift(plain, traced))
        maps.append(attention_view(traced).values)
        if traced.logits is not None:
            answers.append(vit.probabilities(traced.logits.double()))
        report(progress, done + 1, len(factors))
    top = () if plain.logits is None else tuple(int(shares.argmax()) for shares in answers)
    best = None if plain.logits is None else int(plain.logits.argmax())
    return ModelTemperature(
        tuple(float(factor) for factor in factors),
        layer,
        np.stack(entropies).astype(np.float64),
        float(np.log(vit.grid.tokens)),
        np.array(cosines),
        _read_name(plain),
        top,
        np.array([float(shares[best]) for shares in answers]),
        np.stack(maps),
    )


def drift(plain: Trace, changed: Trace) -> float:
    """Return the cosine between what two traces of one model read: class tokens after the last block, or embeddings."""
    first, second = (_read(traced) for traced in (plain, changed))
    return float(functional.cosine_similarity(first, second, dim=0))


def _read(traced: Trace) -> torch.Tensor:
    if "class" in traced.grid.prefix:
        return traced.residual(traced.layers - 1)[traced.grid.token("class")].cpu().double()
    return traced.embedding.cpu().double()


def _read_name(traced: Trace) -> str:
    return "class token" if "class" in traced.grid.prefix else "embedding"
