"""Atlas: what a model's heads and layers do over many photos, read from a result folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.argument import checked
from vitviz.atlas.entry import Entry
from vitviz.atlas.folder import AtlasFolder, named_folder
from vitviz.atlas.layout import METRICS, Layout, Statistic
from vitviz.atlas.moments import Moments
from vitviz.atlas.photo_list import read_list
from vitviz.atlas.state import Problem, State, content_digest
from vitviz.atlas.state_file import read_state
from vitviz.errors import ImageError, OptionError, check_choice, check_index, suggest
from vitviz.record import Record, Result

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Summary(Result):
    """A statistic over photos; all arrays have the statistic's shape, such as (layer, head).

    >>> vitviz.atlas("photos", "kept").summary("patch_norm").figure(title="Norm").layout.yaxis.title.text
    'Norm'
    """

    statistic: Statistic
    names: tuple[tuple[str, ...], ...]
    """What stands along each axis: layers and heads by their numbers, the input of the first block, methods."""
    mean: Numbers
    """NaN where no photo has the number."""
    half: Numbers
    """Half the 95% interval of the mean: 1.96 standard errors over photos; NaN for fewer than two photos."""
    deviation: Numbers
    """Standard deviation over the photos."""
    count: NDArray[np.int64]
    """Photos that have the number."""

    @property
    def low(self) -> Numbers:
        """Lower end of the 95% interval of the mean."""
        return self.mean - self.half

    @property
    def high(self) -> Numbers:
        """Upper end of the 95% interval of the mean."""
        return self.mean + self.half


@dataclass(frozen=True, eq=False)
class Histogram(Record):
    """How a statistic is spread over the photos."""

    edges: Numbers
    """(bin + 1,); the first and the last bin also hold what lies beyond."""
    counts: NDArray[np.int64]
    """(…, bin) photos, after the statistic's axes."""


@dataclass(frozen=True)
class PhotoValue(Record):
    """A photo that has a large or a small value."""

    name: str
    value: float
    line: int
    """Its line in the list, counted from 0."""


@dataclass(frozen=True, eq=False)
class SampledPhotos(Record):
    """Photos of which every number is kept: a fair draw by the hashes of their names."""

    names: tuple[str, ...]
    values: NDArray[np.float32]
    """(photo, …)."""


