"""The files of readers' own photos: in memory alone, bounded, and found by nothing but the hash of their content.

The hash has 256 bits and cannot be guessed: who knows it has the file, or was given a link to it. So it is the
permission to look. Files that were not looked at for longest go first when the shelf is full.
"""

from __future__ import annotations

import base64
import hashlib

import streamlit as st

from vitviz.images import Photo, Window, open_photo
from vitviz.ui.kept.shelf import Shelf

PREFIX = "own:"
FILE_BYTES = 400_000_000
"""Of memory for the files of all readers: those of a class of forty, each with three photos of a phone."""
PHOTO_BYTES = 60_000_000
"""Of memory for photos as they were opened, 9 MB each where they are large: the ones that are looked at."""


@st.cache_resource(max_entries=1, show_spinner=False)
def files() -> Shelf:
    """Return the files of all readers by their keys."""
    return Shelf(FILE_BYTES, size=len)


@st.cache_resource(max_entries=1, show_spinner=False)
def _photos() -> Shelf:
    return Shelf(PHOTO_BYTES, size=lambda photo: 3 * photo.image.width * photo.image.height)


def key_of(data: bytes) -> str:
    """Return the key of a file: "own:" and its SHA-256 in 43 letters, digits, - and _."""
    return PREFIX + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def keep(data: bytes) -> str:
    """Keep a file, and return its key."""
    key = key_of(data)
    files().put(key, data)
    return key


def has(key: str) -> bool:
    """Return whether the file of a key is still here."""
    return files().get(key) is not None


def opened(key: str, window: Window, frame: int) -> Photo | None:
    """Return the photo of a key, decoded once; None if its file was pushed out. Raises what ``open_photo`` raises."""
    data: bytes | None = files().get(key)
    if data is None:
        return None
    file = data

    def decode() -> Photo:
        return open_photo(file, window=window, frame=None if frame == 1 else frame)

    photo: Photo = _photos().once((key, window, frame), decode)
    return photo
