"""Shelf: results of long work, kept for all readers, bounded, and each of them made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any, TypeVar

import streamlit as st

Made = TypeVar("Made")
_MOMENT = 0.2  # seconds after which who waits is asked whether to go on


class Shelf:
    """Results by key, of at most ``limit`` in all: the one that was not asked for longest goes first.

    For what is computed in steps that the reader watches and may stop, and for what differs much in size, which
    Streamlit's own caches cannot hold.
    """

    def __init__(self, limit: int, size: Callable[[Any], int] = lambda value: 1) -> None:
        """``size`` says how much of the limit a result takes: one by default. The newest result always stays."""
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._being_made: set[Hashable] = set()
        self._limit, self._size, self._lock = limit, size, Condition()

    def get(self, key: Hashable) -> Any:
        """Return what was kept under a key, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value under a key."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(map(self._size, self._kept.values())) > self._limit:
                self._kept.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Forget what is kept under a key."""
        with self._lock:
            self._kept.pop(key, None)

    def once(self, key: Hashable, make: Callable[[], Made], meanwhile: Callable[[], object] = lambda: None) -> Made:
        """Return what is kept under a key, made and kept first if need be.

        Of several threads that ask at once one makes it and the others wait, or make it themselves where it could not.
        They call ``meanwhile`` several times a second, and what that raises ends their waiting.
        """
        while not self._begin(key):
            meanwhile()
        try:
            kept: Made | None = self.get(key)
            if kept is None:
                kept = make()
                self.put(key, kept)
            return kept
        finally:
            with self._lock:
                self._being_made.discard(key)
                self._lock.notify_all()

    def watched(self, key: Hashable, make: Callable[[], Made], words: str, *, show_time: bool = False) -> Made:
        """Return what is kept under a key; while it is made first, the page says ``words``."""
        kept: Made | None = self.get(key)
        if kept is not None:
            return kept
        with st.spinner(words, show_time=show_time):
            return self.once(key, make)

    def _begin(self, key: Hashable) -> bool:
        """Return whether it is the caller's turn to make what belongs to a key, after a moment's wait at most."""
        with self._lock:
            free = self._lock.wait_for(lambda: key not in self._being_made, _MOMENT)
            if free:
                self._being_made.add(key)
            return free


@st.cache_resource(max_entries=1, show_spinner=False)
def passes() -> Shelf:
    """Return the traces with gradients that the maps of a target share; one of ViT-B at 224 pixels takes 50 MB."""
    return Shelf(2)


@st.cache_resource(max_entries=1, show_spinner=False)
def results() -> Shelf:
    """Return the results of all long work: a map over pixels takes 0.2 MB at 224 pixels, 1.1 MB at 518."""
    return Shelf(256)
