"""The one door for pictures: safely, upright, in RGB, and saying what was changed."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from vitviz.errors import ImageError
from vitviz.images import notes as told
from vitviz.images.arrays import picture_of
from vitviz.images.colour import is_deep, to_eight_bits, to_rgb
from vitviz.images.depth import WINDOWS, Window, check_window
from vitviz.images.limits import KEEP_SIDE, LONGEST_TO_SHORTEST, MAX_BYTES, MAX_PIXELS, MIN_SIDE, check_size
from vitviz.images.photo import Photo, Source, is_source
from vitviz.images.reading import FORMATS, decoding, read, unread_bytes
from vitviz.images.sixteen import is_sixteen, raw_order, through_window

__all__ = [
    "FORMATS",
    "KEEP_SIDE",
    "LONGEST_TO_SHORTEST",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "WINDOWS",
    "Photo",
    "Source",
    "Window",
    "is_source",
    "open_image",
    "open_photo",
    "photo_of",
    "to_rgb",
]

_TURNS = {  # EXIF orientation: what brings the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_CLEAR = ("LA", "RGBA")  # Pillow leaves transparent parts out when it resizes them
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "FLI")
_PLAIN = "MPO"  # a phone's photo with a preview or a depth map behind it: its first picture is the photo


def open_image(source: Source, *, window: Window = "auto") -> Image.Image:
    """Open a picture in any form as upright RGB; see ``open_photo``.

    >>> vitviz.open_image("photo.jpg").mode
    'RGB'
    """
    if isinstance(source, Photo):
        return source.image
    return _bounded(*_opened(source, window))


def open_photo(source: Source, *, window: Window = "auto") -> Photo:
    """Open a picture in any form as upright RGB, with notes on what was changed.

    ``source`` is a path or the bytes of a JPEG, PNG or WebP file, a file open in binary mode, a PIL picture, which is
    turned upright as its EXIF data says like a file, a NumPy array of shape (height, width), (height, width, 3) or
    (height, width, 4), or a Photo, which is returned as it is. ``window`` says which values of more than 8 bits become
    black and white: "auto", "full", "percentiles" or two numbers; see ``vitviz.images.depth``.

    Raises ImageError for what is no picture, is damaged, too large, too small, too narrow or of another format, and
    for values whose white is not known; OptionError for a window that cannot be used.

    >>> vitviz.open_photo("photo.jpg").notes
    ()
    """
    if isinstance(source, Photo):
        return source
    rgb, notes = _opened(source, window)
    rgb = _bounded(rgb, notes)
    digest = hashlib.blake2b(rgb.tobytes() + repr(rgb.size).encode(), digest_size=16).hexdigest()
    return Photo(rgb, digest, tuple(notes))


def photo_of(image: Image.Image, notes: tuple[str, ...] = ()) -> Photo:
    """Return a picture that is already open as a Photo, its notes after the given ones."""
    photo = open_photo(image)
    return Photo(photo.image, photo.digest, (*notes, *photo.notes))


def _opened(source: Source, window: Window) -> tuple[Image.Image, list[str]]:
    """Return a picture as RGB of any size, and the notes on it."""
    notes: list[str] = []
    check_window(window)
    if isinstance(source, Photo):
        return source.image, notes
    if isinstance(source, np.ndarray):
        return to_rgb(picture_of(source, notes, window), notes), notes
    if isinstance(source, Image.Image):
        return _of_picture(source, notes, window), notes
    if not is_source(source):
        raise ImageError(
            f"A {type(source).__name__} is no picture; wanted a path, bytes, a file open in binary mode, a PIL "
            "picture, a NumPy array of (height, width, 3) or a Photo. Pass one of them."
        )
    return _of_bytes(read(source), notes, window), notes


def _of_bytes(data: bytes, notes: list[str], window: Window) -> Image.Image:
    with decoding():
        try:
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        except UnidentifiedImageError as error:
            raise ImageError(
                f"This is not a picture that can be opened; got {len(data):,} bytes that start with "
                f"{data[:12].decode('latin-1')!r}. Wanted a JPEG, PNG or WebP file: the content counts, not the name."
            ) from error
        with opened:
            check_size(*opened.size, of_file=True)
            full = opened.size
            if isinstance(opened, JpegImagePlugin.JpegImageFile):
                opened.draft("RGB", (KEEP_SIDE, KEEP_SIDE))  # decodes a large photo at 1/2, 1/4 or 1/8 of its size
            return _decode(opened, data, notes, window, full)


def _of_picture(image: Image.Image, notes: list[str], window: Window) -> Image.Image:
    """Return a PIL picture as RGB. The caller's own is decoded if it was not yet, and not changed."""
    with decoding():
        check_size(*image.size, of_file=isinstance(image, ImageFile.ImageFile))
        is_large = isinstance(image, JpegImagePlugin.JpegImageFile) and min(image.size) >= 2 * KEEP_SIDE
        data = unread_bytes(image) if is_large or is_sixteen(image) else None
        if data is not None:  # exactly as the file: decoded at a fraction of its size, with all its bits
            with Image.open(io.BytesIO(data), formats=FORMATS) as again:
                same = again.size == image.size
            if same:
                return _of_bytes(data, notes, window)
        return _decode(image, None, notes, window, image.size)


