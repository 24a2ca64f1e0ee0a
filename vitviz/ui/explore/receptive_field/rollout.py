"""The receptive field by attention rollout, beside the one by gradient on the Receptive field page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vitviz.analysis.attention_field import AttentionField
from vitviz.analysis.receptive_field import ReceptiveField
from vitviz.images import Photo
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
    per_image = np.stack([in_pixels(scene, field) for field in fields])
    mean = per_image.mean(0, dtype=np.float64).astype(np.float32)
    return ReceptiveField(scene.vit.name, layer, scene.query, mean, per_image, _place(scene), None, None, ())


def in_pixels(scene: Scene, field: AttentionField) -> NDArray[np.float32]:
    """Return the share of each patch, spread evenly over its pixels: (height, width), sums to 1."""
    down, across = scene.vit.grid.patch_size
    spread = field.values.repeat(down, 0).repeat(across, 1) / (down * across)
    whole = np.zeros(scene.vit.image_size, np.float32)
    whole[: spread.shape[0], : spread.shape[1]] = spread
    return whole


def _place(scene: Scene) -> tuple[float, float] | None:
    """Return the middle of the patch that is read, in pixels; None for a special token."""
    if not scene.query.isdecimal():
        return None
    left, top, right, bottom = scene.vit.grid.box(int(scene.query))
    return (top + bottom - 1) / 2, (left + right - 1) / 2
