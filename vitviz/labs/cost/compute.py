"""Compute: what the parts of a transformer block cost as the number of tokens grows, by formula and by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vitviz.errors import OptionError
from vitviz.labs.blocks import build_blocks
from vitviz.labs.cost.vit_shape import CHANNELS, ViTShape
from vitviz.progress import Progress, report
from vitviz.record import Record, Result

MOST_MACS = 2.2e10
"""Largest block that is timed: about two seconds on one core."""
MOST_WEIGHTS = 100_000_000
"""Largest block or model that is timed or measured: its gradients take as much memory as its weights, twice."""
_NORM_OPERATIONS = 5  # a number: minus the mean, squared, times the scale twice, plus the offset


@dataclass(frozen=True)
class BlockMacs(Result):
    """Multiply–accumulate operations (MACs) of one block for L tokens of width D."""

    projections: float
    """Query, key, value and output projection: 4·L·D²."""
    attention: float
    """Scores and weighted sum of the values: 2·L²·D."""
    mlp: float
    """2·ratio·L·D², which is 8·L·D² for the usual ratio of 4."""

    @property
    def total(self) -> float:
        """All three."""
        return self.projections + self.attention + self.mlp


def block_macs(tokens: float, width: int, *, mlp_ratio: float = 4.0) -> BlockMacs:
    """Return the MACs of one transformer block; norms, softmax and activations are not counted."""
    square = tokens * width**2
    return BlockMacs(4 * square, 2 * tokens**2 * width, 2 * mlp_ratio * square)


def block_weights(width: int, *, mlp_ratio: float = 4.0) -> float:
    """Return how many weights the matrices of one transformer block have: 4·D² and 2·ratio·D²."""
    return (4 + 2 * mlp_ratio) * width**2


@dataclass(frozen=True)
class ModelMacs(Result):
    """MACs of one forward pass of one picture, by formula."""

    blocks: BlockMacs
    """All blocks together."""
    embedding: float
    """Patch embedding: patches × pixels a patch × 3 channels × D."""
    classifier: float
    """Linear classifier: D × classes."""

    @property
    def total(self) -> float:
        """All parts."""
        return self.blocks.total + self.embedding + self.classifier


def model_macs(shape: ViTShape) -> ModelMacs:
    """Return the MACs of a whole model: T blocks, patch embedding and classifier."""
    block = block_macs(shape.tokens, shape.width, mlp_ratio=shape.mlp_ratio)
    blocks = BlockMacs(*(shape.depth * part for part in (block.projections, block.attention, block.mlp)))
    pixels = CHANNELS * shape.patch_size[0] * shape.patch_size[1]
    return ModelMacs(blocks, shape.patches * pixels * shape.width, shape.width * shape.classes)


def norm_operations(shape: ViTShape) -> int:
    """Return the operations of all LayerNorms, 5 a number, which some published tables add to the MACs."""
    return _NORM_OPERATIONS * shape.tokens * shape.width * (2 * shape.depth + 1)


@dataclass(frozen=True)
class Crossovers(Record):
    """Numbers of tokens from which attention costs more than other parts of the block."""

    projections: float
    """2D: attention passes the four projections."""
    rest: float
    """(2 + ratio)·D, which is 6D for a ratio of 4: attention passes the projections and the MLP together."""


def crossovers(width: int, *, mlp_ratio: float = 4.0) -> Crossovers:
    """Return where 2L²D meets 4LD², and where it meets (4 + 2·ratio)·LD²."""
    return Crossovers(2.0 * width, (2 + mlp_ratio) * width)


@dataclass(frozen=True, eq=False)
class BlockSeconds(Result):
    """Seconds of one block on this machine, without gradients, against the number of tokens."""

    width: int
    heads: int
    tokens: tuple[int, ...]
    block: NDArray[np.float64]
    """(length,) fastest of the repetitions of the whole block."""
    attention: NDArray[np.float64]
    """(length,) fastest of the repetitions of the fused attention operation alone."""
    threads: int
    """Threads that torch used."""

    @property
    def macs(self) -> NDArray[np.float64]:
        """(length,) MACs of the block by formula."""
        return np.array([block_macs(length, self.width).total for length in self.tokens])

    @property
    def rate(self) -> NDArray[np.float64]:
        """(length,) MACs a second that the block reached."""
        return self.macs / self.block

    @property
    def predicted(self) -> NDArray[np.float64]:
        """(length,) seconds if every length ran at the median rate: the formula as a curve."""
        return np.asarray(self.macs / np.median(self.rate))


def lengths_to_time(width: int, *, first: int = 16, factor: float = 2.0) -> tuple[int, ...]:
    """Return numbers of tokens, each ``factor`` times the one before, as far as a block stays below 22 GMACs."""
    lengths = [first]
    while block_macs(lengths[-1] * factor, width).total <= MOST_MACS:
        lengths.append(round(lengths[-1] * factor))
    return tuple(lengths)


def time_block(
    width: int,
    heads: int,
    *,
    tokens: Sequence[int] | None = None,
    repetitions: int = 3,
    progress: Progress | None = None,
) -> BlockSeconds:
    """Time one Pre-LN block, and its attention operation alone, for several numbers of tokens.

    ``tokens`` default to powers of two from 16 to the largest that takes a second or two. The fastest repetition
    counts: other programs can only slow a run down. ``progress`` is called with (done, total).
    Raises OptionError for no tokens, blocks above 22 GMACs or a width of more than 100 million weights; StoppedError if
    ``progress`` returns False.
    """
    chosen = tuple(lengths_to_time(width) if tokens is None else tokens)
    largest = max((block_macs(length, width).total for length in chosen), default=0)
    if not chosen or min(chosen) < 1 or repetitions < 1 or largest > MOST_MACS:
        raise OptionError(
            "A block of width {width} was to be timed for {counts} tokens, {repetitions} times; wanted "
            "one or more, at least once, and at most {most:.0e} MACs. Choose fewer tokens or a "
            "smaller width.",
            width=width,
            counts=chosen or 0,
            repetitions=repetitions,
            most=MOST_MACS,
        )
    if block_weights(width) > MOST_WEIGHTS:
        raise OptionError(
            "A block of width {width} has {weights:,.0f} million weights; timed are blocks of at most "
            "{most:.0f} million. Choose a smaller width; the formula needs no measurement.",
            width=width,
            weights=block_weights(width) / 1e6,
            most=MOST_WEIGHTS / 1e6,
        )
    (block,) = build_blocks("pre", depth=1, width=width, heads=heads, seed=0)
    generator = torch.Generator().manual_seed(0)
    timings = []
    for done, length in enumerate(chosen):
        report(progress, done, len(chosen))
        x = torch.randn(1, length, width, generator=generator)
        split = x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (1, heads, token, head_dim)
        timings.append((_fastest(block, x, repetitions), _fastest(_attend, split, repetitions)))
    report(progress, len(chosen), len(chosen))
    seconds = np.array(timings)  # (length, 2)
    return BlockSeconds(width, heads, chosen, seconds[:, 0], seconds[:, 1], torch.get_num_threads())


def _attend(x: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(x, x, x)


@torch.no_grad()
def _fastest(function: Callable[[Tensor], Tensor], x: Tensor, repetitions: int) -> float:
    function(x)  # the first call pays for memory and for choosing kernels
    times = []
    for _repetition in range(repetitions):
        start = time.perf_counter()
        function(x)
        times.append(time.perf_counter() - start)
    return min(times)
