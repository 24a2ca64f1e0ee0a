"""Spatial frequencies of the patch tokens: how much detail each layer keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.analysis.tokens import patch_tokens
from vitviz.argument import checked
from vitviz.errors import OptionError
from vitviz.record import Result
from vitviz.trace.trace import Trace

FLOOR = math.log(1e-9)
"""Lowest relative log amplitude that is told: less is rounding noise."""


@dataclass(frozen=True, eq=False)
class Spectrum(Result):
    """Relative log amplitude of the tokens by spatial frequency, layer by layer."""

    frequency: NDArray[np.float64]
    """(band,) middle of each band in units of π a patch: 0 is constant, 1 changes sign from patch to patch."""
    stream: NDArray[np.float64]
    """(layer + 1, band) of the residual stream; row 0 is the input of the first block."""
    branch: NDArray[np.float64]
    """(layer, band) of what each block adds to it: the same without the residual path."""


@checked
def token_spectrum(trace: Trace) -> Spectrum:
    """Return the log amplitude of each frequency band relative to frequency 0, for every layer of a trace.

    Natural logarithm of the mean amplitude of the two-dimensional Fourier transform of the token maps, minus that at
    frequency 0 (Park & Kim 2022, "How Do Vision Transformers Work?", figure 2). They read the diagonal of square
    maps; here a band holds all frequencies with the same larger component, so that other grids work too. A row that
    falls from layer to layer is a low-pass filter at work.
    Raises OptionError for a grid of a single patch.

    >>> vitviz.token_spectrum(trace).stream.shape
    (13, 9)
    """
    streams = [patch_tokens(trace, layer) for layer in range(-1, trace.layers)]
    added = [after - before for before, after in zip(streams, streams[1:], strict=False)]
    maps = [trace.grid.to_map(tokens.T) for tokens in (*streams, *added)]  # (channel, rows, columns)
    frequency, first = relative_log_amplitude(maps[0])
    rows = np.stack([first, *(relative_log_amplitude(plane)[1] for plane in maps[1:])])
    return Spectrum(frequency, rows[: len(streams)], rows[len(streams) :])


def relative_log_amplitude(maps: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (frequency, log amplitude relative to frequency 0) of maps (channel, rows, columns), a value a band.

    Frequencies are in units of π a patch. Amplitudes are averaged over channels and over a band before the logarithm.
    Bands below 1e-9 of frequency 0 are told as log 1e-9; maps without any mean have no reference and give NaN.
    """
    values = np.asarray(maps, np.float64)
    if values.ndim != 3 or max(values.shape[1:]) < 2:
        raise OptionError(
            "A spectrum needs maps of more than one patch; got the shape {shape}. Use a larger grid.",
            shape=values.shape,
        )
    amplitude = abs(np.fft.fft2(values)).mean(0)  # (rows, columns)
    down, across = (abs(np.fft.fftfreq(size)) * 2 for size in amplitude.shape)
    larger = np.maximum(down[:, None], across[None])  # in units of π, 0 to 1
    count = max(amplitude.shape) // 2
    band = np.ceil(larger * count - 1e-9).astype(int).ravel()
    size = np.bincount(band, minlength=count + 1)
    mean = np.bincount(band, amplitude.ravel(), count + 1) / np.maximum(size, 1)
    frequency = np.bincount(band, larger.ravel(), count + 1) / np.maximum(size, 1)
    held = size > 0  # a band of a narrow grid may be empty
    if not mean[0] > 1e-9 * mean.max():
        return frequency[held], np.full(int(held.sum()), np.nan)
    share = np.maximum(mean[held] / mean[0], math.exp(FLOOR))
    return frequency[held], np.log(share)