def _decode(
    opened: Image.Image, data: bytes | None, notes: list[str], window: Window, full: tuple[int, int]
) -> Image.Image:
    """Return a picture that Pillow opened, of ``full`` size in its file, as upright RGB at most KEEP_SIDE long."""
    _note_frames(opened, notes)
    order, sixteen = raw_order(opened), is_sixteen(opened)
    opened.load()
    turn = _turn(opened, notes)
    picture = opened
    if is_deep(picture):
        picture = to_eight_bits(picture, notes, window)
    elif sixteen:
        picture = through_window(picture, order, data, notes, window)
    elif window not in ("auto", "full"):
        notes.append(told.NO_WINDOW)
    if picture.mode in _CLEAR:
        picture = _smaller(picture)  # before it is turned and laid on white, which takes several times its memory
    if turn is not None:
        picture = picture.transpose(turn)
    rgb = _smaller(to_rgb(picture, notes))
    rgb.info = {}  # an orientation that stayed would turn it again when it comes back
    if max(full) > KEEP_SIDE:
        notes.append(_reduced(*full))
    return rgb


def _note_frames(opened: Image.Image, notes: list[str]) -> None:
    frames: Any = getattr(opened, "n_frames", 1)
    if frames <= 1 or opened.format == _PLAIN:
        return
    place = opened.tell()
    text = told.PAGE if opened.format not in _ANIMATED else told.FRAME if place else told.FIRST_FRAME
    notes.append(text.format(number=place + 1, frames=frames))


def _turn(opened: Image.Image, notes: list[str]) -> Image.Transpose | None:
    try:
        orientation = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow meets damaged EXIF data with almost every kind of exception
        notes.append(told.EXIF_DAMAGED)
        return None
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is not None:
        notes.append(told.TURNED)
    return turn


def _bounded(rgb: Image.Image, notes: list[str]) -> Image.Image:
    if max(rgb.size) > KEEP_SIDE:
        notes.append(_reduced(*rgb.size))
    return _smaller(rgb)


def _smaller(rgb: Image.Image) -> Image.Image:
    """Return a picture, or a copy of it that is KEEP_SIDE long."""
    share = KEEP_SIDE / max(rgb.size)
    if share >= 1:
        return rgb
    size = (max(1, round(rgb.width * share)), max(1, round(rgb.height * share)))
    return rgb.resize(size, Image.Resampling.LANCZOS)


def _reduced(width: int, height: int) -> str:
    return told.REDUCED.format(width=width, height=height)
