"""Pictures that Pillow opens: the frame, the turn, the depth and the colours."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from vitviz.errors import ImageError
from vitviz.images import notes as told
from vitviz.images.colour import deep_picture, flat, is_deep
from vitviz.images.depth import NOTHING, Known
from vitviz.images.kinds import PILLOW, WANTED, known_as
from vitviz.images.limits import KEEP_SIDE, check_size
from vitviz.images.opening import Opening
from vitviz.images.reading import unread_bytes
from vitviz.images.sixteen import is_sixteen, raw_order, sixteen_bits

_TURNS = {  # EXIF orientation: what brings the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "FLI")
_PHONE = "MPO"  # a phone's photo with a preview or a depth map behind it: its first picture is the photo
_DECLARED = ("PNG", "WEBP", "AVIF", "GIF", "ICO")
"""Formats whose fourth channel is transparency by their standard."""
_PHOTOMETRIC, _EXTRA_SAMPLES = 262, 338  # tags of a TIFF file


def of_file(data: bytes, opening: Opening) -> Image.Image:
    """Return the picture of a file that Pillow opens, upright, as RGB, at most twice KEEP_SIDE long."""
    try:
        opened = Image.open(io.BytesIO(data), formats=PILLOW)
    except UnidentifiedImageError as error:
        kind = known_as(data)
        known: dict[str, Any] = {"count": len(data), "start": repr(data[:12].decode("latin-1")), "wanted": WANTED}
        if kind:
            raise ImageError(
                "This is not a picture that can be opened but {kind}; got {count:,} bytes that start with {start}. "
                "Wanted {wanted}: the content counts, not the name.",
                kind=kind,
                **known,
            ) from error
        raise ImageError(
            "This is not a picture that can be opened; got {count:,} bytes that start with {start}. Wanted {wanted}: "
            "the content counts, not the name.",
            **known,
        ) from error
    with opened:
        check_size(*opened.size, of_file=True, kind=str(opened.format))
        opening.full = opened.size
        if isinstance(opened, JpegImagePlugin.JpegImageFile) and opening.frame in (None, 1):
            opened.draft("RGB", (KEEP_SIDE, KEEP_SIDE))  # decodes a large photo at 1/2, 1/4 or 1/8 of its size
        return _decoded(opened, opening, again=data)


def of_picture(image: Image.Image, opening: Opening) -> Image.Image:
    """Return a PIL picture as RGB. The caller's own is decoded if it was not yet, and not changed."""
    check_size(*image.size, of_file=isinstance(image, ImageFile.ImageFile))
    is_large = isinstance(image, JpegImagePlugin.JpegImageFile) and min(image.size) >= 2 * KEEP_SIDE
    data = unread_bytes(image) if is_large or is_sixteen(image) else None
    if data is not None:  # exactly as the file: decoded at a fraction of its size, with all its bits
        with Image.open(io.BytesIO(data), formats=PILLOW) as again:
            same = again.size == image.size
        if same:
            return of_file(data, opening)
    place, opening.full = image.tell(), image.size
    try:
        return _decoded(image, opening)
    finally:
        if image.tell() != place:
            image.seek(place)


def _decoded(opened: Image.Image, opening: Opening, again: bytes | None = None) -> Image.Image:
    """Return a picture that Pillow opened, whose bytes may be opened ``again``."""
    if _seek(opened, opening):
        check_size(*opened.size, of_file=True, kind=str(opened.format))  # pages have sizes of their own
        opening.full = opened.size
    order, sixteen, known = raw_order(opened), is_sixteen(opened), _known(opened)
    declared = opened.format in _DECLARED or _declared(opened)
    opened.load()
    turn = _turn(opened, opening)
    picture: Image.Image = opened
    if is_deep(opened):
        picture = deep_picture(opened, opening, known)
    elif sixteen:
        lower = None if again is None else _reopening(again, opened.tell())
        picture = sixteen_bits(opened, order, lower, opening)
    else:
        opening.flat()
    if "X" in order.partition(";")[0].removeprefix("RGBX" if opened.mode == "RGBX" else ""):
        opening.note(told.FURTHER_CHANNELS)
    rgb = flat(picture, opening, declared=declared)
    return rgb if turn is None else rgb.transpose(turn)


def _reopening(data: bytes, frame: int) -> Callable[[str], Image.Image]:
    """Return what opens a file once more, its values read in another order of bytes."""

    def reopened(order: str) -> Image.Image:
        opened = Image.open(io.BytesIO(data), formats=("PNG", "TIFF"))
        opened.seek(frame)
        opened.tile = [
            tile._replace(args=(order, *tile.args[1:]) if isinstance(tile.args, tuple) else order)
            for tile in opened.tile
        ]
        return opened

    return reopened


def _seek(opened: Image.Image, opening: Opening) -> bool:
    """Go to the chosen frame, note which one it is, and return whether it is another than before."""
    frames: Any = getattr(opened, "n_frames", 1)
    place = opened.tell()
    if opened.format == _PHONE and opening.frame is None:
        return False
    number = opening.choose(frames, at=place)
    if number != place:
        opened.seek(number)
    if frames > 1:
        text = told.PAGE if opened.format not in _ANIMATED else told.FRAME if number else told.FIRST_FRAME
        opening.note(text, number=number + 1, frames=frames)
    return number != place


def _tags(opened: Image.Image) -> Any:
    return getattr(opened, "tag_v2", {}) if opened.format == "TIFF" else {}


def _known(opened: Image.Image) -> Known:
    """Return whether a TIFF file says that 0 is white; Pillow heeds it for 8 bits alone."""
    return Known(inverted=True) if is_deep(opened) and _tags(opened).get(_PHOTOMETRIC) == 0 else NOTHING


def _declared(opened: Image.Image) -> bool:
    """Return whether a TIFF file says that its fourth channel is transparency: 1 premultiplied, 2 not."""
    extra = _tags(opened).get(_EXTRA_SAMPLES, ())
    return bool(set(extra if isinstance(extra, tuple) else (extra,)) & {1, 2})


def _turn(opened: Image.Image, opening: Opening) -> Image.Transpose | None:
    try:
        orientation = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow meets damaged EXIF data with almost every kind of exception
        opening.note(told.EXIF_DAMAGED)
        return None
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is not None:
        opening.note(told.TURNED)
    return turn
