"""The numbers of a view as one npz file: plain arrays, the manifest inside, no pickles, the same bytes every time."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitviz.attention.statistics import STATISTICS, HeadStatistics
from vitviz.attention.view import MapView
from vitviz.errors import OptionError
from vitviz.export.json_text import json_text

MANIFEST = "manifest"
"""Name of the array that holds the manifest, as a JSON text."""
# What numpy, zipfile and json raise for files that are cut off, altered or something else.
_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    AttributeError,
    RuntimeError,  # an entry that says it is encrypted; NotImplementedError: packed in an unknown way
    zipfile.BadZipFile,
    zlib.error,
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file knows
_UNIX, _READABLE = 3, 0o644 << 16


def npz_bytes(arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> bytes:
    """Return a compressed npz file of arrays by name, with the manifest as the text array "manifest".

    ``numpy.load`` opens it without pickles. Equal input gives equal bytes: times and systems are not recorded.
    Raises OptionError for a name that is taken or no name, and for arrays of Python objects.
    """
    content = {name: _checked(name, array) for name, array in sorted(arrays.items())}
    content[MANIFEST] = np.array(json_text(manifest))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        for name, array in content.items():
            file.writestr(zip_entry(f"{name}.npy"), _npy(array))
    return buffer.getvalue()


def read_npz(source: bytes | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return (arrays, manifest) of a file that ``npz_bytes`` made.

    Raises OptionError for a file that is damaged, has no manifest, or would run code when it is opened.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        manifest = json.loads(str(arrays.pop(MANIFEST)))
    except _DAMAGED as error:
        raise OptionError(
            f"These are not the arrays of a view ({error}); wanted an npz file that vitviz wrote. Export it again."
        ) from error
    return arrays, manifest


def view_arrays(view: MapView, picture: NDArray[np.uint8] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of a map view: its values, the special tokens' names and shares, the picture if given."""
    arrays: dict[str, NDArray[Any]] = {
        "values": view.values,  # (rows, columns)
        "special_names": np.array(list(view.special), dtype=np.str_),
        "special_shares": np.array(list(view.special.values()), dtype=np.float32),
    }
    if picture is not None:
        arrays["picture"] = picture  # (height, width, 3): what the model saw
    return arrays


def statistics_arrays(statistics: HeadStatistics) -> dict[str, NDArray[Any]]:
    """Return every table of head statistics by name, each (layer, head)."""
    return {name: statistics.table(name) for name in STATISTICS}


def _checked(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if name == MANIFEST or not name.isidentifier():
        raise OptionError(
            f"An array cannot be called {name!r}; wanted a Python name other than {MANIFEST!r}. Rename it."
        )
    array = np.asarray(array)
    if array.dtype.hasobject:
        raise OptionError(
            f"The array {name!r} holds Python objects ({array.dtype}), which only a pickle can store; "
            "wanted numbers or texts of one type. Convert it first."
        )
    return array


def zip_entry(name: str) -> zipfile.ZipInfo:
    """Return the place of a file in a zip file that tells neither time nor system."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system, entry.external_attr = _UNIX, _READABLE
    return entry


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array.copy(order="C"), allow_pickle=False)
    return buffer.getvalue()
