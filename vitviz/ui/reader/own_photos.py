"""The reader's own photos: uploaded or from the camera, with the window and the frame through which they are seen.

The files lie on a shelf of the server (``kept.photo_shelf``); a reader holds their keys, and so does the browser tab:
a reload finds them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st

from vitviz.errors import ImageError, VitvizError
from vitviz.images import Photo, Window
from vitviz.ui.choices.compare import OTHER_PHOTO
from vitviz.ui.choices.photo import GIVEN, KINDS, PHOTO_FRAME, PHOTO_WINDOW, text_of, window_of
from vitviz.ui.choices.shared import EXAMPLE
from vitviz.ui.choices.tokens import SECOND
from vitviz.ui.components.photo_picker import thumbnail
from vitviz.ui.kept import photo_shelf
from vitviz.ui.reader import link
from vitviz.ui.text import _, plain
from vitviz.ui.words.errors import in_dashboard
from vitviz.ui.words.labels import photo_note

_STATE, _TAKEN = "vitviz_own_photos", "vitviz_taken_uploads"
MOST = 12
"""Photos that one reader can have at once."""
LATEST = ("upload", "camera")
"""Names in a link for the reader's latest own photo."""
_PLAIN = ("auto", 1)
"""Window and frame of a photo about which nothing was chosen."""


@dataclass(frozen=True, eq=False)
class OwnPhoto:
    """How one of the reader's photos is seen, without the photo itself."""

    window: str
    frame: int
    has_choice: bool
    """Whether its window or its frame can be chosen."""
    notes: tuple[str, ...]
    small: bytes
    """A JPEG file of the size of a tile."""


def _all() -> dict[str, OwnPhoto]:
    kept: dict[str, OwnPhoto] = st.session_state.setdefault(_STATE, {})
    return kept


def is_own(name: str) -> bool:
    """Return whether a name is that of somebody's own photo, here or not."""
    return name.startswith(photo_shelf.PREFIX) or name in LATEST


def names() -> list[str]:
    """Return the names of the reader's own photos that are here; those that were pushed out are told and forgotten."""
    gone = [name for name in _all() if not photo_shelf.has(name)]
    for name in gone:
        del _all()[name]
    if gone:
        link.notice(_("Other photos pushed a photo of yours out of the memory. Upload it again to look at it."))
    return list(_all())


def small(name: str) -> bytes:
    """Return an own photo of the size of a tile, as a JPEG file."""
    return _all()[name].small


def number(name: str) -> int | None:
    """Return which of several own photos this is, from 1; None for the only one, and for one that is not here."""
    here = list(_all())
    return here.index(name) + 1 if len(here) > 1 and name in here else None


def get(name: str) -> Photo:
    """Return an own photo through its window and at its frame.

    For the photo that is looked at these are the link's; what does not fit is told and put back.
    """
    own = _all()[name]
    asked = (link.get(PHOTO_WINDOW), link.get(PHOTO_FRAME))
    if own.has_choice and name == link.get(EXAMPLE) and asked != (own.window, own.frame):
        try:
            own = _seen(_opened(name, *asked), *asked)
        except VitvizError as error:
            link.notice(in_dashboard(error))
            link.put(PHOTO_WINDOW.at(own.window), PHOTO_FRAME.at(own.frame))
        _all()[name] = own
    return _opened(name, own.window, own.frame)


def opened_with(name: str) -> dict[str, Any]:
    """Return the options of ``vitviz.open_photo`` with which an own photo is seen."""
    own = _all()[name]
    window: dict[str, Any] = {} if own.window == "auto" else {"window": window_of(own.window)}
    return window if own.frame == 1 else {**window, "frame": own.frame}


def pick(name: str) -> None:
    """Look at an own photo, as it was seen last."""
    own = _all()[name]
    link.put(EXAMPLE.at(name), PHOTO_WINDOW.at(own.window), PHOTO_FRAME.at(own.frame))


def take(widget: str) -> None:
    """Open what was uploaded: photos become the reader's, and the last of them is looked at; others are told."""
    given: Any = st.session_state.get(widget)
    files = given if isinstance(given, list) else [given] if given is not None else []
    taken: set[str] = st.session_state.setdefault(_TAKEN, set())
    new = [file for file in files if file.file_id not in taken]
    for file in new:
        taken.add(file.file_id)
        keep(bytes(file.getvalue()), _short(file.name) if len(new) > 1 else "")
    if len(_all()) > MOST:
        link.notice(_("You have {most} photos here; the oldest ones were put away.").format(most=MOST))
        for name in list(_all())[:-MOST]:
            del _all()[name]


