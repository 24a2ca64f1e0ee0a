"""The options that say how a picture is opened, the same for every command that takes one."""

from __future__ import annotations

import argparse
from typing import Any

from vitviz.cli.answer import EXAMPLE
from vitviz.errors import OptionError
from vitviz.examples import example
from vitviz.images import WINDOWS, Photo, Window, open_photo, read_window

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
    given = {"picture_window": arguments.picture_window, "picture_frame": arguments.picture_frame}
    return {name: value for name, value in given.items() if value not in ("auto", None)}
