"""Batches where memory is short: cut in halves until they fit, and told."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from vitviz.out_of_memory import raise_if_short
from vitviz.progress import is_out_of_memory

Result = TypeVar("Result")
_listener: ContextVar[list[str] | None] = ContextVar("_listener", default=None)


class ShortMemoryWarning(UserWarning):
    """Memory did not suffice for a batch, so it was run in parts: the numbers are the same, the time is longer."""


def fitting(run: Callable[[Any], Result], items: Any) -> list[Result]:
    """Return what ``run`` makes of a list or a batch: one result or, where memory does not suffice, one a part.

    Parts are halves, halved again until they fit. That they were needed is told once: inside ``short_memory_told`` in
    its list, else by a ShortMemoryWarning. Raises ShortMemoryError for a single item that does not fit.
    """
    results = _fitting(run, items)
    if len(results) > 1:
        _tell(len(items))
    return results


def _fitting(run: Callable[[Any], Result], items: Any) -> list[Result]:
    try:
        return [run(items)]
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if len(items) <= 1:
            raise_if_short(error)
            raise
    # here and not in the handler, where the error still holds the tensors of the pass that failed
    half = len(items) // 2
    return [*_fitting(run, items[:half]), *_fitting(run, items[half:])]


@contextmanager
def short_memory_told() -> Iterator[Sequence[str]]:
    """Yield a list that gets a note when a batch inside does not fit; no warning is given then."""
    notes: list[str] = []
    token = _listener.set(notes)
    try:
        yield notes
    finally:
        _listener.reset(token)


def _tell(count: int) -> None:
    notes = _listener.get()
    note = f"memory did not suffice for {count} inputs at once, so smaller batches were run"
    if notes is None:
        warnings.warn(f"{note[0].upper()}{note[1:]}. Results are the same.", ShortMemoryWarning, stacklevel=3)
    elif not notes:
        notes.append(note)
