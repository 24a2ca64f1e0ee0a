"""The reader's own photos: uploaded or from the camera, with the window and the frame through which they are seen."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from vitviz.errors import VitvizError
from vitviz.images import Photo, Window, open_photo
from vitviz.ui.choices.photo import GIVEN, KINDS, PHOTO_FRAME, PHOTO_WINDOW, text_of, window_of
from vitviz.ui.choices.shared import EXAMPLE
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import photo_note

_STATE = "vitviz_own_photos"
OWN = ("upload", "camera")
_PLAIN = ("auto", 1)
"""Window and frame of a photo about which nothing was chosen."""


@dataclass(frozen=True, eq=False)
class OwnPhoto:
    """A photo of the reader's as it was opened."""

    photo: Photo
    data: bytes | None
    """The file, for another window or frame; None where there is no choice."""
    window: str
    frame: int


def _all() -> dict[str, OwnPhoto]:
    kept: dict[str, OwnPhoto] = st.session_state.setdefault(_STATE, {})
    return kept


def names() -> list[str]:
    """Return the names of the reader's own photos that are here."""
    return list(_all())


def get(name: str) -> Photo:
    """Return an own photo through the window and at the frame of the link; what does not fit is told and put back."""
    own = _all()[name]
    asked = (link.get(PHOTO_WINDOW), link.get(PHOTO_FRAME))
    if own.data is None or asked == (own.window, own.frame):
        return own.photo
    try:
        own = replace(own, photo=_opened(own.data, *asked), window=asked[0], frame=asked[1])
    except VitvizError as error:
        link.notice(in_dashboard(error))
        link.put(PHOTO_WINDOW.at(own.window), PHOTO_FRAME.at(own.frame))
    _all()[name] = own
    return own.photo


def opened_with(name: str) -> dict[str, Any]:
    """Return the options of ``vitviz.open_photo`` with which an own photo is seen."""
    own = _all()[name]
    window: dict[str, Any] = {} if own.window == "auto" else {"window": window_of(own.window)}
    return window if own.frame == 1 else {**window, "frame": own.frame}


def take(name: str) -> None:
    """Open what was uploaded; a file that is no photo is told and changes nothing."""
    file: Any = st.session_state.get(name)
    if file is not None:
        keep(name, bytes(file.getvalue()))


def keep(name: str, data: bytes) -> None:
    """Make a file's content the reader's own photo of that name; what is no photo is told and changes nothing."""
    try:
        own = _first(data)
    except VitvizError as error:
        link.notice(in_dashboard(error))
        return
    _all()[name] = own
    link.put(EXAMPLE.at(name), PHOTO_WINDOW.at(own.window), PHOTO_FRAME.at(own.frame))
    for note in own.photo.notes:
        link.notice(_("Your photo: {note}.").format(note=photo_note(note)))


def _first(data: bytes) -> OwnPhoto:
    """Return a photo as the link asks for it if it is the first one, else as it opens by itself.

    Values whose white nothing tells are shown from the lowest to the highest; the photo's notes say so.
    """
    asked = (link.get(PHOTO_WINDOW), link.get(PHOTO_FRAME))
    wishes = [] if _all() or asked == _PLAIN else [asked]
    for window, frame in wishes:
        with suppress(VitvizError):
            photo = _opened(data, window, frame)
            if photo.scaling is not None or photo.frames > 1:
                return OwnPhoto(photo, data, window, frame)
    try:
        photo, window = _opened(data, *_PLAIN), "auto"
    except VitvizError as error:
        try:
            photo, window = _opened(data, "range", 1), "range"
        except VitvizError:
            raise error from None
        if photo.scaling is None:
            raise
    has_choice = photo.scaling is not None or photo.frames > 1
    return OwnPhoto(photo, data if has_choice else None, window, 1)


def _opened(data: bytes, window: str, frame: int) -> Photo:
    return open_photo(data, window=window_of(window), frame=None if frame == 1 else frame)


def window_words() -> dict[str, str]:
    """Return each kind of window in words."""
    return {
        "auto": _("as the file says, else by its bits"),
        "full": _("all that the file could hold"),
        "range": _("from its lowest value to its highest"),
        "percentiles": _("from its 1st to its 99th percentile"),
        GIVEN: _("given values"),
    }


def draw_choices(name: str) -> None:
    """Draw what was changed on opening, and the choice of window and frame where the photo has one."""
    photo = get(name)
    if photo.notes:
        st.caption(plain("; ".join(map(photo_note, photo.notes))))
    if photo.scaling is not None:
        _draw_window(photo)
    if photo.frames > 1:
        st.number_input(
            _("Frame or page, of {count}").format(count=photo.frames),
            min_value=1,
            max_value=photo.frames,
            step=1,
            **link.widget(PHOTO_FRAME),
        )


def _draw_window(photo: Photo) -> None:
    assert photo.scaling is not None
    window: Window = window_of(link.get(PHOTO_WINDOW))
    kind = window if isinstance(window, str) else GIVEN
    low, high = sorted((photo.scaling.black, photo.scaling.white))

    def chosen() -> None:
        picked = st.session_state["photo_window_kind"]
        link.put(PHOTO_WINDOW.at(text_of((low, high)) if picked == GIVEN else picked))

    st.session_state["photo_window_kind"] = kind
    st.selectbox(
        _("Black and white are"),
        KINDS,
        format_func=lambda option: window_words()[option],
        key="photo_window_kind",
        on_change=chosen,
        help=_("The photo has more than 8 bits a channel: this says which of its values are shown black and white."),
    )
    if kind == GIVEN:
        _draw_limits(low, high)


def _draw_limits(low: float, high: float) -> None:
    """Draw two numbers: the lower end and the upper end of a given window."""

    def changed() -> None:
        ends = (st.session_state["photo_window_low"], st.session_state["photo_window_high"])
        if ends[0] < ends[1]:
            link.put(PHOTO_WINDOW.at(text_of(ends)))
        else:
            link.notice(_("The lower end of the window must be less than the upper one; it stays as it was."))

    st.session_state["photo_window_low"], st.session_state["photo_window_high"] = low, high
    left, right = st.columns(2)
    left.number_input(_("Lower end"), key="photo_window_low", on_change=changed, format="%g")
    right.number_input(_("Upper end"), key="photo_window_high", on_change=changed, format="%g")
