"""How large and how narrow a picture may be, and what is said of one that is not."""

from __future__ import annotations

from vitviz.clause import Clause
from vitviz.errors import ImageError

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded, width × height; a decompression bomb announces more."""
MAX_PIXELS_OF = {"WEBP": 24_000_000, "AVIF": 40_000_000, "HEIF": 50_000_000}
"""Smaller limits of formats whose decoders take several times a picture's memory, 9 to 16 bytes a pixel."""
MAX_BYTES = 40_000_000
"""Largest file that is read."""
MIN_SIDE = 16
"""Shortest side in pixels of a file: less than one patch shows nothing."""
KEEP_SIDE = 2048
"""Longest side in pixels that is kept; no model here looks at more."""
LONGEST_TO_SHORTEST = 16
"""Models enlarge the shorter side to their input size and crop then: a longer and narrower picture, whose file may be
tiny, would take gigabytes in between."""


def check_size(width: int, height: int, *, of_file: bool, kind: str = "") -> None:
    """Raise ImageError for a picture that is too large, too narrow, empty, or, from a file, smaller than MIN_SIDE.

    A picture made in Python may be small: whoever made it knows. ``kind`` is the format of a file.
    """
    least = MIN_SIDE if of_file else 1
    pixels = MAX_PIXELS_OF.get(kind, MAX_PIXELS)
    if width * height > pixels:
        raise ImageError(
            "The picture is too large: {width} × {height} pixels; wanted at most {millions:.0f} million pixels. Make "
            "it smaller: models look at a few hundred pixels a side.",
            width=width,
            height=height,
            millions=pixels / 1e6,
        )
    if min(width, height) < least:
        raise ImageError(
            "The picture is too small: {width} × {height} pixels; wanted at least {least} on each side. "
            "Use a larger picture.",
            width=width,
            height=height,
            least=least,
        )
    if max(width, height) > LONGEST_TO_SHORTEST * min(width, height):
        raise ImageError(
            "The picture is too narrow: {width} × {height} pixels; wanted the longer side at most {times} times the "
            "shorter. Cut a piece out of it.",
            width=width,
            height=height,
            times=LONGEST_TO_SHORTEST,
        )


def too_large(got: Clause) -> ImageError:
    """Return the error for a picture of more pixels or bytes than are read."""
    return ImageError(
        "The picture is too large: {got}; wanted at most {millions:.0f} million pixels and {megabytes:.0f} MB. Make it "
        "smaller: models look at a few hundred pixels a side.",
        got=got,
        millions=MAX_PIXELS / 1e6,
        megabytes=MAX_BYTES / 1e6,
    )
