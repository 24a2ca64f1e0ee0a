"""How large and how narrow a picture may be, and what is said of one that is not."""

from __future__ import annotations

from vitviz.errors import ImageError

MAX_PIXELS = 64_000_000
"""Largest picture that is decoded, width × height; a decompression bomb announces more."""
MAX_BYTES = 40_000_000
"""Largest file that is read."""
MIN_SIDE = 16
"""Shortest side in pixels of a file: less than one patch shows nothing."""
KEEP_SIDE = 2048
"""Longest side in pixels that is kept; no model here looks at more."""
LONGEST_TO_SHORTEST = 16
"""Models enlarge the shorter side to their input size and crop then: a longer and narrower picture, whose file may be
tiny, would take gigabytes in between."""


def check_size(width: int, height: int, *, of_file: bool) -> None:
    """Raise ImageError for a picture that is too large, too narrow, empty, or, from a file, smaller than MIN_SIDE.

    A picture made in Python may be small: whoever made it knows.
    """
    least = MIN_SIDE if of_file else 1
    if width * height > MAX_PIXELS:
        raise ImageError(too_large(f"{width} × {height} pixels"))
    if min(width, height) < least:
        raise ImageError(
            f"The picture is too small: {width} × {height} pixels; wanted at least {least} on each "
            f"side{', about one patch' if of_file else ''}. Use a larger picture."
        )
    if max(width, height) > LONGEST_TO_SHORTEST * min(width, height):
        raise ImageError(
            f"The picture is too narrow: {width} × {height} pixels; wanted the longer side at most "
            f"{LONGEST_TO_SHORTEST} times the shorter. Cut a piece out of it."
        )


def too_large(got: str) -> str:
    """Return the message for a picture of more pixels or bytes than are read."""
    return (
        f"The picture is too large: {got}; wanted at most {MAX_PIXELS / 1e6:.0f} million pixels and "
        f"{MAX_BYTES / 1e6:.0f} MB. "
        "Make it smaller: models look at a few hundred pixels a side."
    )
