"""State files: a state as an npz file, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.atlas.moments import Moments
from vitviz.atlas.state import Extremes, Problem, Sample, State
from vitviz.errors import OptionError
from vitviz.export.arrays import npz_bytes, read_npz

FORMAT = 1
"""Number of the layout of result folders; another one is told."""


def state_bytes(state: State) -> bytes:
    """Return a state as a file's content."""
    labels = sorted(state.classes)
    by_class = [state.classes[label] for label in labels]
    width = len(state.moments.count)
    arrays: dict[str, NDArray[Any]] = {
        **_moments("all", state.moments),
        "class_count": np.array([moments.count for moments in by_class], np.int64).reshape(-1, width),
        "class_mean": np.array([moments.mean for moments in by_class], np.float64).reshape(-1, width),
        "class_squares": np.array([moments.squares for moments in by_class], np.float64).reshape(-1, width),
        "histogram": state.histogram,
        "least_values": state.least.values,
        "least_photos": state.least.photos,
        "most_values": state.most.values,
        "most_photos": state.most.photos,
        "sample_hashes": state.sample.hashes,
        "sample_photos": state.sample.photos,
        "sample_values": state.sample.values,
        "maps": state.maps,
        "answers": state.answers,
        "digests": state.digests,
    }
    told = {
        "vitviz_atlas": FORMAT,
        "start": state.start,
        "stop": state.stop,
        "classes": labels,
        "problems": [[problem.photo, _safe(problem.name), _safe(problem.reason)] for problem in state.problems],
    }
    return npz_bytes(arrays, told)


def read_state(source: bytes | Path) -> State:
    """Return the state of a file's content or path; raises OptionError for a damaged file or another version's."""
    try:
        arrays, told = read_npz(source)
    except OptionError as error:
        raise OptionError(
            "The file of numbers is damaged ({error}); wanted one that vitviz wrote. Begin the atlas "
            "anew with overwrite=True.",
            error=str(error.__cause__),
        ) from error
    if format_of(told) != FORMAT:
        raise OptionError(
            "A state file has the format {format!r}; wanted {wanted}, that of this version of "
            "vitviz. Read it with the version that wrote it, or begin anew.",
            format=format_of(told),
            wanted=FORMAT,
        )
    try:
        by_class = zip(arrays["class_count"], arrays["class_mean"], arrays["class_squares"], strict=True)
        return State(
            start=told["start"],
            stop=told["stop"],
            moments=Moments(arrays["all_count"], arrays["all_mean"], arrays["all_squares"]),
            classes={label: Moments(*rows) for label, rows in zip(told["classes"], by_class, strict=True)},
            histogram=arrays["histogram"],
            least=Extremes(arrays["least_values"], arrays["least_photos"]),
            most=Extremes(arrays["most_values"], arrays["most_photos"]),
            sample=Sample(arrays["sample_hashes"], arrays["sample_photos"], arrays["sample_values"]),
            maps=arrays["maps"],
            answers=arrays["answers"],
            digests=arrays["digests"],
            problems=tuple(Problem(*row) for row in told["problems"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            "A state file is damaged ({error}); wanted one that vitviz wrote. Remove it, or begin anew.",
            error=repr(error),
        ) from error


def format_of(told: object) -> object:
    """Return the number of the layout that a file names, or what stands in its place; "none" where nothing does."""
    number = told.get("vitviz_atlas", "none") if isinstance(told, dict) else "none"
    return number if type(number) is int else str(number)  # True is equal to 1


def _moments(name: str, moments: Moments) -> dict[str, NDArray[Any]]:
    return {f"{name}_count": moments.count, f"{name}_mean": moments.mean, f"{name}_squares": moments.squares}


def _safe(text: str) -> str:
    """Return a text without the half signs that stand for bytes which are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
