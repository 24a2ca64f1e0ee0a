"""The second photo of the Tokens page, seen by the same model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from vitviz.capture.edit import NO_EDIT
from vitviz.examples import examples
from vitviz.images import Photo
from vitviz.trace import Trace
from vitviz.ui.choices.tokens import SECOND
from vitviz.ui.kept import cache
from vitviz.ui.reader import link, photos
from vitviz.ui.reader.scene import Scene
from vitviz.ui.text import _


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo and what the model made of it."""

    name: str
    """Example id, or the key of a reader's own photo."""
    photo: Photo
    trace: Trace
    picture: NDArray[np.uint8]
    """(height, width, 3): the crop that the model sees."""


def first(scene: Scene) -> Seen:
    """Return the scene's own photo, seen by the model as it is, whatever heads are switched off."""
    return Seen(scene.photo_name, scene.photo, scene.original, scene.picture)


def second(scene: Scene) -> Seen:
    """Return the photo that is compared; one that the link names and that is not here is told and left out."""
    wanted = link.get(SECOND) or _next(scene.photo_name)
    if wanted not in photos.available():
        st.warning(
            _("There is no photo “{name}” to compare with; another is shown.").format(name=wanted[:60]),
            icon=":material/info:",
        )
        wanted = _next(scene.photo_name)
        link.put(SECOND.at(""))
    photo = photos.get(wanted)
    trace = cache.traced(scene.model_key, photo.digest, NO_EDIT, scene.vit, photo)
    picture = cache.picture(scene.model_key, photo.digest, scene.vit, photo)
    return Seen(wanted, photo, trace, picture)


def choose(scene: Scene) -> None:
    """Draw the choice of the second photo."""
    following = photos.title(_next(scene.photo_name))
    st.selectbox(
        _("Second photo"),
        ["", *photos.available()],
        format_func=lambda name: photos.title(name) if name else _("the next example: {title}").format(title=following),
        help=_("Two photos of the same kind of thing are the most telling."),
        **link.widget(SECOND),
    )


def _next(name: str) -> str:
    """Return the example after a photo; the second one for a reader's own photo."""
    ids = [example.id for example in examples()]
    at = ids.index(name) if name in ids else 0
    return ids[(at + 1) % len(ids)]
