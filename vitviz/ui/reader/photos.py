"""The reader's photo: an example, an upload or a picture from the camera."""

from __future__ import annotations

from typing import Any

import streamlit as st

from vitviz.errors import VitvizError
from vitviz.examples import Example, example, examples
from vitviz.images import SUFFIXES, Photo, open_photo
from vitviz.models import shipped
from vitviz.models.vit import ViT
from vitviz.ui.choices.shared import EXAMPLE, MODEL
from vitviz.ui.components.photo_picker import Tile, photo_picker
from vitviz.ui.reader import link, own_photos
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard

OWN = own_photos.OWN
MOST_MEGABYTES = 20
"""Of a photo's file; weights of models may be larger, and the server's limit is theirs."""


def current() -> str:
    """Return the name of the photo that is asked for: the first example until another is."""
    return str(link.get(EXAMPLE) or examples()[0].id)


def chosen() -> tuple[str, Photo]:
    """Return the name and the photo that the reader chose; an own photo that is not here falls back to an example."""
    name = current()
    if name in own_photos.names():
        return name, own_photos.get(name)
    if name in own_photos.OWN:
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
    return [*(photo.id for photo in examples()), *own_photos.names()]


def get(name: str) -> Photo:
    """Return an available photo by name; raises OptionError for another name."""
    return own_photos.get(name) if name in own_photos.names() else opened(name)


def opened_with(name: str) -> dict[str, Any]:
    """Return the options of ``vitviz.open_photo`` with which a photo is seen: none for an example."""
    return own_photos.opened_with(name) if name in own_photos.names() else {}


def title(name: str) -> str:
    """Return what to call a photo on the screen."""
    if name in OWN:
        return _("your photo")
    return _(example(name).title)


def shown_classes(name: str, vit: ViT) -> tuple[str, ...] | None:
    """Return which of a model's classes an example photo shows; None for other photos, and where nobody knows."""
    if name in OWN:
        return None
    classes = example(name).classes
    known = set(classes) <= set(vit.class_names) if classes else vit.name in shipped.MODELS
    return classes if known else None


def choose() -> None:
    """Draw the photo part of the sidebar: examples first, then upload and camera."""
    photo_picker(_tiles(), current=current(), label=_("Photo"), on_pick=lambda name: link.put(EXAMPLE.at(name)))
    st.file_uploader(
        _("Your own photo (JPEG, PNG, WebP, TIFF, HEIC, DICOM …)"),
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        key="upload",
        max_upload_size=MOST_MEGABYTES,
        on_change=lambda: own_photos.take("upload"),
        help=_(
            "It stays on the machine that runs vitviz. After you close the page, copies can remain in its memory until "
            "other photos push them out or vitviz ends."
        ),
    )
    if st.toggle(_("Use the camera"), key="camera_on"):
        st.camera_input(
            _("Camera"), key="camera", on_change=lambda: own_photos.take("camera"), label_visibility="collapsed"
        )
    if current() in own_photos.names():
        own_photos.draw_choices(current())


def _tiles() -> list[Tile]:
    tiles = [Tile(photo.id, _(photo.title), opened(photo.id), *_answered(photo)) for photo in examples()]
    return tiles + [Tile(name, title(name), own_photos.get(name)) for name in own_photos.names()]


def _answered(photo: Example) -> tuple[str, str]:
    """Return how the shipped model answers an example, in words and as a mark; nothing for other models."""
    if link.get(MODEL) not in shipped.MODELS:
        return "", ""
    return {
        "right": (_("answered rightly"), ""),
        "both": (_("two animals, two answers"), "2"),
        "wrong": (_("answered wrongly"), "✗"),
        "unknown": (_("none of the classes that the model knows"), "?"),
    }[photo.answer]
