"""The choices about the photo: what is black and white of more than 8 bits, and which of several frames is shown."""

from __future__ import annotations

from vitviz.errors import OptionError
from vitviz.images import WINDOWS, Window, read_window
from vitviz.ui.choices.choice import Choice, integer
from vitviz.ui.text import _

GIVEN = "given"
KINDS = (*WINDOWS, GIVEN)


def text_of(window: Window) -> str:
    """Return a window as the link has it: one of WINDOWS, or "400..2000"."""
    return window if isinstance(window, str) else f"{window[0]:.9g}..{window[1]:.9g}"


def window_of(text: str) -> Window:
    """Return the window of a link's text; raises OptionError for another text."""
    try:
        return read_window(text.replace("..", ","))
    except OptionError as error:
        raise OptionError(
            _("wanted {choices}, or two numbers such as 400..2000").format(choices=", ".join(WINDOWS))
        ) from error


def _window(text: str) -> str:
    return text_of(window_of(text))


PHOTO_WINDOW = Choice("photo_window", "auto", _window)
PHOTO_FRAME = Choice("photo_frame", 1, integer(1, 999_999))
