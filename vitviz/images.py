"""Opening pictures that strangers send: safely, upright, in RGB, and saying what was changed."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from vitviz.errors import ImageError
from vitviz.record import Record

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 64_000_000
"""Largest picture that is decoded, width × height; a decompression bomb announces more."""
MAX_BYTES = 40_000_000
"""Largest file that is read."""
MIN_SIDE = 16
"""Shortest side in pixels: less than one patch shows nothing."""
KEEP_SIDE = 2048
"""Longest side in pixels that is kept; no model here looks at more."""
LONGEST_TO_SHORTEST = 16
"""Models enlarge the shorter side to their input size and crop then: a longer and narrower picture, whose file may be
tiny, would take gigabytes in between."""

_DAMAGED = (  # what Pillow raises for files that are cut off or altered
    OSError,
    SyntaxError,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
    zlib.error,
    UserWarning,
)
_TURNS = {  # EXIF orientation: what brings the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, eq=False)
class Photo(Record):
    """A picture that was opened safely."""

    image: Image.Image
    """RGB, upright, at most KEEP_SIDE pixels long."""
    digest: str
    """Hash of the pixels: equal pictures have equal digests, whatever their file was called."""
    notes: tuple[str, ...]
    """What was changed on opening, in words a user understands; empty if nothing."""


def open_image(source: str | PathLike[str] | bytes | BinaryIO) -> Image.Image:
    """Open a JPEG, PNG or WebP picture as upright RGB; see ``open_photo``.

    >>> vitviz.open_image("photo.jpg").mode
    'RGB'
    """
    return open_photo(source).image


def open_photo(source: str | PathLike[str] | bytes | BinaryIO) -> Photo:
    """Open a JPEG, PNG or WebP picture from a path, bytes or a file, as upright RGB, with notes on what was changed.

    Raises ImageError for what is no picture, is damaged, too large, too small or of another format.

    >>> vitviz.open_photo("photo.jpg").notes
    ()
    """
    data = _read(source)
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = re.search(r"\d+", str(error))  # Pillow gives up before it tells width and height
        raise ImageError(_too_large(f"{int(found[0]) / 1e6:.0f} million pixels" if found else "a bomb")) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"This is not a picture that can be opened; got {len(data):,} bytes that start with "
            f"{_start(data)}. Wanted a JPEG, "
            "PNG or WebP file: the content counts, not the name."
        ) from error
    except _DAMAGED as error:
        raise ImageError(_damaged(error)) from error
    with opened:
        _check_size(*opened.size)
        return _decode(opened)


def photo_of(image: Image.Image, notes: tuple[str, ...] = ()) -> Photo:
    """Return a picture that is already open as a Photo: RGB, bounded, with its digest."""
    told = list(notes)
    rgb = to_rgb(image, told)
    if max(rgb.size) > KEEP_SIDE:
        told.append(_reduced(*rgb.size))
    return _bounded(rgb, told)


def _bounded(rgb: Image.Image, notes: list[str]) -> Photo:
    if max(rgb.size) > KEEP_SIDE:
        rgb.thumbnail((KEEP_SIDE, KEEP_SIDE), Image.Resampling.LANCZOS)
    digest = hashlib.blake2b(rgb.tobytes() + repr(rgb.size).encode(), digest_size=16).hexdigest()
    return Photo(rgb, digest, tuple(notes))


def _reduced(width: int, height: int) -> str:
    return f"reduced from {width} × {height} pixels"


def _decode(opened: Image.Image) -> Photo:
    notes: list[str] = []
    announced = opened.size
    frames = getattr(opened, "n_frames", 1)
    if frames > 1:
        notes.append(f"animated: the first of {frames} frames is used")
    if opened.format == "JPEG":
        opened.draft("RGB", (KEEP_SIDE, KEEP_SIDE))  # decodes a large photo at 1/2, 1/4 or 1/8 of its size
    try:
        opened.load()
    except (Image.DecompressionBombError, *_DAMAGED) as error:
        raise ImageError(_damaged(error)) from error
    rgb = to_rgb(_upright(opened, notes), notes)
    if max(announced) > KEEP_SIDE:
        notes.append(_reduced(*announced))
    return _bounded(rgb, notes)


def _upright(opened: Image.Image, notes: list[str]) -> Image.Image:
    try:
        orientation = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except _DAMAGED:
        notes.append("its EXIF data is damaged and was left aside")
        return opened
    if orientation not in _TURNS:
        return opened
    notes.append("turned upright as its EXIF data says")
    return opened.transpose(_TURNS[orientation])


def to_rgb(image: Image.Image, notes: list[str] | None = None) -> Image.Image:
    """Return a picture as RGB with 8 bits a channel: 16 bits are scaled, transparent parts are laid on white.

    What was changed is appended to ``notes``. Raises ImageError for values whose white is not known: fractions, and
    whole numbers below 0 or beyond 16 bits.
    """
    notes = [] if notes is None else notes
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(image, notes)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            notes.append("transparent parts were laid on white")
        ground = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(ground, rgba).convert("RGB")
    if image.mode == "CMYK":
        notes.append("print colours (CMYK) were converted to RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
    """Return the grey values of a picture with one channel of more than 8 bits, (height, width)."""
    values = np.asarray(image)
    least, most = values.min(), values.max()
    if image.mode == "F" or least < 0 or most > 65535:
        raise ImageError(
            f"The picture has the mode {image.mode}, with values from {least:g} to {most:g}, and nothing says which "
            "is white; wanted whole numbers of 8 or 16 bits. Convert it to 8 bits first: 0 black, 255 white."
        )
    if image.mode == "I" and most <= 255:
        # 32 bits, as Pillow makes of an array of integers; a file with 16 bits is opened as I;16
        return values.astype(np.uint8)
    notes.append("16 bits a channel were reduced to 8")
    scaled: NDArray[np.uint8] = (values / 257).round().astype(np.uint8)
    return scaled


def _read(source: str | PathLike[str] | bytes | BinaryIO) -> bytes:
    try:
        data = source if isinstance(source, bytes) else _content(source)
    except OSError as error:
        name = f" at {Path(source)}" if isinstance(source, str | PathLike) else ""
        raise ImageError(
            f"The picture{name} cannot be read ({error.strerror or error}); wanted a JPEG, PNG or WebP file that this "
            "account may open. Check its permissions, or copy it elsewhere."
        ) from error
    if not data:
        raise ImageError("The picture is empty: 0 bytes. Wanted a JPEG, PNG or WebP file; save or upload it again.")
    if len(data) > MAX_BYTES:
        raise ImageError(_too_large(f"more than {MAX_BYTES / 1e6:.0f} MB"))
    return data


def _content(source: str | PathLike[str] | BinaryIO) -> bytes:
    """Return what a file holds, no more than a byte beyond the limit; raises OSError for one that cannot be read."""
    if not isinstance(source, str | PathLike):
        return source.read(MAX_BYTES + 1)
    path = Path(source)
    if not path.is_file():
        raise ImageError(f"There is no picture at {path}. Check the path; wanted a JPEG, PNG or WebP file.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ImageError(_too_large(f"a file of {size / 1e6:.0f} MB"))
    return path.read_bytes()


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(f"{width} × {height} pixels"))
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The picture is too small: {width} × {height} pixels; wanted at least {MIN_SIDE} on each "
            "side, about one patch. "
            "Use a larger picture."
        )
    if max(width, height) > LONGEST_TO_SHORTEST * min(width, height):
        raise ImageError(
            f"The picture is too narrow: {width} × {height} pixels; wanted the longer side at most "
            f"{LONGEST_TO_SHORTEST} "
            "times the shorter. Cut a piece out of it."
        )


def _too_large(got: str) -> str:
    return (
        f"The picture is too large: {got}; wanted at most {MAX_PIXELS / 1e6:.0f} million pixels and "
        f"{MAX_BYTES / 1e6:.0f} MB. "
        "Make it smaller: models look at a few hundred pixels a side."
    )


def _damaged(error: BaseException) -> str:
    return (
        f"The picture is damaged or cut off ({error}); wanted a complete JPEG, PNG or WebP file. Save or send it again."
    )


def _start(data: bytes) -> str:
    return repr(data[:12].decode("latin-1"))
