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
from vitviz.ui.components.photo_picker import Tile, photo_picker, thumbnail
from vitviz.ui.reader import link, own_photos
from vitviz.ui.text import _
from vitviz.ui.words.errors import in_dashboard

is_own = own_photos.is_own
OWN_NAME = "own photo"
"""What manifests call a reader's own photo: its key would be a permission to look at it."""
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
    if is_own(name):
        link.notice(
            _(
                "The link shows somebody's own photo, which is not in the memory of this vitviz. Ask the sender for "
                "the photo and upload it."
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
    if is_own(name):
        number = own_photos.number(name)
        return _("your photo") if number is None else _("your photo {number}").format(number=number)
    return _(example(name).title)


def shown_classes(name: str, vit: ViT) -> tuple[str, ...] | None:
    """Return which of a model's classes an example photo shows; None for other photos, and where nobody knows."""
    if is_own(name):
        return None
    classes = example(name).classes
    known = set(classes) <= set(vit.class_names) if classes else vit.name in shipped.MODELS
    return classes if known else None


def named(name: str) -> str:
    """Return what a file that leaves the dashboard calls a photo: the example's id, or OWN_NAME."""
    return OWN_NAME if is_own(name) else name


def choose() -> None:
    """Draw the photo part of the sidebar: examples first, then upload and camera."""
    own_photos.adopt_linked()
    photo_picker(
        _tiles(),
        current=current(),
        label=_("Photo"),
        own=own_photos.names(),
        on_pick=_pick,
        on_restore=own_photos.adopt,
    )
    st.file_uploader(
        _("Your own photos (JPEG, PNG, WebP, TIFF, HEIC, DICOM …)"),
        type=[suffix.removeprefix(".") for suffix in SUFFIXES],
        accept_multiple_files=True,
        key="upload",
        max_upload_size=MOST_MEGABYTES,
        on_change=lambda: own_photos.take("upload"),
        help=_(
            "They stay in the memory of the machine that runs vitviz, until other photos push them out, you remove "
            "them or vitviz ends. A link to your photo holds a key made of its content, which cannot be guessed: "
            "whoever has the link, or the same file, can look at it as long as it is there. At most {most} photos of "
            "{megabytes} MB."
        ).format(most=own_photos.MOST, megabytes=MOST_MEGABYTES),
    )
    if st.toggle(_("Use the camera"), key="camera_on"):
        st.camera_input(
            _("Camera"), key="camera", on_change=lambda: own_photos.take("camera"), label_visibility="collapsed"
        )
    if current() in own_photos.names():
        own_photos.draw_choices(current())


def _pick(name: str) -> None:
    if is_own(name):
        own_photos.pick(name)
    else:
        link.put(EXAMPLE.at(name))


def _tiles() -> list[Tile]:
    tiles = [
        Tile(photo.id, _(photo.title), thumbnail(*_with_digest(photo.id)), *_answered(photo)) for photo in examples()
    ]
    return tiles + [Tile(name, title(name), own_photos.small(name)) for name in own_photos.names()]


def _with_digest(name: str) -> tuple[str, Photo]:
    photo = opened(name)
    return photo.digest, photo


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
