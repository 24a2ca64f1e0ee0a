"""open_image and open_photo: a picture in any form as upright RGB, with notes on what was changed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
from PIL import Image

from vitviz.argument import checked
from vitviz.errors import ImageError
from vitviz.images import notes as told
from vitviz.images.arrays import picture_of
from vitviz.images.colour import flat
from vitviz.images.depth import check_window
from vitviz.images.dicom import of_dicom
from vitviz.images.heif import of_heif
from vitviz.images.kinds import kind_of
from vitviz.images.limits import KEEP_SIDE
from vitviz.images.numpy_file import of_npy
from vitviz.images.opening import Opening, Window, check_frame
from vitviz.images.photo import Photo, Source, is_source
from vitviz.images.pillow_file import of_file, of_picture
from vitviz.images.reading import decoding, read


@checked
def open_image(source: Source, *, window: Window = "auto", frame: int | None = None) -> Image.Image:
    """Open a picture in any form as upright RGB; see ``open_photo``.

    >>> vitviz.open_image("photo.jpg").mode
    'RGB'
    """
    return _admitted(source, Opening(check_window(window), check_frame(frame)))


@checked
def open_photo(source: Source, *, window: Window = "auto", frame: int | None = None) -> Photo:
    """Open a picture in any form as upright RGB, with notes on what was changed.

    ``source`` is a path or the bytes of a file, a file open in binary mode, a PIL picture, which is turned upright as
    its EXIF data says like a file, a NumPy array of shape (height, width), (height, width, 3) or (height, width, 4), or
    a Photo, which stays as it is. Files are JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, ``.npy``, HEIC (with
    ``vitviz[heif]``) and DICOM (with ``vitviz[dicom]``), known by their content.

    ``window`` says which values of more than 8 bits become black and white: "auto" (what the file says, else the fewest
    bits that hold the values), "full", "range", "percentiles" or two numbers; see ``vitviz.images.depth``. What was
    taken is in ``Photo.scaling`` and its notes. ``frame`` chooses one of several frames or pages, the first being 1.

    Raises ImageError for what is no picture, is damaged, too large, too small, too narrow or of another format, and
    for values whose white is not known; OptionError for a window or frame that cannot be used.

    >>> vitviz.open_photo("photo.jpg").notes
    ()
    """
    opening = Opening(check_window(window), check_frame(frame))
    rgb = _admitted(source, opening)
    if isinstance(source, Photo):
        return replace(source, notes=(*source.notes, *opening.notes)) if opening.notes else source
    digest = hashlib.blake2b(rgb.tobytes() + repr(rgb.size).encode(), digest_size=16).hexdigest()
    return Photo(rgb, digest, tuple(opening.notes), opening.scaling, opening.frames)


def photo_of(image: Image.Image, notes: tuple[str, ...] = ()) -> Photo:
    """Return a picture that is already open as a Photo, its notes after the given ones."""
    photo = open_photo(image)
    return replace(photo, notes=(*notes, *photo.notes))


def _admitted(source: Source, opening: Opening) -> Image.Image:
    """Return a picture as upright RGB, at most KEEP_SIDE long, and leave in ``opening`` what was met."""
    if isinstance(source, Photo):
        opening.choose(1)
        opening.flat()
        return source.image
    rgb = _opened(source, opening)
    width, height = opening.full
    if max(width, height) > KEEP_SIDE:
        opening.note(told.REDUCED, width=width, height=height)
    if max(rgb.size) > KEEP_SIDE:
        share = KEEP_SIDE / max(rgb.size)
        size = (max(1, round(rgb.width * share)), max(1, round(rgb.height * share)))
        rgb = rgb.resize(size, Image.Resampling.LANCZOS)
    rgb.info = {}  # an orientation that stayed would turn it again when it comes back
    return rgb


def _opened(source: Source, opening: Opening) -> Image.Image:
    """Return a picture as RGB, at most twice KEEP_SIDE long."""
    if isinstance(source, np.ndarray):
        opening.choose(1)
        return flat(picture_of(source, opening), opening)
    if isinstance(source, Image.Image):
        with decoding():
            return of_picture(source, opening)
    if isinstance(source, Photo) or not is_source(source):
        raise ImageError(
            "A {kind} is no picture; wanted a path, bytes, a file open in binary mode, a PIL picture, a NumPy array "
            "of (height, width, 3) or a Photo. Pass one of them.",
            kind=type(source).__name__,
        )
    data = read(source)
    with decoding():
        kind = kind_of(data)
        if kind == "pillow":
            return of_file(data, opening)
        return flat({"heif": of_heif, "dicom": of_dicom, "npy": of_npy}[kind](data, opening), opening)
