"""Class names in the forms in which people have them, as one text a class in the order of the classifier's outputs."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Set
from typing import Any

from vitviz.errors import OptionError

ClassNames = Iterable[str] | Mapping[int, str] | Mapping[str, str] | Mapping[str, int]
"""Names in the order of the outputs, or a dictionary from index to name (Hugging Face's ``id2label``, with keys of text
too) or from name to index. Two classes may share a name, as two of ImageNet's do."""


def listed_names(given: ClassNames) -> tuple[str, ...]:
    """Return class names in the order of the classifier's outputs.

    Raises OptionError for a set, which has no order, for a text, for indices that are not 0, 1, 2 …, and for a name
    that is no text or is empty.
    """
    if isinstance(given, str | bytes):
        raise OptionError(
            "The class names are one text ({given}); wanted one name a class: a list, or a "
            "dictionary from index to name.",
            given=repr(given[:40]),
        )
    if isinstance(given, Set):
        raise OptionError(
            "The class names are a {kind}, which has no order; wanted them in the order of the "
            "classifier's outputs. Give a list, or a dictionary from index to name.",
            kind=type(given).__name__,
        )
    try:
        names = _of_mapping(given) if isinstance(given, Mapping) else list(given)
    except TypeError as error:
        raise OptionError(
            "The class names are of type {kind} ({error}); wanted a list, or a dictionary from index to name.",
            kind=type(given).__name__,
            error=error,
        ) from error
    return tuple(_checked(index, name) for index, name in enumerate(names))


def _checked(index: int, name: Any) -> str:
    if not isinstance(name, str):
        raise OptionError(
            "The name of class {index} is {name}, of type {kind}; wanted text. Give one name a class.",
            index=index,
            name=repr(name),
            kind=type(name).__name__,
        )
    if not name.strip():
        raise OptionError(
            "The name of class {index} is empty; wanted text. Give one name a class.",
            index=index,
        )
    return str(name)  # NumPy's texts become plain ones


def _of_mapping(given: Mapping[Any, Any]) -> list[Any]:
    pairs = list(given.items())
    if pairs and all(_index(value) is not None and isinstance(key, str) for key, value in pairs):
        pairs = [(value, key) for key, value in pairs]
    by_index: dict[int, Any] = {}
    for key, name in pairs:
        index = _index(key, of_text=True)
        if index is None:
            raise OptionError(
                "The class names are a dictionary with {key} as a key; wanted one from index to "
                "name, such as {{0: 'cat', 1: 'dog'}}, or from name to index.",
                key=repr(key),
            )
        if index in by_index:
            raise OptionError(
                "Two class names have the index {index}: {given} and {name}. Give each its own.",
                index=index,
                given=repr(by_index[index]),
                name=repr(name),
            )
        by_index[index] = name
    missing = [index for index in range(len(by_index)) if index not in by_index]
    if missing:
        raise OptionError(
            "The {count} class names have no index {missing}, but {most}; wanted 0 to {last}. Give "
            "every output of the classifier a name.",
            count=len(by_index),
            missing=missing[0],
            most=max(by_index),
            last=len(by_index) - 1,
        )
    return [by_index[index] for index in range(len(by_index))]


def _index(value: Any, *, of_text: bool = False) -> int | None:
    """Return a whole number, or None for what is none; digits count where JSON has made text of a key."""
    if of_text and isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None
