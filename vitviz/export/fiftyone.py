"""Heatmaps of photos as a dataset that FiftyOne opens, written without needing it.

The files follow FiftyOne's ``FiftyOneDataset`` in its plain form, whose ``metadata.json`` names no version:

    import fiftyone
    dataset = fiftyone.Dataset.from_dir("FOLDER", dataset_type=fiftyone.types.FiftyOneDataset)

Each photo is a sample with the label ``Heatmap``: a zlib-compressed ``numpy.save`` of a (rows, columns) table and the
range of its colours (https://docs.voxel51.com, "Heatmaps").
"""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.errors import OptionError
from vitviz.export.arrays import zip_entry
from vitviz.export.json_text import json_text
from vitviz.record import Record


@dataclass(frozen=True, eq=False)
class PhotoHeatmap(Record):
    """A photo and a map over it."""

    name: str
    """Its name or path, of which the last part is kept."""
    data: bytes
    """Its file."""
    values: NDArray[np.floating[Any]]
    """(rows, columns), none below 0."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """Numbers of the photo, such as a statistic of the head, by the names of FiftyOne's fields."""


def fiftyone_zip(photos: Iterable[PhotoHeatmap], *, label: str = "attention", about: Mapping[str, Any]) -> bytes:
    """Return a dataset for FiftyOne as a zip file: photos, ``samples.json`` and ``metadata.json``.

    ``label`` is the field that holds the heatmaps; all of them share the range from 0 to the largest value. ``about``
    is kept as the dataset's ``info``. Raises OptionError for no photo, and for maps that are not finite or negative.
    """
    listed = list(photos)
    if not listed:
        raise OptionError("There is no photo for FiftyOne; wanted at least one. Choose photos that can be read.")
    top = max(_checked(photo) for photo in listed)
    samples = []
    content: dict[str, bytes] = {}
    for number, photo in enumerate(listed):
        path = f"data/{number:05d}-{_plain(photo.name)}"
        content[path] = photo.data
        samples.append({"filepath": path, "tags": [], label: _heatmap(photo.values, top), **photo.numbers})
    content["samples.json"] = json.dumps({"samples": samples}, ensure_ascii=False).encode()
    content["metadata.json"] = json_text({"name": "vitviz", "media_type": "image", "info": dict(about)}).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in content.items():
            file.writestr(zip_entry(name), data)
    return buffer.getvalue()


def _heatmap(values: NDArray[np.floating[Any]], top: float) -> dict[str, Any]:
    stored = io.BytesIO()
    np.save(stored, values.astype(np.float32), allow_pickle=False)
    packed = base64.b64encode(zlib.compress(stored.getvalue())).decode("ascii")
    return {"_cls": "Heatmap", "map": {"$binary": {"base64": packed, "subType": "00"}}, "range": [0.0, top]}


def _checked(photo: PhotoHeatmap) -> float:
    """Return a map's largest value; raises OptionError for one that is no heatmap."""
    values = photo.values
    if values.ndim != 2 or not values.size or not np.isfinite(values).all() or values.min() < 0:
        raise OptionError(
            f"The map of {photo.name} has the shape {values.shape} and perhaps values that are negative or not finite; "
            "wanted (rows, columns) of shares. Pass attention, not a signed attribution."
        )
    return float(values.max())


def _plain(name: str) -> str:
    """Return the last part of a path with letters that every file system and every address takes."""
    return re.sub(r"[^\w.-]+", "-", re.split(r"[/\\]", name)[-1])[-80:]
