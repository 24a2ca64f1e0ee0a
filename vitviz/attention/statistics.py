"""Numbers that describe each head: how far it looks, how spread out, and at which kinds of token."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.argument import checked
from vitviz.errors import OptionError, shown
from vitviz.record import Result
from vitviz.trace.forward import as_result
from vitviz.trace.on_device import on_device
from vitviz.trace.trace import Trace

Table = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HeadStatistics(Result):
    """One table a statistic, each (layer, head) float32; heads that a layer has not are NaN.

    All are means over the patches as queries, so special tokens count as keys only. Shares lie in [0, 1].

    >>> vitviz.head_statistics(trace).distance.shape
    (12, 6)
    """

    entropy: Table
    """Entropy of the attention in nats: 0 for one key, log(tokens) for uniform attention."""
    distance: Table
    """Mean attention distance in patches (Dosovitskiy et al. 2021, figure 7), over the attention between patches."""
    pixel_distance: Table
    """The same in pixels of the model's input."""
    self_share: Table
    """Share of attention that a patch pays to itself."""
    class_share: Table
    """Share that goes to the class token; NaN for a model without one."""
    register_share: Table
    """Share that goes to registers; NaN for a model without them."""
    sink_share: Table
    """Share that goes to patches of unusually large norm (Darcet et al. 2024, "Vision Transformers Need Registers")."""
    sinks: tuple[tuple[int, ...], ...]
    """The patches of unusually large norm at the input of each layer, as token indices."""
    uniform_entropy: float
    """log(tokens): the entropy of a head that looks everywhere alike."""
    uniform_distance: float
    """Mean attention distance, in patches, of a head that looks everywhere alike."""

    def table(self, name: str) -> Table:
        """Return a statistic by its name; raises OptionError for a name that is none."""
        if not isinstance(name, str) or name not in STATISTICS:
            raise OptionError(
                "There is no statistic {name}; wanted one of {listed}.",
                name=shown(name),
                listed=", ".join(STATISTICS),
            )
        table: Table = getattr(self, name)
        return table


STATISTICS = tuple(field.name for field in fields(HeadStatistics) if field.type == "Table")


@checked
def head_statistics(trace: Trace, *, sink_deviations: float = 4.0) -> HeadStatistics:
    """Return the statistics of every head of a trace; one layer's maps are in memory at a time.

    ``sink_deviations``: a patch is a sink where its norm in the residual stream that enters the layer exceeds the
    mean norm of all patches by that many standard deviations.

    >>> vitviz.head_statistics(trace).distance.shape  # (layer, head)
    (12, 6)
    """
    grid, moved = trace.grid, on_device(trace)
    distance = torch.from_numpy(grid.distances()).float()
    pixels = torch.from_numpy(grid.pixel_distances()).float()
    prefix = len(grid.prefix)
    registers = [index for index, name in enumerate(grid.prefix) if name.startswith("register")]
    classes = [index for index, name in enumerate(grid.prefix) if name == "class"]
    sinks = tuple(_sinks(trace.residual(layer - 1), prefix, float(sink_deviations)) for layer in range(trace.layers))
    rows: dict[str, list[Tensor]] = {name: [] for name in STATISTICS}
    for layer in range(trace.layers):
        patches = as_result(moved.attention(layer))[:, prefix:]  # (heads, patch query, key)
        between = patches[:, :, prefix:]  # (heads, patch, patch)
        rows["entropy"].append(_entropy(patches).mean(-1))
        rows["distance"].append(mean_distance(between, distance))
        rows["pixel_distance"].append(mean_distance(between, pixels))
        rows["self_share"].append(between.diagonal(dim1=-2, dim2=-1).mean(-1))
        rows["class_share"].append(_share(patches, classes, absent=math.nan))
        rows["register_share"].append(_share(patches, registers, absent=math.nan))
        rows["sink_share"].append(_share(patches, list(sinks[layer]), absent=0.0))
        del patches, between  # before the next layer's maps are computed
    tables = {name: _table(values) for name, values in rows.items()}
    return HeadStatistics(
        **tables, sinks=sinks, uniform_entropy=math.log(grid.tokens), uniform_distance=float(distance.mean())
    )


def mean_distance(attention: Tensor, distance: Tensor) -> Tensor:
    """Return the attention-weighted distance, averaged over the queries: (…, patch, patch) → (…).

    Each row is normalised first, so that attention to special tokens, which have no place, does not count.
    """
    weight = attention.sum(-1)
    tiny = torch.finfo(attention.dtype).tiny
    mean: Tensor = ((attention * distance).sum(-1) / weight.clamp_min(tiny)).mean(-1)
    return mean


def _entropy(attention: Tensor) -> Tensor:
    parts: Tensor = torch.special.entr(attention)  # −p·log p, with 0·log 0 = 0
    return parts.sum(-1)


def _share(attention: Tensor, keys: list[int], *, absent: float) -> Tensor:
    if not keys:
        return torch.full(attention.shape[:1], absent)
    return attention[:, :, keys].sum(-1).mean(-1)  # (heads,)


def _sinks(stream: Tensor, prefix: int, deviations: float) -> tuple[int, ...]:
    norms = stream[prefix:].float().norm(dim=-1)  # (patch,)
    large = norms > norms.mean() + deviations * norms.std(correction=0)  # of all patches, not of a sample
    return tuple(int(patch) + prefix for patch in large.nonzero().flatten())


def _table(rows: list[Tensor]) -> Table:
    table = np.full((len(rows), max(len(row) for row in rows)), np.nan, dtype=np.float32)
    for layer, row in enumerate(rows):
        table[layer, : len(row)] = row.numpy()
    return table
