"""State: what is known of the photos of one stretch of the list, and how two stretches become one.

A batch of photos is a state, a shard is the merge of its batches, an atlas the merge of its shards. Merging is
associative up to the rounding of float64, and ordered: the second stretch begins where the first ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitviz.atlas.layout import BINS, Layout
from vitviz.atlas.moments import Moments
from vitviz.errors import OptionError
from vitviz.record import Record

EXTREMES = 10
"""Photos that are kept at either end of every number."""
SAMPLE = 256
"""Photos whose every number is kept: those with the smallest hashes of their names, a fair draw without a seed."""
PROBLEMS = 1000
"""Photos that are named with their problems; more are counted alone."""
BROKEN = -1
"""Answer of a photo that could not be measured."""
NO_ANSWER = -2
"""Answer of a model without a classifier."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Extremes(Record):
    """The photos at one end of every number, the outermost first; earlier photos first where values are equal."""

    values: Numbers
    """(number, place); NaN where there are fewer photos."""
    photos: NDArray[np.int64]
    """(number, place) their lines in the list; −1 where there are fewer."""

    @classmethod
    def of(cls, values: Numbers, photos: NDArray[np.int64], *, largest: bool) -> Extremes:
        """Return the extremes of values (number, photo) of photos in the order of the list."""
        order = np.argsort(-values if largest else values, axis=1, kind="stable")[:, :EXTREMES]  # NaN comes last
        chosen = np.take_along_axis(values, order, 1)
        lines = np.where(np.isnan(chosen), -1, np.take_along_axis(photos, order, 1))
        missing = EXTREMES - chosen.shape[1]
        if missing > 0:
            chosen = np.pad(chosen, ((0, 0), (0, missing)), constant_values=np.nan)
            lines = np.pad(lines, ((0, 0), (0, missing)), constant_values=-1)
        return cls(chosen, lines)

    def merge(self, later: Extremes, *, largest: bool) -> Extremes:
        """Return the extremes of both."""
        values = np.concatenate([self.values, later.values], axis=1)
        return Extremes.of(values, np.concatenate([self.photos, later.photos], axis=1), largest=largest)


@dataclass(frozen=True, eq=False)
class Sample(Record):
    """Photos drawn by the hashes of their names, with every number of theirs."""

    hashes: NDArray[np.uint64]
    """(photo,) ascending."""
    photos: NDArray[np.int64]
    """(photo,) their lines in the list."""
    values: NDArray[np.float32]
    """(photo, number)."""

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], photos: NDArray[np.int64], values: NDArray[np.float32]) -> Sample:
        """Return the photos with the smallest hashes."""
        order = np.lexsort((photos, hashes))[:SAMPLE]
        return cls(hashes[order], photos[order], values[order])

    def merge(self, later: Sample) -> Sample:
        """Return the sample of both."""
        return Sample.of(
            np.concatenate([self.hashes, later.hashes]),
            np.concatenate([self.photos, later.photos]),
            np.concatenate([self.values, later.values]),
        )


