"""Pictures of any of Pillow's modes as RGB with 8 bits a channel; and whether a fourth channel is transparency."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vitviz.images import notes as told
from vitviz.images.depth import NOTHING, Known, eight_bits
from vitviz.images.opening import Opening
from vitviz.images.strips import rows_of, smaller, values_of

FAINT = 25
"""Of 255: a fourth channel that nowhere exceeds it would leave next to nothing of a picture laid on white."""
CLEAR_OR_NOT = 0.5
"""Least share of pixels that are wholly transparent or wholly opaque, of a channel that no file calls transparency."""
_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


def is_deep(image: Image.Image) -> bool:
    """Return whether a picture has one channel of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def deep_picture(image: Image.Image, opening: Opening, known: Known = NOTHING) -> Image.Image:
    """Return a picture of one channel of more than 8 bits as grey of 8 bits, at most twice KEEP_SIDE long."""
    values = values_of(rows_of(image), *image.size)
    grey = Image.fromarray(eight_bits(values, f"mode {image.mode}", opening, known))
    clear = image.info.get("transparency")
    if not isinstance(clear, int) or grey.size != image.size or not (values.array == clear).any():
        return grey
    grey.putalpha(Image.fromarray(np.where(values.array == clear, 0, 255).astype(np.uint8)))
    return grey


def to_rgb(image: Image.Image, notes: list[str] | None = None) -> Image.Image:
    """Return a picture as RGB with 8 bits a channel: more bits are scaled, transparent parts are laid on white.

    What was changed is appended to ``notes``. Raises ImageError for values whose white is not known: numbers below 0,
    fractions above 1 and whole numbers beyond 16 bits. One more than twice KEEP_SIDE long is made smaller.
    """
    opening = Opening(notes=[] if notes is None else notes)
    return flat(deep_picture(image, opening) if is_deep(image) else image, opening)


def flat(image: Image.Image, opening: Opening, *, declared: bool = False) -> Image.Image:
    """Return a picture of 8 bits a channel as RGB, at most twice KEEP_SIDE long.

    ``declared`` says that a file calls its fourth channel transparency.
    """
    if image.mode in ("La", "RGBa"):
        image = image.convert("LA").convert("RGBA") if image.mode == "La" else image.convert("RGBA")
    if "transparency" in image.info and image.mode not in _ALPHA:
        return _on_white(smaller(image, "RGBA"), opening)
    if image.mode in _ALPHA:
        return _on_white(smaller(image, "RGBA"), opening) if _hides(image, opening, declared) else smaller(image, "RGB")
    if image.mode == "CMYK":
        opening.note(told.CMYK)
    return smaller(image, "RGB")


def _hides(image: Image.Image, opening: Opening, declared: bool) -> bool:
    """Return whether the fourth channel is transparency; that it is something else is noted."""
    alpha = image.getchannel("A")
    counts = alpha.histogram()
    least, most = alpha.getextrema()
    if most <= FAINT:  # type: ignore[operator]
        # a channel of something else, as of an infrared camera or an empty layer: the picture lies under it
        hidden = any(len(image.getchannel(band).getcolors(256) or "many") > 1 for band in image.getbands()[:-1])
        if hidden:
            opening.note(told.FOURTH_CHANNEL)
        return not hidden
    if declared or counts[0] + counts[255] >= CLEAR_OR_NOT * image.width * image.height:
        return least != 255
    opening.note(told.NOT_CLEAR)
    return False


def _on_white(rgba: Image.Image, opening: Opening) -> Image.Image:
    """Return a picture with its transparent parts laid on white."""
    alpha = rgba.getchannel("A")
    colours = rgba.convert("RGB")
    if alpha.getextrema()[0] == 255:
        return colours
    opening.note(told.ON_WHITE)
    ground = Image.new("RGB", rgba.size, "white")
    ground.paste(colours, mask=alpha)
    return ground
