"""Shelf: results that were computed in steps while the reader watched, kept for all readers, bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

import streamlit as st


class Shelf:
    """Results by key, at most ``limit``: the one that was not asked for longest goes first.

    For what is computed in steps that the reader watches and may stop, which Streamlit's own caches cannot hold.
    """

    def __init__(self, limit: int) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._limit, self._lock = limit, Lock()

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
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)


@st.cache_resource(max_entries=1, show_spinner=False)
def evidence() -> Shelf:
    """Return the maps of the Evidence page and their tests; a map over pixels takes 0.2 MB at 224 pixels."""
    return Shelf(128)


@st.cache_resource(max_entries=1, show_spinner=False)
def passes() -> Shelf:
    """Return the traces with gradients that the maps of a target share; one of ViT-B at 224 pixels takes 50 MB."""
    return Shelf(2)


@st.cache_resource(max_entries=1, show_spinner=False)
def sizes() -> Shelf:
    """Return what models answer at several input sizes: a few numbers each."""
    return Shelf(64)
