"""A shard: its photos read, decoded, measured batch by batch, and folded into one state."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from vitviz.analysis.boxes import box_in_input
from vitviz.analysis.faithfulness_checks import Box
from vitviz.atlas.entry import Entry
from vitviz.atlas.extras import extra_numbers
from vitviz.atlas.job import Job
from vitviz.atlas.layout import Layout
from vitviz.atlas.measures import measure
from vitviz.atlas.photo_reader import PhotoReader
from vitviz.atlas.state import BROKEN, Batch, Problem, State, content_digest, state_of
from vitviz.errors import OptionError, OutputError, VitvizError
from vitviz.grid import PatchGrid
from vitviz.images import open_image
from vitviz.models.class_index import class_index
from vitviz.models.vit import ViT
from vitviz.record import Record

Tell = Callable[[int], object]
"""Called with the number of photos that are done, after every batch."""


@dataclass(frozen=True, eq=False)
class _Opened(Record):
    """A photo that is ready for the model."""

    line: int
    entry: Entry
    pixels: Tensor
    """(3, height, width), normalised."""
    coverage: NDArray[np.float64] | None
    """(patch,) part inside its boxes; None without boxes."""
    box: Box | None = None
    """Of a photo with one box, where it lies in the model's input."""


@dataclass
class _Group(Record):
    """The photos of one batch as they are opened."""

    start: int
    opened: list[_Opened] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    digests: list[int] = field(default_factory=list)


def measure_shard(vit: ViT, job: Job, tell: Tell | None = None) -> State:
    """Return the state of a shard's photos; a photo that cannot be read is named in it and left out.

    The same photos in the same batches give the same bits on the same machine and number of threads.
    """
    layout, batch = job.settings.layout, job.settings.batch
    reader = PhotoReader(job.base, job.column)
    classes = _Classes(vit, job)
    state = State.empty(layout, job.start)
    for first in range(0, len(job.entries), batch):
        group = _opened(vit, reader, job.start + first, job.entries[first : first + batch])
        state = state.merge(_measured(vit, job, group, classes))
        if tell is not None:
            tell(first + len(group.digests))
    return state


class _Classes:
    """The index of a photo's class in the model, looked up once a class."""

    def __init__(self, vit: ViT, job: Job) -> None:
        self._vit, self._ids = vit, job.settings.ids
        self._known: dict[str, int | None] = {"": None}

    def index(self, label: str) -> int | None:
        """Return the model's class of a label; None where it has none of that name."""
        if label not in self._known:
            try:
                self._known[label] = class_index(self._vit, label, self._ids)
            except OptionError:  # photos of other classes than the model's: nothing is right or wrong
                self._known[label] = None
        return self._known[label]


def _opened(vit: ViT, reader: PhotoReader, start: int, entries: tuple[Entry, ...]) -> _Group:
    group = _Group(start)
    for line, entry in enumerate(entries, start=start):
        digest = 0
        try:
            data = reader.read(entry)
            digest = content_digest(data)
            group.opened.append(_open(vit, line, entry, data, group.problems))
        except OutputError:
            raise
        except (VitvizError, OSError) as error:
            group.problems.append(Problem(line, entry.name, str(error)))
        group.digests.append(digest)
    return group


def _open(vit: ViT, line: int, entry: Entry, data: bytes, problems: list[Problem]) -> _Opened:
    if not entry.boxes:
        return _Opened(line, entry, vit.preprocess(data), None)
    image = open_image(data)
    coverage, boxes = None, []
    try:
        boxes = boxes_in_input(vit, entry.boxes, image.size, _full_size(data, image.size))
        coverage = coverage_of(vit.grid, boxes)
    except OptionError as error:
        problems.append(Problem(line, entry.name, f"Its boxes are left out. {error}"))
    return _Opened(line, entry, vit.preprocess(image), coverage, boxes[0] if len(boxes) == 1 else None)


def _full_size(data: bytes, size: tuple[int, int]) -> tuple[int, int]:
    """Return the upright size in which boxes are counted: that of the file, which opening may have made smaller."""
    with Image.open(io.BytesIO(data)) as file:
        width, height = file.size
    return (height, width) if (width > height) != (size[0] > size[1]) else (width, height)


def boxes_in_input(vit: ViT, boxes: Sequence[Box], size: tuple[int, int], full: tuple[int, int]) -> list[Box]:
    """Return where a photo's boxes lie in the model's input.

    ``size`` is (width, height) of the picture as it is opened, ``full`` that in which the boxes are counted.
    Raises OptionError for a box that is empty or outside the photo, or of which the model sees nothing.
    """
    across, down = size[0] / full[0], size[1] / full[1]
    scaled = [
        (int(left * across), int(top * down), math.ceil(right * across), math.ceil(bottom * down))
        for left, top, right, bottom in boxes
    ]
    return [box_in_input(vit, size, box) for box in scaled]


def coverage_of(grid: PatchGrid, boxes: Sequence[Box]) -> NDArray[np.float64]:
    """Return the part of every patch that lies in any of some boxes of the model's input, (patch,)."""
    seen = np.zeros(grid.image_size)
    for left, top, right, bottom in boxes:
        seen[top:bottom, left:right] = 1
    height, width = grid.patch_size
    cells = seen.reshape(grid.rows, height, grid.columns, width)
    coverage: NDArray[np.float64] = cells.mean((1, 3)).ravel()
    return coverage


def _measured(vit: ViT, job: Job, group: _Group, classes: _Classes) -> State:
    layout = job.settings.layout
    empty = Batch.empty(layout)
    answers = np.full(len(group.digests), BROKEN, np.int32)
    digests = np.array(group.digests, np.uint64)
    if not group.opened:
        nothing = empty.with_problems(answers, digests, tuple(group.problems))
        return state_of(layout, group.start, nothing)
    photos = group.opened
    measured = measure(vit, layout, torch.stack([photo.pixels for photo in photos]), _coverage(layout, photos))
    known = [classes.index(photo.entry.label) for photo in photos]
    extra = extra_numbers(vit, job.settings, photos, known)
    values = _rows(layout, len(photos), measured.values | _right(measured.answers, known, layout) | extra)
    answers[[photo.line - group.start for photo in photos]] = measured.answers
    batch = Batch(
        lines=np.array([photo.line for photo in photos], np.int64),
        names=[photo.entry.name for photo in photos],
        labels=[photo.entry.label for photo in photos],
        values=values,
        maps=np.concatenate([measured.maps[name].ravel() for name in layout.maps]),
        answers=answers,
        digests=digests,
        problems=tuple(group.problems),
    )
    return state_of(layout, group.start, batch)


def _coverage(layout: Layout, photos: list[_Opened]) -> Tensor | None:
    if all(photo.coverage is None for photo in photos):
        return None
    absent = np.full(layout.grid.patches, np.nan)
    return torch.from_numpy(np.stack([absent if photo.coverage is None else photo.coverage for photo in photos]))


def _right(answers: NDArray[np.int32], known: list[int | None], layout: Layout) -> dict[str, NDArray[np.float64]]:
    if not layout.has_classifier:
        return {}
    pairs = zip(answers, known, strict=True)
    return {"right": np.array([np.nan if index is None else float(answer == index) for answer, index in pairs])}


def _rows(layout: Layout, photos: int, values: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the numbers of photos as rows: (photo, number)."""
    rows = np.full((photos, layout.width), np.nan)
    for name, place in layout.places.items():
        rows[:, place] = values[name].reshape(photos, -1)
    return rows
