"""Photo: a picture that was opened safely; and the forms in which the door takes one."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.record import Record


@dataclass(frozen=True)
class Scaling(Record):
    """Which values of more than 8 bits became black and white."""

    black: float
    """The value that is black; the higher one where a file says that its numbers mean darkness."""
    white: float
    least: float
    """The lowest value of the picture."""
    most: float
    """The highest value of the picture."""
    outside: float
    """Share of the values that lie beyond black or white, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Photo(Record):
    """A picture that was opened safely.

    >>> photo = vitviz.open_photo("photo.jpg")
    >>> photo.image.mode, photo.frames
    ('RGB', 1)
    """

    image: Image.Image
    """RGB, upright, at most KEEP_SIDE pixels long."""
    digest: str
    """Hash of the pixels: equal pictures have equal digests, whatever their file was called."""
    notes: tuple[str, ...]
    """What was changed on opening, in words a user understands; empty if nothing."""
    scaling: Scaling | None = None
    """What became black and white of more than 8 bits a channel; None for a picture of 8 bits."""
    frames: int = 1
    """How many frames or pages the file has."""


Source = str | PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[Any] | Photo
"""A picture in any form that ``open_photo`` takes: a path (``~`` and ``file:`` too), the bytes of a file, a file that
is open in binary mode, a PIL picture, a NumPy array of shape (height, width), (height, width, 3) or (height, width, 4),
or a Photo."""


def is_source(value: object) -> bool:
    """Return whether a value is one picture, rather than a collection of pictures or something else."""
    known = (str, PathLike, bytes, bytearray, memoryview, Image.Image, np.ndarray, Photo)
    return isinstance(value, known) or hasattr(value, "read")
