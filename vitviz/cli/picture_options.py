"""The options that say how a picture is opened, the same for every command that takes one."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from vitviz.cli.answer import EXAMPLE
from vitviz.errors import OptionError
from vitviz.examples import example
from vitviz.images import CROPS, WINDOWS, Crop, Photo, Window, open_photo, read_crop, read_window
from vitviz.images.crop import TRAINED

GRID = "grid"
"""A crop that is another model: its patch grid has the shape of the picture."""
HELP = "a picture file (JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC, DICOM, .npy), or example:ID"


def add_to(group: Any) -> None:
    """Add the options to a parser or a group of it."""
    group.add_argument(
        "--window", metavar="WINDOW", dest="picture_window", type=window, default="auto",
        help=f"what is black and white of more than 8 bits a channel: {', '.join(WINDOWS)}, or two numbers as in "
        "--window=400,2000 (default: auto, what the file says, else the fewest bits that hold the values)",
    )  # fmt: skip
    group.add_argument(
        "--frame", metavar="N", dest="picture_frame", type=int,
        help="which of several frames or pages, counted from 1 (default: the first)",
    )  # fmt: skip
    add_crop(group, GRID)


def add_crop(group: Any, *more: str) -> None:
    """Add the option that says how a picture of another shape is brought to that of the model's input."""
    grid = f"; {GRID}: the model's patch grid takes the shape of the first picture" if more else ""
    group.add_argument(
        "--crop", metavar="CROP", dest="picture_crop", type=partial(crop, more=more), default=TRAINED,
        help=f"how a picture of another shape is brought to the model's: {', '.join((*CROPS, *more))}, or a number "
        "from 0 to 1, left, right, top or bottom: where along the long side it is cut (default: trained, the model's "
        f"own way, for most the middle; pad: all of it, with bars; squash: all of it, out of shape{grid})",
    )  # fmt: skip


def crop(text: str, *, more: tuple[str, ...] = ()) -> Crop:
    """Return a crop as it is typed, or one of some more words; raises ArgumentTypeError for another text."""
    if text in more:
        return text
    try:
        return read_crop(text)
    except OptionError as error:
        also = f" Here {' and '.join(more)} can be chosen too." if more else ""
        raise argparse.ArgumentTypeError(f"{error}{also}") from error


def window(text: str) -> Window:
    """Return a window as it is typed; raises ArgumentTypeError for another text."""
    try:
        return read_window(text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def opened(name: str, arguments: argparse.Namespace) -> Photo:
    """Return the photo of a path or of "example:ID", as the options say."""
    source = example(name.removeprefix(EXAMPLE)).path if name.startswith(EXAMPLE) else name
    return open_photo(source, window=arguments.picture_window, frame=arguments.picture_frame)


def asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that are not at their defaults, for what is written down."""
    given = {
        "picture_window": arguments.picture_window,
        "picture_frame": arguments.picture_frame,
        "picture_crop": arguments.picture_crop,
    }
    return {name: value for name, value in given.items() if value not in ("auto", None, TRAINED)}