def _short(name: str) -> str:
    """Return the name of a file as a message has it: of a long one the end, which is what tells two apart."""
    plain_name = "".join(letter for letter in str(name) if letter.isprintable())
    return plain_name if len(plain_name) <= 60 else f"…{plain_name[-59:]}"


def keep(data: bytes, file: str = "") -> None:
    """Make a file's content one of the reader's own photos, and look at it; what is no photo is told.

    ``file`` is the name of one of several that came at once, by which messages tell it from the others.
    """
    name = photo_shelf.keep(data)
    known = name in _all()
    try:
        own = _all()[name] if known else _first(name)
    except VitvizError as error:
        photo_shelf.files().drop(name)
        reason = in_dashboard(error)
        link.notice(_("{file}: {reason}").format(file=file, reason=reason) if file else reason)
        return
    _all()[name] = own
    pick(name)
    for note in () if known else own.notes:
        told = _("Your photo {file}: {note}.") if file else _("Your photo: {note}.")
        link.notice(told.format(file=file, note=photo_note(note)))


def adopt(keys: Iterable[str]) -> None:
    """Take photos over whose keys a link or the browser tab knows, if their files are still here."""
    for key in keys:
        if key.startswith(photo_shelf.PREFIX) and key not in _all() and len(_all()) < MOST and photo_shelf.has(key):
            with suppress(VitvizError):  # it was opened before it was kept
                _all()[key] = _first(key)


def adopt_linked() -> None:
    """Take the photos of the link over, and give the name "upload" its meaning."""
    adopt(link.get(choice) for choice in (EXAMPLE, OTHER_PHOTO, SECOND))
    if link.get(EXAMPLE) in LATEST and _all():
        pick(list(_all())[-1])


def remove() -> None:
    """Forget the photo that is looked at, here and on the server."""
    name = link.get(EXAMPLE)
    _all().pop(name, None)
    photo_shelf.files().drop(name)
    link.put(EXAMPLE.at(""), PHOTO_WINDOW.at(_PLAIN[0]), PHOTO_FRAME.at(_PLAIN[1]))


def _first(name: str) -> OwnPhoto:
    """Return a photo as the link asks for it if it is the first one, else as it opens by itself.

    Values whose white nothing tells are shown from the lowest to the highest; the photo's notes say so.
    """
    asked = (link.get(PHOTO_WINDOW), link.get(PHOTO_FRAME))
    wishes = [] if asked == _PLAIN or (_all() and name != link.get(EXAMPLE)) else [asked]
    for window, frame in wishes:
        with suppress(VitvizError):
            photo = _opened(name, window, frame)
            if _has_choice(photo):
                return _seen(photo, window, frame)
    try:
        return _seen(_opened(name, *_PLAIN), *_PLAIN)
    except VitvizError as error:
        try:
            photo = _opened(name, "range", 1)
        except VitvizError:
            raise error from None
        if photo.scaling is None:
            raise
        return _seen(photo, "range", 1)


def _seen(photo: Photo, window: str, frame: int) -> OwnPhoto:
    has_choice = _has_choice(photo)
    kept = (window, frame) if has_choice else _PLAIN
    return OwnPhoto(*kept, has_choice, photo.notes, thumbnail(photo.digest, photo))


def _has_choice(photo: Photo) -> bool:
    return photo.scaling is not None or photo.frames > 1


def _opened(name: str, window: str, frame: int) -> Photo:
    photo = photo_shelf.opened(name, window_of(window), frame)
    if photo is None:  # between two looks at the shelf
        raise ImageError("The photo is no longer in the memory of this vitviz. Upload it again.")
    return photo


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
    """Draw what was changed on opening, the choice of window and frame where the photo has one, and its removal."""
    photo = get(name)
    if photo.notes:
        st.caption(plain(_("; ").join(map(photo_note, photo.notes))))
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
    st.button(_("Remove this photo"), icon=":material/delete:", key="remove_photo", on_click=remove)


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
