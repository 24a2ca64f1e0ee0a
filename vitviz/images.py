"""Opening pictures that strangers send: safely, upright, in RGB, and saying what was changed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from vitviz.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 64_000_000
"""Largest picture that is decoded, width × height; a decompression bomb announces more."""
MAX_BYTES = 40_000_000
"""Largest file that is read."""
MIN_SIDE = 16
"""Shortest side in pixels: less than one patch shows nothing."""
KEEP_SIDE = 2048
"""Longest side in pixels that is kept; no model here looks at more."""

_DAMAGED = (OSError, SyntaxError, EOFError, ValueError, IndexError, KeyError, TypeError)


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture that was opened safely."""

    image: Image.Image
    """RGB, upright, at most KEEP_SIDE pixels long."""
    digest: str
    """Hash of the pixels: equal pictures have equal digests, whatever their file was called."""
    notes: tuple[str, ...]
    """What was changed on opening, in words a user understands; empty if nothing."""


def open_image(source: str | PathLike[str] | bytes | BinaryIO) -> Image.Image:
    """Open a JPEG, PNG or WebP picture as upright RGB; see ``open_photo``."""
    return open_photo(source).image


def open_photo(source: str | PathLike[str] | bytes | BinaryIO) -> Photo:
    """Open a JPEG, PNG or WebP picture from a path, bytes or a file, as upright RGB, with notes on what was changed.

    Raises ImageError for what is no picture, is damaged, too large, too small or of another format.
    """
    data = _read(source)
    try:
        opened = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(_too_large("more than 178 million pixels")) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            f"This is not a picture that can be opened; got {len(data):,} bytes that start with {_start(data)}. Wanted a JPEG, "
            "PNG or WebP file: the content counts, not the name."
        ) from error
    except _DAMAGED as error:
        raise ImageError(_damaged(error)) from error
    with opened:
        _check_size(*opened.size)
        return _decode(opened)


def photo_of(image: Image.Image, notes: tuple[str, ...] = ()) -> Photo:
    """Return a picture that is already open as a Photo: RGB, bounded, with its digest."""
    rgb = image.convert("RGB")
    if max(rgb.size) > KEEP_SIDE:
        notes = (*notes, f"reduced from {rgb.width} × {rgb.height} pixels")
        rgb.thumbnail((KEEP_SIDE, KEEP_SIDE), Image.Resampling.LANCZOS)
    digest = hashlib.blake2b(rgb.tobytes() + repr(rgb.size).encode(), digest_size=16).hexdigest()
    return Photo(rgb, digest, notes)


def _decode(opened: Image.Image) -> Photo:
    notes: list[str] = []
    frames = getattr(opened, "n_frames", 1)
    if frames > 1:
        notes.append(f"animated: the first of {frames} frames is used")
    if opened.format == "JPEG":
        opened.draft("RGB", (KEEP_SIDE, KEEP_SIDE))  # decodes a large photo at 1/2, 1/4 or 1/8 of its size
    try:
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    except (Image.DecompressionBombError, *_DAMAGED) as error:
        raise ImageError(_damaged(error)) from error
    if upright.size != opened.size or upright.tobytes() != opened.tobytes():
        notes.append("turned upright as its EXIF data says")
    return photo_of(_to_rgb(upright, notes), tuple(notes))


def _to_rgb(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        notes.append("16 bits a channel were reduced to 8")
        return Image.fromarray(np.clip(values / 257, 0, 255).round().astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            notes.append("transparent parts were laid on white")
        ground = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(ground, rgba).convert("RGB")
    if image.mode == "CMYK":
        notes.append("print colours (CMYK) were converted to RGB")
    return image.convert("RGB")


def _read(source: str | PathLike[str] | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | PathLike):
        path = Path(source)
        if not path.is_file():
            raise ImageError(f"There is no picture at {path}. Check the path; wanted a JPEG, PNG or WebP file.")
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(_too_large(f"a file of {path.stat().st_size / 1e6:.0f} MB"))
        data = path.read_bytes()
    else:
        data = source.read(MAX_BYTES + 1)
    if not data:
        raise ImageError("The picture is empty: 0 bytes. Wanted a JPEG, PNG or WebP file; save or upload it again.")
    if len(data) > MAX_BYTES:
        raise ImageError(_too_large(f"more than {MAX_BYTES / 1e6:.0f} MB"))
    return data


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(f"{width} × {height} pixels"))
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The picture is too small: {width} × {height} pixels; wanted at least {MIN_SIDE} on each side, about one patch. "
            "Use a larger picture."
        )


def _too_large(got: str) -> str:
    return (
        f"The picture is too large: {got}; wanted at most {MAX_PIXELS / 1e6:.0f} million pixels and {MAX_BYTES / 1e6:.0f} MB. "
        "Make it smaller: models look at a few hundred pixels a side."
    )


def _damaged(error: BaseException) -> str:
    return f"The picture is damaged or cut off ({error}); wanted a complete JPEG, PNG or WebP file. Save or send it again."


def _start(data: bytes) -> str:
    return repr(data[:12].decode("latin-1"))
