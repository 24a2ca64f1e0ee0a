"""The receptive field by attention rollout, beside the one by gradient on the Receptive field page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import vitviz
from vitviz.analysis.attention_field import AttentionField
from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.images import Photo
from vitviz.models.vit import ViT
from vitviz.ui.explore.receptive_field.probes import Probe
from vitviz.ui.kept import cache
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


def probe(vit: Probe) -> Probe:
    """Return the scene's ViT as the rollout shows it."""
    return replace(
        vit,
        key=vit.key + "|rollout",
        title=_("Its attention rollout"),
        weights=_("attention of all layers so far, multiplied; no gradient"),
        dashed=True,
    )


def measure(scene: Scene, layer: int, digests: tuple[str, ...], photos: list[Photo]) -> ReceptiveField:
    """Return where the rollout of the scene's token lies, up to a layer, as a field in pixels."""
    fields = cache.attention_fields(scene.model_key, digests, layer, scene.query, scene.vit, tuple(photos))
    return _field(scene.vit, scene.query, layer, fields)


def radii(vit: ViT, query: str, photos: list[Photo], told: Callable[[int], None]) -> list[float]:
    """Return the radius of a token's rollout up to every layer; ``told`` is called with the photos done."""
    fields: list[list[AttentionField]] = [[] for _layer in range(vit.layers)]
    for done, photo in enumerate(photos, start=1):
        trace = vitviz.trace(vit, photo.image)  # one in memory at a time
        for layer, listed in enumerate(fields):
            listed.append(vitviz.attention_field(trace, token=query, layer=layer))
        told(done)
    return [_field(vit, query, layer, listed).radius for layer, listed in enumerate(fields)]


def _field(vit: ViT, query: str, layer: int, fields: Sequence[AttentionField]) -> ReceptiveField:
    per_image = np.stack([in_pixels(vit, field) for field in fields])
    mean = per_image.mean(0, dtype=np.float64).astype(np.float32)
    return ReceptiveField(vit.name, layer, query, mean, per_image, _place(vit, query), None, None, ())


def in_pixels(vit: ViT, field: AttentionField) -> NDArray[np.float32]:
    """Return the share of each patch, spread evenly over its pixels: (height, width), sums to 1."""
    down, across = vit.grid.patch_size
    spread = field.values.repeat(down, 0).repeat(across, 1) / (down * across)
    whole = np.zeros(vit.image_size, np.float32)
    whole[: spread.shape[0], : spread.shape[1]] = spread
    return whole


def _place(vit: ViT, query: str) -> tuple[float, float] | None:
    """Return the middle of the patch that is read, in pixels; None for a special token."""
    if not query.isdecimal():
        return None
    left, top, right, bottom = vit.grid.box(int(query))
    return (top + bottom - 1) / 2, (left + right - 1) / 2
