"""Rendering: from a board to pixels. Every content is drawn once with four samples a pixel side, then only copied."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from vitviz.labs.long_range.contents import (
    BAND,
    CELL_PIXELS,
    CODES,
    COLOURS,
    DOT,
    FIRST_BAR,
    FIRST_HALF,
    IMAGE_SIZE,
    ORIENTATIONS,
    Board,
    identity_of,
    side_of,
)

NOISE = 0.03
"""Standard deviation of the pixel noise, on values from 0 to 1."""
_SAMPLES = 4  # samples along a pixel's side: smooth edges
_BACKGROUND = 0.93
_BAND_GREY, _DOT_GREY, _BAR_GREY = 0.62, 0.45, 0.12
_RGB = np.array([(0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)]) / 255
"""Okabe and Ito's blue, orange, green and pink: told apart by all common kinds of colour vision."""
_SHIFTS = tuple((down, right) for down in (-0.5, 0.5) for right in (-0.5, 0.5))
"""Where in its cell a content lies, in pixels from the middle: half a pixel up or down, left or right."""


def render(boards: Board, *, generator: np.random.Generator, noise: float = NOISE) -> NDArray[np.float32]:
    """Return the pictures of boards (image, row, column): (image, channel, height, width), values in [0, 1].

    Each content is shifted by half a pixel at random, each picture has a brightness of its own (± 0.04), and each pixel
    independent Gaussian noise.
    """
    count = len(boards)
    shifts = generator.integers(len(_SHIFTS), size=boards.shape)
    cells = _bank()[boards, shifts]  # (image, row, column, y, x, channel)
    pixels = cells.transpose(0, 5, 1, 3, 2, 4).reshape(count, 3, *IMAGE_SIZE)
    pixels = pixels + generator.uniform(-0.04, 0.04, (count, 1, 1, 1)).astype(np.float32)
    pixels += noise * generator.standard_normal(pixels.shape, dtype=np.float32)
    result: NDArray[np.float32] = np.clip(pixels, 0, 1, out=pixels)
    return result


def picture(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a picture to look at, (height, width, 3) from 0 to 255, of pixels (channel, height, width) in [0, 1]."""
    result: NDArray[np.uint8] = np.rint(pixels.transpose(1, 2, 0) * 255).astype(np.uint8)
    return result


@cache
def _bank() -> NDArray[np.float32]:
    """Return every content at every shift: (content, shift, y, x, channel)."""
    bank = np.empty((CODES, len(_SHIFTS), CELL_PIXELS, CELL_PIXELS, 3), np.float32)
    steps = (np.arange(CELL_PIXELS * _SAMPLES) + 0.5) / _SAMPLES - CELL_PIXELS / 2
    for code in range(CODES):
        for number, (down, right) in enumerate(_SHIFTS):
            inside = _inside(code, steps[None, :] - right, steps[:, None] - down)
            share = inside.reshape(CELL_PIXELS, _SAMPLES, CELL_PIXELS, _SAMPLES).mean((1, 3))
            bank[code, number] = _BACKGROUND + share[..., None] * (_colour(code) - _BACKGROUND)
    bank.flags.writeable = False
    return bank


def _inside(code: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which samples a content covers; x and y in pixels from the middle of its cell."""
    empty = np.zeros(np.broadcast_shapes(x.shape, y.shape), bool)
    if code == BAND:
        return ~empty
    if code == DOT:
        return x**2 + y**2 <= 2.2**2
    if FIRST_BAR <= code < DOT:
        angle = np.pi * (code - FIRST_BAR) / ORIENTATIONS
        along = x * np.cos(angle) - y * np.sin(angle)
        across = x * np.sin(angle) + y * np.cos(angle)
        bar: NDArray[np.bool_] = (np.abs(along) <= 3.4) & (np.abs(across) <= 1.0)
        return bar
    if FIRST_HALF <= code < FIRST_BAR:
        return _inside_half(code, x, y)
    return empty


def _inside_half(code: int, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """A half is 6 pixels wide and 7 high; its cut edge lies on the side of its partner."""
    depth = np.abs(x - (3.0 if side_of(code) == 0 else -3.0)) / 6.0  # 0 at the cut edge, 1 at the tip
    height = np.abs(y) / 3.5
    within = np.abs(x) <= 3.0
    if identity_of(code) // len(COLOURS) == 0:  # a disc
        return within & (depth**2 + height**2 <= 1)
    return within & (height <= 1) & ((depth > 0.6) | (height > 0.5))  # a frame, open to its partner


def _colour(code: int) -> NDArray[np.float64]:
    if FIRST_HALF <= code < FIRST_BAR:
        return np.asarray(_RGB[identity_of(code) % len(COLOURS)], np.float64)
    grey = {BAND: _BAND_GREY, DOT: _DOT_GREY}.get(code, _BAR_GREY)
    return np.full(3, grey)
