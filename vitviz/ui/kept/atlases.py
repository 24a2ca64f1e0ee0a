"""The atlases that readers can open: those that come with vitviz, and the folders that the server was started with.

No other folder is read, whatever a link says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from vitviz.assets import ATLASES
from vitviz.atlas import Atlas, read_atlas
from vitviz.atlas.folder import ATLAS
from vitviz.errors import OptionError
from vitviz.images import Photo, open_photo

VARIABLE = "VITVIZ_ATLASES"
"""Environment variable with the folders of ``serve --atlas``, put together as paths are."""
SHIPPED = ("default", "examples", "random")
"""Folders of assets/atlases, the one that opens first at the front."""
THUMBNAIL = 224
"""Pixels of a thumbnail's longer side, two for each that is shown."""


def folders(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return the folders of atlases by the names that links have for them, the server's own first."""
    given = [Path(text) for text in environment.get(VARIABLE, "").split(os.pathsep) if text]
    shipped = {name: ATLASES / name for name in SHIPPED if (ATLASES / name).is_dir()}
    return named(given, taken=tuple(shipped)) | shipped


def named(paths: Sequence[Path], *, taken: Sequence[str] = ()) -> dict[str, Path]:
    """Return folders by names that are unlike: that of the folder, with a number where it is taken."""
    names: dict[str, Path] = {}
    for path in paths:
        plain = "".join(letter if letter.isalnum() or letter in " ._-" else "-" for letter in path.name)[:80] or "atlas"
        name, number = plain, 1
        while name in names or name in taken:
            number += 1
            name = f"{plain}-{number}"
        names[name] = path
    return names


def get(name: str) -> Atlas:
    """Return the atlas of a name; raises OptionError for a name that is none, and for a folder that cannot be read."""
    known = folders()
    if name not in known:
        raise OptionError(
            "There is no atlas {name!r}; wanted one of {listed}. Start the dashboard with python -m vitviz "
            "serve --atlas FOLDER for one of yours.",
            name=name,
            listed=", ".join(known),
        )
    file = known[name] / ATLAS
    return _read(name, str(known[name]), file.stat().st_mtime_ns if file.is_file() else 0)


def photo(name: str, line: int) -> Photo:
    """Return a photo of an atlas's list, reduced to a thumbnail; raises ImageError where it cannot be read."""
    return _photo(str(folders()[name]), line, get(name))


@st.cache_resource(max_entries=96, show_spinner=False)
def _photo(folder: str, line: int, _atlas: Atlas) -> Photo:
    opened = open_photo(_atlas.photo_bytes(line))
    small = opened.image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2.0)
    return replace(opened, image=small)


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(name: str, folder: str, time: int) -> Atlas:
    return read_atlas(folder)
