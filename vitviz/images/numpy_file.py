"""Files of one NumPy array (.npy), without any pickle."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import ImageError
from vitviz.images import notes as told
from vitviz.images.arrays import picture_of
from vitviz.images.opening import Opening

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def of_npy(data: bytes, opening: Opening) -> Image.Image:
    """Return the picture of a .npy file with 8 bits a channel; of four dimensions the first is the frame.

    Raises ImageError for objects, which only code could unpack, and for what is cut off or no picture.
    """
    values = _array(data)
    if values.ndim == 4 and values.shape[3] in (1, 3, 4) and len(values):
        number = opening.choose(len(values))
        opening.note(told.PAGE, number=number + 1, frames=len(values))
        values = values[number]
    else:
        opening.choose(1)
    return picture_of(values, opening, of_file=True)


def _array(data: bytes) -> NDArray[Any]:
    """Return the array of a file as a view of its bytes."""
    stream = io.BytesIO(data)
    try:
        shape, fortran, dtype = _HEADERS[npy.read_magic(stream)](stream)
    except Exception as error:  # the header is a literal of Python's, whose parser raises many things
        raise ImageError(
            "The NumPy file cannot be read ({error}); wanted what np.save writes. Save it again.", error=error
        ) from error
    if dtype.hasobject:
        raise ImageError(
            "The NumPy file holds objects, which are unpacked by running code; wanted numbers. Save the array as uint8."
        )
    count, there = math.prod(shape), len(data) - stream.tell()
    if dtype.itemsize == 0 or count * dtype.itemsize > there:
        raise ImageError(
            "The NumPy file is cut off: {there:,} bytes of {count:,} values of {dtype}; wanted all of them. Save it "
            "again.",
            there=there,
            count=count,
            dtype=dtype,
        )
    values = np.frombuffer(data, dtype, count, stream.tell())
    return values.reshape(shape, order="F" if fortran else "C")
