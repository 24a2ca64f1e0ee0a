"""Tiny-ImageNet-200 read straight from its zip archives into memory.

A data folder holds ``train-*.zip`` (``WNID/NAME.JPEG``), ``val.zip`` with ``val.tsv`` (file, wnid, x0, y0, x1, y1)
and ``classes.tsv`` (wnid, name). Class indices follow the sorted wnids.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError
from vitviz.record import Record

PREFERRED = {
    "bannister": "banister",
    "beach wagon": "station wagon",
    "bighorn": "bighorn sheep",
    "brass": "memorial tablet",
    "hog": "pig",
    "ice lolly": "popsicle",
    "jinrikisha": "rickshaw",
    "lesser panda": "red panda",
    "monarch": "monarch butterfly",
    "organ": "pipe organ",
    "pop bottle": "soda bottle",
    "projectile": "missile",
    "walking stick": "stick insect",
}
"""Synonyms that say more than the first one in the table."""


@dataclass(frozen=True)
class LabelledImages(Record):
    """Images of one size with their class indices, in memory."""

    pixels: NDArray[np.uint8]
    """(image, row, column, channel), 0 to 255."""
    labels: NDArray[np.int64]
    """(image,) class indices."""

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: NDArray[np.int64]) -> LabelledImages:
        """Return the images at ``indices``, copied."""
        return LabelledImages(self.pixels[indices], self.labels[indices])


@dataclass(frozen=True)
class Validation(Record):
    """The validation images with one bounding box each."""

    images: LabelledImages
    boxes: NDArray[np.int64]
    """(image, 4): x0, y0, x1, y1 in pixels, inclusive."""


@dataclass(frozen=True)
class Classes(Record):
    """The classes in index order."""

    wnids: tuple[str, ...]
    names: tuple[str, ...]

    def index(self) -> dict[str, int]:
        """Return the class index of each wnid."""
        return {wnid: position for position, wnid in enumerate(self.wnids)}


def read_classes(folder: Path) -> Classes:
    """Return the classes of ``classes.tsv``, sorted by wnid, each named by one readable synonym."""
    rows = sorted(_read_table(folder / "classes.tsv"), key=lambda row: row["wnid"])
    return Classes(tuple(row["wnid"] for row in rows), tuple(readable_name(row["name"]) for row in rows))


def readable_name(synonyms: str) -> str:
    """Return the first of comma-separated synonyms, or the one of them that says more."""
    first, *others = (name.strip() for name in synonyms.split(","))
    preferred = PREFERRED.get(first, first)
    return preferred if preferred in others else first


def read_train(folder: Path) -> LabelledImages:
    """Return the training images of all ``train-*.zip``, sorted by name so that their order is always the same."""
    archives = sorted(folder.glob("train-*.zip"))
    if not archives:
        raise ImageError(
            f"No training images: {folder} has no train-*.zip. Give the folder with the archives of Tiny-ImageNet."
        )
    index = read_classes(folder).index()
    parts = [_read_archive(archive) for archive in archives]
    names = [name for part in parts for name in part]
    pixels = np.stack([image for part in parts for image in part.values()])
    labels = np.array([index[name.split("/")[0]] for name in names], dtype=np.int64)
    order = np.argsort(np.array(names))
    return LabelledImages(pixels[order], labels[order])


def read_validation(folder: Path) -> Validation:
    """Return the validation images in the order of ``val.tsv``, with their bounding boxes."""
    rows = _read_table(folder / "val.tsv")
    index = read_classes(folder).index()
    images = {name.rsplit("/", 1)[-1]: image for name, image in _read_archive(folder / "val.zip").items()}
    missing = [row["file"] for row in rows if row["file"] not in images]
    if missing:
        raise ImageError(
            f"val.zip lacks {len(missing)} of the {len(rows)} images in val.tsv, first {missing[0]}. "
            "Copy both files from the same source."
        )
    pixels = np.stack([images[row["file"]] for row in rows])
    labels = np.array([index[row["wnid"]] for row in rows], dtype=np.int64)
    boxes = np.array([[int(row[side]) for side in ("x0", "y0", "x1", "y1")] for row in rows])
    return Validation(LabelledImages(pixels, labels), boxes)


def hold_out(images: LabelledImages, *, per_class: int, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """Return the images split in two: those to train on, and ``per_class`` of each class to tune on."""
    shuffled = np.random.default_rng(seed).permutation(len(images))
    labels = images.labels[shuffled]
    held = np.zeros(len(images), dtype=bool)
    for label in np.unique(labels):
        held[shuffled[labels == label][:per_class]] = True
    return images.subset(np.flatnonzero(~held)), images.subset(np.flatnonzero(held))


def _read_table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise ImageError(f"The data folder {path.parent} has no {path.name}. Give the folder of Tiny-ImageNet.")
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


def _read_archive(path: Path) -> dict[str, NDArray[np.uint8]]:
    """Return each JPEG of an archive as (row, column, 3), by its name in the archive."""
    if not path.is_file():
        raise ImageError(f"The data folder {path.parent} has no {path.name}. Give the folder of Tiny-ImageNet.")
    with ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".JPEG"))
        return {name: _decode(archive.read(name)) for name in names}


def _decode(encoded: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)