@dataclass(frozen=True, eq=False)
class Difference(Record):
    """One atlas minus another, statistic by statistic of the same shape."""

    mean: Numbers
    half: Numbers
    """Half the 95% interval of the difference of two means over unrelated photos."""

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Where the interval does not hold 0."""
        return np.abs(self.mean) > self.half


@dataclass(frozen=True, eq=False)
class Atlas(Record):
    """A finished atlas. Statistics are those of ``layout.statistics``, by name.

    >>> isinstance(vitviz.atlas("photos", "measured"), vitviz.Atlas)
    True
    """

    folder: Path
    layout: Layout
    settings: Mapping[str, Any]
    """Model, measures, batch: what decides the numbers."""
    source: Mapping[str, Any]
    """Where the photos lay: ``base``, the folder that their names start from, itself seen from ``folder`` where it is
    no whole path, and ``files``."""
    state: State

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.settings["model"]["name"])

    @property
    def photos(self) -> int:
        """Number of photos that were measured."""
        return self.state.photos

    @property
    def broken(self) -> int:
        """Number of photos that could not be measured."""
        return self.state.broken

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first photos of which something could not be measured, with the reason."""
        return self.state.problems

    @property
    def statistics(self) -> tuple[str, ...]:
        """Names of what was measured."""
        return tuple(self.layout.statistics)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of the photos."""
        return tuple(sorted(self.state.classes))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names along the axis "metric" of the statistic "faithfulness"."""
        return METRICS

    def summary(self, name: str, *, label: str | None = None) -> Summary:
        """Return a statistic over all photos, or over those of a class; raises OptionError for what there is not."""
        moments = self._moments(label)
        place, shape = self.layout.places[self.layout.statistic(name).name], self.layout.shape(name)
        return Summary(
            statistic=self.layout.statistic(name),
            names=self.layout.names(name),
            mean=moments.known[place].reshape(shape),
            half=moments.half[place].reshape(shape),
            deviation=moments.deviation[place].reshape(shape),
            count=moments.count[place].reshape(shape),
        )

    def by_class(self, name: str) -> dict[str, Summary]:
        """Return a statistic over the photos of each class."""
        return {label: self.summary(name, label=label) for label in self.labels}

    def class_photos(self, label: str) -> int:
        """Return the number of measured photos of a class; raises OptionError for one that there is not."""
        return int(self._moments(label).count[self.layout.places["patch_norm"].start])

    def histogram(self, name: str) -> Histogram:
        """Return how a statistic is spread; raises OptionError for what there is not."""
        statistic = self.layout.statistic(name)
        counts = self.state.histogram[self.layout.places[name]]
        return Histogram(statistic.edges, counts.reshape(*self.layout.shape(name), -1))

    def extremes(self, name: str, index: tuple[int, ...] = (), *, largest: bool = True) -> tuple[PhotoValue, ...]:
        """Return the photos with the largest or smallest values of one number, such as of ``(layer, head)``.

        The outermost comes first; of equal ones, the earlier in the list. Raises OptionError for what there is not.
        """
        shape = self.layout.shape(name)
        if len(index) != len(shape):
            raise OptionError(
                "The statistic {name!r} has {count} axes {axes}; got {index}. Give one number for each.",
                name=name,
                count=len(shape),
                axes=self.layout.statistic(name).axes,
                index=index,
            )
        for axis, at, size in zip(self.layout.statistic(name).axes, index, shape, strict=True):
            check_index(axis.capitalize(), at, size)
        number = self.layout.places[name].start + int(np.ravel_multi_index(index, shape)) if shape else 0
        number = number if shape else self.layout.places[name].start
        end = self.state.most if largest else self.state.least
        pairs = zip(end.photos[number], end.values[number], strict=True)
        return tuple(PhotoValue(self.names[line], float(value), int(line)) for line, value in pairs if line >= 0)

    def sample(self, name: str) -> SampledPhotos:
        """Return a statistic of each of some photos; raises OptionError for what there is not."""
        shape = self.layout.shape(name)
        values = self.state.sample.values[:, self.layout.places[name]]
        names = tuple(self.names[line] for line in self.state.sample.photos)
        return SampledPhotos(names, values.reshape(len(names), *shape))

    def mean_map(self, name: str) -> Numbers:
        """Return the mean of a map over the photos.

        "rollout" is (rows, columns): the rollout of the class token, or of all patches without one; "attention"
        (layer, head, rows, columns): where it looks, heads that a layer has not are 0; "outliers" (layer, rows,
        columns): the part of the photos in which each patch has an unusual norm. Raises OptionError for another name.
        """
        check_choice("Map", name, self.layout.maps)
        start = 0
        for other, shape in self.layout.maps.items():
            size = int(np.prod(shape))
            if other == name:
                mean: Numbers = self.state.maps[start : start + size].reshape(shape) / self.photos
                return mean
            start += size
        raise AssertionError(name)

    def minus(self, other: Atlas, name: str) -> Difference:
        """Return the difference of a statistic to another atlas; raises OptionError for tables of other shapes."""
        own, its = self.summary(name), other.summary(name)
        if own.mean.shape != its.mean.shape:
            raise OptionError(
                "{model} has {name} of shape {shape}, {other} {its}; wanted the same. Compare models with "
                "the same layers and heads.",
                model=self.model,
                name=name,
                shape=own.mean.shape,
                other=other.model,
                its=its.mean.shape,
            )
        return Difference(own.mean - its.mean, np.hypot(own.half, its.half))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All photos of the list, measured or not."""
        return tuple(read_list(AtlasFolder(self.folder).photos))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all photos of the list, by line."""
        return tuple(entry.name for entry in read_list(AtlasFolder(self.folder).photos))

    def photo_bytes(self, line: int) -> bytes:
        """Return the bytes of a photo from its source; raises ImageError unless they are those that were measured."""
        from vitviz.atlas.photo_reader import PhotoReader

        entry = self.entries[check_index("Line", line, len(self.entries))]
        data = PhotoReader(self.folder / self.source["base"], self.settings["column"]).read(entry)
        if content_digest(data) != int(self.state.digests[line]):
            raise ImageError(
                "{name} is not the photo that was measured; wanted the same content. It was changed since: make "
                "the atlas again.",
                name=entry.name,
            )
        return data

    def _moments(self, label: str | None) -> Moments:
        if label is None:
            return self.state.moments
        if label not in self.state.classes:
            raise OptionError(
                "There is no class {label!r} among the photos; there are {count}.{hint} Leave it out for all photos.",
                label=label,
                count=len(self.labels),
                hint=suggest(label, self.labels),
            )
        return self.state.classes[label]


@checked
def read_atlas(folder: str | PathLike[str]) -> Atlas:
    """Return the atlas of a result folder.

    Raises OptionError for a folder that holds none, one that is not finished, or another version's.

    >>> atlas = vitviz.atlas("photos", "results")
    >>> vitviz.read_atlas("results").summary("entropy").mean.shape  # (layer, head)
    (12, 6)
    """
    place = AtlasFolder(named_folder(folder))
    told = place.begun()
    if told is None:
        raise OptionError(
            "There is no atlas in {folder}. Make one with vitviz.atlas or the command atlas.",
            folder=folder,
        )
    if not place.atlas.is_file():
        raise OptionError(
            "The atlas in {folder} is not finished; wanted one whose photos are all measured. Start the same "
            "call again.",
            folder=folder,
        )
    if not place.photos.is_file():
        raise OptionError(
            "The atlas in {folder} lacks its list of photos, {name}. Make it again.",
            folder=folder,
            name=place.photos.name,
        )
    try:
        layout, state = Layout.read(told["settings"]["layout"]), read_state(place.atlas)
        fits = len(state.moments.count) == layout.width
        atlas = Atlas(place.path, layout, told["settings"], told["source"], state)
    except (KeyError, TypeError, AttributeError) as error:
        raise OptionError(
            "The atlas in {folder} is damaged ({error}). Make it again.",
            folder=folder,
            error=repr(error),
        ) from error
    except (OptionError, OSError) as error:
        raise OptionError(
            "The atlas in {folder} cannot be read. {reason}",
            folder=folder,
            reason=error.clause if isinstance(error, OptionError) else str(error),
        ) from error
    if not fits:
        raise OptionError(
            "The atlas in {folder} is damaged: its settings speak of {width} numbers a photo, and it holds "
            "{count}. Make it again.",
            folder=folder,
            width=layout.width,
            count=len(state.moments.count),
        )
    return atlas
