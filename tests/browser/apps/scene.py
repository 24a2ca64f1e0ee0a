"""A small made-up scene for the component tests: a drawn photo, and queries and keys that follow its colours."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vitviz.grid import PatchGrid

PREFIX = ("class", "register 1", "register 2", "register 3", "register 4")

GRIDS = {
    "small": (PatchGrid(16, 16, (14, 14), ("class",)), 6),
    "registers": (PatchGrid(4, 6, (16, 16), PREFIX), 3),
    "distilled": (PatchGrid(14, 14, (16, 16), ("class", "distillation")), 3),
    "plain": (PatchGrid(5, 5, (16, 16)), 2),
    "large": (PatchGrid(37, 37, (14, 14), ("class",)), 12),
}
"""Name → (grid, heads)."""


def photo(grid: PatchGrid) -> Image.Image:
    """Return a drawn landscape with a bird, in the size that the grid covers."""
    height, width = grid.image_size
    picture = Image.new("RGB", (4 * width, 4 * height))
    draw = ImageDraw.Draw(picture)
    for y in range(4 * height):
        share = y / (4 * height)
        draw.line([(0, y), (4 * width, y)], fill=(int(120 + 90 * share), int(170 + 40 * share), int(225 - 60 * share)))
    w, h = 4 * width, 4 * height
    draw.ellipse([0.68 * w, 0.08 * h, 0.86 * w, 0.26 * h], fill=(255, 236, 150))
    draw.polygon(
        [(0, 0.75 * h), (0.3 * w, 0.5 * h), (0.62 * w, 0.78 * h), (w, 0.6 * h), (w, h), (0, h)], fill=(70, 110, 80)
    )
    draw.ellipse([0.3 * w, 0.36 * h, 0.66 * w, 0.72 * h], fill=(150, 60, 45))
    draw.ellipse([0.54 * w, 0.26 * h, 0.74 * w, 0.48 * h], fill=(60, 50, 60))
    draw.polygon([(0.72 * w, 0.34 * h), (0.84 * w, 0.38 * h), (0.72 * w, 0.42 * h)], fill=(240, 170, 40))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def png(picture: Image.Image) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def queries_and_keys(name: str, layer: int, channels: int = 64) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (heads, token, channel) twice: random features of each patch's colour and place, one mixture a head."""
    grid, heads = GRIDS[name]
    small = np.asarray(photo(grid).resize((grid.columns, grid.rows), Image.Resampling.BOX), dtype=float) / 255
    row, column = np.divmod(np.arange(grid.patches), grid.columns)
    place = np.stack([row / grid.rows, column / grid.columns], axis=1)
    features = np.concatenate([small.reshape(-1, 3), place], axis=1)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    generator = np.random.default_rng(layer)
    special = generator.normal(size=(len(grid.prefix), features.shape[1]))
    tokens = np.concatenate([special, features])  # (token, feature)
    mixtures = generator.normal(size=(heads, features.shape[1], channels)) / np.sqrt(channels)
    weights = np.exp(generator.normal(size=(heads, features.shape[1])) * 0.8)
    sharp = np.linspace(0.25, 1.6, heads)[:, None, None]
    keys = np.einsum("tf,hf,hfc->htc", tokens, weights, mixtures)
    queries = keys * sharp + generator.normal(size=keys.shape) * 0.05
    return queries.astype(np.float32), keys.astype(np.float32)


def softmax_maps(queries: NDArray[np.float32], keys: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (heads, query, key) in float64: an implementation of its own, to compare with."""
    scores = queries.astype(np.float64) @ keys.astype(np.float64).transpose(0, 2, 1)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)
