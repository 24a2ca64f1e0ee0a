"""Attention of a real model as a filter over the grid of patches, with and without the residual path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.spectrum import relative_log_amplitude, token_spectrum
from vitviz.errors import OptionError
from vitviz.grid import PatchGrid
from vitviz.models.vit import ViT
from vitviz.record import Result
from vitviz.trace.trace import Trace

BANDS = 16
"""Frequencies are averaged in that many bands of equal width, as far as the grid has so many."""


@dataclass(frozen=True, eq=False)
class AttentionGain(Result):
    """How much of each spatial frequency the attention of each layer lets through."""

    frequency: NDArray[np.float64]
    """(band,) mean eigenvalue of the grid's Laplacian: 0 is constant, 8 changes sign from patch to patch."""
    attention: NDArray[np.float64]
    """(layer, band) |Aφ|/|φ|, mean over heads and the waves φ of a band: attention without the residual path."""
    residual: NDArray[np.float64]
    """(layer, band) the same of (I + A)/2: attention with the residual path, as rollout mixes them."""


def attention_gain(trace: Trace) -> AttentionGain:
    """Measure the gain of every layer's attention at every frequency of the patch grid.

    The waves φ are the eigenvectors of the grid's Laplacian. A is the attention among patches, its rows scaled to sum
    to 1: attention to prefix tokens is left out. Values and projections are not part of it.
    Raises OptionError for a grid of fewer than three patches a side.
    """
    waves, frequency = _waves(trace.grid)
    band = _bands(frequency)
    count = int(band.max()) + 1
    size = np.bincount(band, minlength=count)
    rows = []
    for layer in range(trace.layers):
        patches = slice(len(trace.grid.prefix), None)
        among = trace.attention(layer)[:, patches, patches].double()  # (heads, query, key)
        among = among / among.sum(-1, keepdim=True).clamp_min(1e-12)
        through = among @ waves  # (heads, patch, wave)
        pair = [through.norm(dim=1).mean(0), ((through + waves) / 2).norm(dim=1).mean(0)]
        rows.append([np.bincount(band, values.cpu().numpy(), count) / size for values in pair])
    gains = np.array(rows)  # (layer, 2, band)
    return AttentionGain(np.bincount(band, frequency, count) / size, gains[:, 0], gains[:, 1])


def _waves(grid: PatchGrid) -> tuple[Tensor, NDArray[np.float64]]:
    """Return the eigenvectors of a grid's Laplacian as columns (patch, wave), length 1, and their eigenvalues."""
    if min(grid.rows, grid.columns) < 3:
        raise OptionError(
            "A grid of {rows} × {columns} patches has no spatial frequencies to speak of; wanted at least 3 "
            "× 3. Use a larger picture.",
            rows=grid.rows,
            columns=grid.columns,
        )
    (down, down_values), (across, across_values) = (_cosines(n) for n in (grid.rows, grid.columns))
    waves = np.kron(down, across)  # (patch, wave)
    return torch.from_numpy(waves), np.add.outer(down_values, across_values).ravel()


def _cosines(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the eigenvectors of a path's Laplacian, (node, wave) of length 1, and 2 − 2cos(πk/n)."""
    turns = np.pi * np.arange(size) / size
    waves = np.cos(np.outer(np.arange(size) + 0.5, turns))
    return waves / np.linalg.norm(waves, axis=0), 2 - 2 * np.cos(turns)


def _bands(frequency: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the band of each frequency, numbered without gaps; frequency 0 is a band of its own."""
    edges = np.ceil(frequency / 8 * BANDS - 1e-9)
    _edges, band = np.unique(np.where(frequency < 1e-9, -1, edges), return_inverse=True)
    return band.astype(np.int64)


@dataclass(frozen=True, eq=False)
class ResidualComparison(Result):
    """Spatial frequencies of the patch tokens, layer by layer, in a model as it is and without its residual paths."""

    frequency: NDArray[np.float64]
    """(band,) in units of π a patch: 0 is constant, 1 changes sign from patch to patch."""
    with_residual: NDArray[np.float64]
    """(layer + 1, band) log amplitude relative to frequency 0; row 0 is the input of the first block."""
    without_residual: NDArray[np.float64]
    """(layer + 1, band) the same where every block gives only what it would add."""


def compare_residual(vit: ViT, trace: Trace) -> ResidualComparison:
    """Run a model again with every block's residual path cut, and compare its spectra with those of the trace.

    Cut is the path around the whole block: it hands on f(x) where it handed on x + f(x). The model is not changed.
    Raises OptionError for a grid of a single patch.
    """
    kept = token_spectrum(trace)
    streams = [trace.residual(-1), *_without_residual(vit, trace.pixels)]
    prefix = len(vit.grid.prefix)
    maps = [vit.grid.to_map(stream[prefix:].float().cpu().numpy().T) for stream in streams]
    rows = [relative_log_amplitude(plane)[1] for plane in maps]  # of (channel, rows, columns)
    return ResidualComparison(kept.frequency, kept.stream, np.stack(rows))


def _without_residual(vit: ViT, pixels: Tensor) -> list[Tensor]:
    """Return what every block hands on, (token, channel) each, where none hands on its input."""
    shell = vit.working_copy()
    streams: list[Tensor] = []

    def cut(block: Any, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        added: Tensor = output - inputs[0]
        streams.append(added[0].detach())
        return added

    for block in shell.blocks.children():
        block.register_forward_hook(cut)
    with vit.lock, torch.inference_mode(False), torch.no_grad():
        shell.forward_features(vit.as_input(pixels[None]))
    return streams
