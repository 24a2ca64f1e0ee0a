"""The reader's photo: an example, an upload or a picture from the camera."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

import streamlit as st

from vitviz.errors import VitvizError
from vitviz.examples import example, examples
from vitviz.images import Photo, open_photo
from vitviz.ui.choices.shared import EXAMPLE
from vitviz.ui.components.photo_picker import photo_picker
from vitviz.ui.reader import link
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import photo_note

_OWN = "vitviz_own_photos"
OWN = ("upload", "camera")


def current() -> str:
    """Return the name of the photo that is asked for: the first example until another is."""
    return str(link.get(EXAMPLE) or examples()[0].id)


def chosen() -> tuple[str, Photo]:
    """Return the name and the photo that the reader chose; an own photo that is not here falls back to an example."""
    name = current()
    own: dict[str, Photo] = st.session_state.setdefault(_OWN, {})
    if name in own:
        return name, own[name]
    if name in OWN:
        link.notice(
            _(
                "The link shows somebody's own photo, which a link does not carry. Ask the sender for the photo and "
                "upload it."
            )
        )
        name = examples()[0].id
    try:
        photo = example(name)
    except VitvizError as error:
        link.notice(in_dashboard(error))
        photo = examples()[0]
    link.put(EXAMPLE.at(photo.id))
    return photo.id, opened(photo.id)


@st.cache_resource(max_entries=16, show_spinner=False)
def opened(name: str) -> Photo:
    """Return an example photo; raises OptionError if there is none of that id."""
    return open_photo(example(name).path)


def available() -> list[str]:
    """Return the names of the photos that this reader can choose: the examples, then the own ones that are here."""
    return [*(photo.id for photo in examples()), *st.session_state.setdefault(_OWN, {})]


def get(name: str) -> Photo:
    """Return an available photo by name; raises OptionError for another name."""
    own: dict[str, Photo] = st.session_state.setdefault(_OWN, {})
    return own[name] if name in own else opened(name)


def title(name: str) -> str:
    """Return what to call a photo on the screen."""
    if name in OWN:
        return _("your photo")
    return _(example(name).title)


def choose() -> None:
    """Draw the photo part of the sidebar: examples first, then upload and camera."""
    own: dict[str, Photo] = st.session_state.setdefault(_OWN, {})
    photo_picker(_tiles(own), current=current(), label=_("Photo"), on_pick=lambda name: link.put(EXAMPLE.at(name)))
    st.file_uploader(
        _("Your own photo (JPEG, PNG, WebP)"),
        type=["jpg", "jpeg", "png", "webp"],
        key="upload",
        on_change=lambda: _take("upload"),
        help=_(
            "It stays on the machine that runs vitviz. After you close the page, copies can remain in its memory until "
            "other photos push them out or vitviz ends."
        ),
    )
    if st.toggle(_("Use the camera"), key="camera_on"):
        st.camera_input(_("Camera"), key="camera", on_change=lambda: _take("camera"), label_visibility="collapsed")


def _tiles(own: dict[str, Photo]) -> list[tuple[str, str, Photo]]:
    tiles = [(photo.id, _(photo.title), opened(photo.id)) for photo in examples()]
    return tiles + [(name, title(name), photo) for name, photo in own.items()]


def _take(name: str) -> None:
    """Open what was uploaded; a file that is no photo is told and changes nothing."""
    file: Any = st.session_state.get(name)
    if file is None:
        return
    try:
        photo = open_photo(cast(BinaryIO, file))
    except VitvizError as error:
        link.notice(in_dashboard(error))
        return
    st.session_state.setdefault(_OWN, {})[name] = photo
    link.put(EXAMPLE.at(name))
    for note in photo.notes:
        link.notice(_("Your photo: {note}.").format(note=photo_note(note)))
