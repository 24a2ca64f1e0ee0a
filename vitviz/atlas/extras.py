"""What costs many passes a photo and is measured on request: faithfulness, receptive fields, CKA of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vitviz.analysis.faithfulness_checks import Box
from vitviz.analysis.receptive_field import receptive_field
from vitviz.analysis.similarity import layer_similarity
from vitviz.atlas.entry import Entry
from vitviz.atlas.job import Settings
from vitviz.atlas.layout import METRICS
from vitviz.atlas.state import name_hash
from vitviz.attribution.benchmark import Plan, measure_photo
from vitviz.models.vit import ViT
from vitviz.trace.default import target_of
from vitviz.trace.forward import predict
from vitviz.trace.run import trace

Numbers = dict[str, NDArray[np.float64]]


class Opened(Protocol):
    """A photo that is ready for the model."""

    @property
    def entry(self) -> Entry:
        """What the list says of it."""
        ...

    @property
    def pixels(self) -> Tensor:
        """(3, height, width), normalised."""
        ...

    @property
    def box(self) -> Box | None:
        """Where its one box lies in the model's input; None for another number of boxes."""
        ...


def extra_numbers(vit: ViT, settings: Settings, photos: Sequence[Opened], classes: Sequence[int | None]) -> Numbers:
    """Return the statistics on request by name, (photo, …); none if none are wanted.

    ``classes`` are the photos' classes, which are explained where they are known, else the model's answer.
    """
    layout = settings.layout
    numbers: dict[str, list[NDArray[np.float64]]] = {}

    def add(name: str, value: NDArray[np.float64]) -> None:
        numbers.setdefault(name, []).append(value)

    for photo, known in zip(photos, classes, strict=True):
        if settings.plan is not None:
            add("faithfulness", _faithfulness(vit, photo, settings.plan, known))
        if layout.receptive_field:
            radius, area = _fields(vit, photo)
            add("field_radius", radius)
            add("field_area", area)
        if layout.cka:
            add("cka", layer_similarity(trace(vit, photo.pixels)).values)
    return {name: np.stack(rows) for name, rows in numbers.items()}


def _faithfulness(vit: ViT, photo: Opened, plan: Plan, known: int | None) -> NDArray[np.float64]:
    """Return the metrics of every method, random maps last: (method, metric)."""
    answer = predict(vit, photo.pixels[None])[0]
    logits = answer if vit.has_classifier else None
    target = target_of(vit, known, photo.pixels, logits, answer)
    seed = name_hash(photo.entry.name)  # not the photo's place, which another list would change
    rows = measure_photo(vit, photo.pixels, target, plan, box=photo.box, seed=seed)
    return np.array([[_number(getattr(row, metric)) for metric in METRICS] for row in rows])


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _fields(vit: ViT, photo: Opened) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return radius and area of half the mass of the centre's gradient field after every block: (layer,) each."""
    fields = [receptive_field(vit, photo.pixels, layer=layer) for layer in range(vit.layers)]
    radius = np.array([field.radius for field in fields])
    return radius, np.array([field.area_ratios[0.5] for field in fields])