@dataclass(frozen=True)
class Problem(Record):
    """A photo of which something could not be measured, and why."""

    photo: int
    """Its line in the list, counted from 0."""
    name: str
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class State(Record):
    """All that is kept of the photos of the lines ``start`` to ``stop`` (exclusive) of the list."""

    start: int
    stop: int
    moments: Moments
    """Of every number of the row."""
    classes: dict[str, Moments]
    """The same by class."""
    histogram: NDArray[np.int64]
    """(number, bin) photos."""
    least: Extremes
    most: Extremes
    sample: Sample
    maps: Numbers
    """Sums of all maps, one after another."""
    answers: NDArray[np.int32]
    """(line,) the class that the model answers; BROKEN, or NO_ANSWER without a classifier."""
    digests: NDArray[np.uint64]
    """(line,) hash of the photo's bytes; 0 where there are none."""
    problems: tuple[Problem, ...]

    @cached_property
    def photos(self) -> int:
        """Number of photos that were measured."""
        return int((self.answers != BROKEN).sum())

    @property
    def broken(self) -> int:
        """Number of photos that could not be measured."""
        return self.stop - self.start - self.photos

    @classmethod
    def empty(cls, layout: Layout, start: int) -> State:
        """Return the state of no photos, before the line ``start``."""
        return state_of(layout, start, Batch.empty(layout))

    def merge(self, later: State) -> State:
        """Return the state of both stretches; raises OptionError unless the second begins where the first ends."""
        if later.start != self.stop:
            raise OptionError(
                f"The states of the photos {self.start} to {self.stop} and {later.start} to {later.stop} do not "
                "follow one another; wanted neighbours in order. Merge them in the order of the list."
            )
        classes = dict(self.classes)
        for label, moments in later.classes.items():
            classes[label] = classes[label].merge(moments) if label in classes else moments
        return State(
            start=self.start,
            stop=later.stop,
            moments=self.moments.merge(later.moments),
            classes=classes,
            histogram=self.histogram + later.histogram,
            least=self.least.merge(later.least, largest=False),
            most=self.most.merge(later.most, largest=True),
            sample=self.sample.merge(later.sample),
            maps=self.maps + later.maps,
            answers=np.concatenate([self.answers, later.answers]),
            digests=np.concatenate([self.digests, later.digests]),
            problems=(*self.problems, *later.problems)[:PROBLEMS],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch(Record):
    """What was measured of some photos that follow one another in the list."""

    lines: NDArray[np.int64]
    """(photo,) the measured photos' lines in the list."""
    names: Sequence[str]
    labels: Sequence[str]
    values: Numbers
    """(photo, number); NaN where there is none."""
    maps: Numbers
    """Sums of the maps of all photos."""
    answers: NDArray[np.int32]
    """(line,) of every line, broken photos too."""
    digests: NDArray[np.uint64]
    """(line,)."""
    problems: tuple[Problem, ...] = ()

    @classmethod
    def empty(cls, layout: Layout) -> Batch:
        """Return a batch of no photos."""
        total = sum(int(np.prod(shape)) for shape in layout.maps.values())
        return cls(
            lines=np.zeros(0, np.int64),
            names=(),
            labels=(),
            values=np.zeros((0, layout.width)),
            maps=np.zeros(total),
            answers=np.zeros(0, np.int32),
            digests=np.zeros(0, np.uint64),
        )

    def with_problems(
        self, answers: NDArray[np.int32], digests: NDArray[np.uint64], problems: tuple[Problem, ...]
    ) -> Batch:
        """Return the batch with other answers and digests of its lines, and what went wrong."""
        return replace(self, answers=answers, digests=digests, problems=problems)


def state_of(layout: Layout, start: int, batch: Batch) -> State:
    """Return the state of a batch whose first line is ``start``."""
    columns = batch.values.T  # (number, photo)
    lines = np.broadcast_to(batch.lines, columns.shape)
    hashes = np.array([name_hash(name) for name in batch.names], np.uint64)
    labels = np.array(batch.labels, dtype=object)
    return State(
        start=start,
        stop=start + len(batch.answers),
        moments=Moments.of(batch.values),
        classes={str(label): Moments.of(batch.values[labels == label]) for label in sorted(set(batch.labels) - {""})},
        histogram=_histogram(layout, batch.values),
        least=Extremes.of(columns, lines, largest=False),
        most=Extremes.of(columns, lines, largest=True),
        sample=Sample.of(hashes, batch.lines, batch.values.astype(np.float32)),
        maps=batch.maps,
        answers=batch.answers,
        digests=batch.digests,
        problems=batch.problems,
    )


def name_hash(name: str) -> int:
    """Return the hash of a photo's name, 64 bits: the same on every machine."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest())


def content_digest(data: bytes) -> int:
    """Return the hash of a photo's bytes, 64 bits, never 0."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest()) or 1


def _histogram(layout: Layout, values: Numbers) -> NDArray[np.int64]:
    """Return how many photos fall into each bin of each number: (number, bin)."""
    bins = np.empty(values.shape, np.int64)
    for name, place in layout.places.items():
        bins[:, place] = layout.statistics[name].bins(values[:, place])
    flat = (bins + np.arange(layout.width) * BINS)[~np.isnan(values)]
    counts: NDArray[np.int64] = np.bincount(flat, minlength=layout.width * BINS).reshape(layout.width, BINS)
    return counts
