"""Sine–cosine position encodings, in one and in two dimensions: the vectors, and how to tell them."""

from __future__ import annotations

import torch
from torch import Tensor

from vitviz.errors import OptionError

TEMPERATURE = 10_000.0
"""The longest wave is 2π times this many places (Vaswani et al. 2017, section 3.5)."""


def sine_cosine_1d(places: Tensor | int, channels: int, *, temperature: float = TEMPERATURE) -> Tensor:
    """Return the vectors of places on a line: (place, channel), all sines and then all cosines.

    Frequency i of channels / 2 is temperature^(−2i / channels) (Vaswani et al. 2017, section 3.5).
    Raises OptionError for an odd number of channels.
    """
    if channels < 2 or channels % 2:
        raise OptionError(
            "Sine–cosine positions need an even number of channels; got {channels}. Choose a multiple of 2.",
            channels=channels,
        )
    line = torch.arange(places) if isinstance(places, int) else places
    frequency = temperature ** (-torch.arange(channels // 2, dtype=torch.float64) / (channels // 2))
    angle = line.double()[:, None] * frequency  # (place, frequency)
    return torch.cat([angle.sin(), angle.cos()], -1).float()


def sine_cosine_2d(rows: int, columns: int, channels: int, *, temperature: float = TEMPERATURE) -> Tensor:
    """Return the vectors of the places of a grid, row by row: (patch, channel), half for the column, half for the row.

    The order is that of MAE (He et al. 2022). Raises OptionError unless the channels are a multiple of four.
    """
    if channels < 4 or channels % 4:
        raise OptionError(
            "2-D sine–cosine positions need a multiple of 4 channels; got {channels}. Choose another width.",
            channels=channels,
        )
    row, column = _places(rows, columns)
    half = channels // 2
    across = sine_cosine_1d(column, half, temperature=temperature)
    return torch.cat([across, sine_cosine_1d(row, half, temperature=temperature)], -1)


def sine_cosine_kind(vectors: Tensor, rows: int, columns: int) -> str | None:
    """Return "sine-cosine-1d" or "sine-cosine-2d" if that is what the vectors are, up to a factor, else None.

    ``vectors`` is (patch, channel). The channels may come in any order: compared are the similarities of all places,
    which no order of channels changes, for the usual temperature of 10,000.
    """
    channels = vectors.shape[-1]
    unit = _normalised(vectors)
    if channels % 4 == 0 and _equal(unit, sine_cosine_2d(rows, columns, channels)):
        return "sine-cosine-2d"
    if channels % 2 == 0 and _equal(unit, sine_cosine_1d(rows * columns, channels)):
        return "sine-cosine-1d"
    return None


def _places(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    number = torch.arange(rows * columns)
    return number.div(columns, rounding_mode="floor"), number % columns


def _normalised(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors.detach().cpu().double(), dim=-1)


def _equal(vectors: Tensor, wanted: Tensor) -> bool:
    unit = _normalised(wanted)
    return torch.allclose(vectors @ vectors.mT, unit @ unit.mT, atol=1e-3)
