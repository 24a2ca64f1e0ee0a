"""The choices about the photo: black and white of more than 8 bits, one of several frames, and how it is cropped."""

from __future__ import annotations

from vitviz.errors import OptionError
from vitviz.images import CROPS, WINDOWS, Crop, Window, read_crop, read_window
from vitviz.images.crop import PAD, SQUASH, TRAINED
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

__all__ = ["CROP", "GIVEN", "GRID", "KINDS", "PAD", "PHOTO_FRAME", "PHOTO_WINDOW", "SQUASH", "TRAINED"]

GRID = "grid"
"""The crop that is none: a patch grid in the photo's shape."""


def crop_of_text(text: str) -> Crop:
    """Return the crop of a link's text but GRID; raises OptionError for another text."""
    try:
        return read_crop(text)
    except OptionError as error:
        raise OptionError(
            _("wanted {choices}, or a number from 0 to 1").format(choices=", ".join((*CROPS, GRID)))
        ) from error


def _crop(text: str) -> str:
    crop = text if text == GRID else crop_of_text(text)
    return crop if isinstance(crop, str) else f"{crop:.2f}"


CROP = Choice("crop", TRAINED, _crop)
