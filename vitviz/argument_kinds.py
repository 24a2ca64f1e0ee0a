"""Argument kinds: what an annotation of a public function asks of a value, in words and as a test."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

from vitviz.errors import is_number, is_whole

SOURCES = {
    "ViT": "vitviz.load_vit or vitviz.ViT.from_module",
    "Trace": "vitviz.trace",
    "ConvNet": "vitviz.load_convnet",
    "Attribution": "vitviz.attribute",
    "PositionSimilarity": "vitviz.position_similarity",
    "Atlas": "vitviz.read_atlas",
    "PatchGrid": "vitviz.PatchGrid or trace.grid",
    "Edit": "vitviz.Edit",
    "Detector": "vitviz.labs.object.detector.Detector",
    "TaskResult": "vitviz.labs.long_range.results.results",
    "Target": "vitviz.contrast, vitviz.patch_likeness or trace.target",
}
"""Each class of vitviz that is an argument, and where one comes from."""


class Kind(NamedTuple):
    """What is asked of a value."""

    words: str
    fits: Callable[[object], bool]


def is_a(value: object, name: str) -> bool:
    """Return whether a value is of the class of that name, or of one made from it."""
    return any(base.__name__ == name for base in type(value).__mro__)


def are_numbers(value: object) -> bool:
    """Return whether a value is an array of numbers, or can be made one."""
    if not isinstance(value, np.ndarray | list | tuple | range) and not is_a(value, "Tensor"):
        return False
    try:
        return is_a(value, "Tensor") or np.asarray(value).dtype.kind in "biuf"
    except (ValueError, TypeError, RuntimeError):  # rows of other lengths, tensors of another device
        return False


def _row(is_part: Callable[[object], bool], *, once: bool = False) -> Callable[[object], bool]:
    """Return a test of numbers in a row; ``once`` leaves what gives its parts only once to the function."""

    def fits(value: object) -> bool:
        if isinstance(value, list | tuple | range | np.ndarray) or is_a(value, "Tensor"):
            return getattr(value, "ndim", 1) == 1 and all(is_part(part) for part in value)  # type: ignore[attr-defined]
        return once and isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)

    return fits


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_path(value: object) -> bool:
    return isinstance(value, os.PathLike)


def _are_paths(value: object) -> bool:
    paths = value if isinstance(value, list | tuple) else [value]
    return all(_is_text(path) or _is_path(path) for path in paths)


def _is_in(value: object, least: int) -> bool:
    """Return whether a value is a whole number that 64 bits hold."""
    return is_whole(value) and least <= operator.index(value) < 2**63  # type: ignore[arg-type]


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple | np.ndarray) and len(value) == 2 and all(map(is_whole, value))


def _are_traces(value: object) -> bool:
    return isinstance(value, list | tuple) and all(is_a(part, "Trace") for part in value)


def _is_box(value: object) -> bool:
    return isinstance(value, list | tuple | np.ndarray) and len(value) == 4 and all(map(is_number, value))


def _is_explained_map(value: object) -> bool:
    return are_numbers(getattr(value, "values", None)) and is_a(getattr(value, "target", None), "Target")


def _is_callable(value: object) -> bool:
    return callable(value) and not isinstance(value, type)


KINDS = {
    "bool": Kind("True or False", lambda value: isinstance(value, bool | np.bool_)),
    "int": Kind("a whole number", lambda value: _is_in(value, -(2**63))),
    "seed": Kind("a whole number from 0 to 2**63 - 1", lambda value: _is_in(value, 0)),
    "float": Kind("a number", lambda value: is_number(value) and (not is_whole(value) or _is_in(value, -(2**63)))),
    "Progress": Kind("a function", _is_callable),
    "Callable": Kind("a function", _is_callable),
    "Mapping": Kind("a dictionary", lambda value: isinstance(value, Mapping)),
    "NDArray": Kind("an array of numbers", are_numbers),
    "ArrayLike": Kind("an array of numbers", are_numbers),
    "Tensor": Kind("a tensor", lambda value: is_a(value, "Tensor")),
    **{name: Kind("a text", _is_text) for name in ("str", "Precision", "WeightsKind", "HeadActivation", "Pooling")},
    **{name: Kind("a path", _is_path) for name in ("Path", "PathLike", "os.PathLike")},
    "Given": Kind("a path, or a list of paths", _are_paths),
    "Plan": Kind("a plan of the faithfulness test", lambda value: is_a(value, "Plan")),
    "Sequence[str]": Kind("texts in a row", _row(_is_text)),
    "Iterable[str]": Kind("texts in a row", _row(_is_text, once=True)),
    "Iterable[tuple[int, int]]": Kind("pairs of whole numbers in a row", _row(_is_pair, once=True)),
    "Sequence[int]": Kind("whole numbers in a row", _row(is_whole)),
    "Iterable[int]": Kind("whole numbers in a row", _row(is_whole, once=True)),
    "Sequence[float]": Kind("numbers in a row", _row(is_number)),
    "Sequence[Trace]": Kind("a list of them", _are_traces),
    "Map": Kind("a map with its target, as vitviz.attribute returns it", _is_explained_map),
    "Box": Kind("a box of four numbers: left, top, right, bottom", _is_box),
}
"""Each annotation that is checked, whole or up to its bracket."""
