"""Pictures of any of Pillow's modes as RGB with 8 bits a channel."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vitviz.images.depth import Window, eight_bits
from vitviz.images.notes import CMYK, FOURTH_CHANNEL, ON_WHITE

FAINT = 25
"""Of 255: a fourth channel that nowhere exceeds it would leave next to nothing of a picture laid on white."""


def is_deep(image: Image.Image) -> bool:
    """Return whether a picture has one channel of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def to_eight_bits(image: Image.Image, notes: list[str], window: Window = "auto") -> Image.Image:
    """Return a picture of one channel of more than 8 bits as grey of 8 bits; see ``eight_bits``."""
    values = np.asarray(image)
    grey = Image.fromarray(eight_bits(values, f"The picture has the mode {image.mode}", notes, window))
    clear = image.info.get("transparency")
    if not isinstance(clear, int) or not (values == clear).any():
        return grey
    grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def to_rgb(image: Image.Image, notes: list[str] | None = None) -> Image.Image:
    """Return a picture as RGB with 8 bits a channel: more bits are scaled, transparent parts are laid on white.

    What was changed is appended to ``notes``. Raises ImageError for values whose white is not known: numbers below 0,
    fractions above 1 and whole numbers beyond 16 bits.
    """
    notes = [] if notes is None else notes
    if is_deep(image):
        image = to_eight_bits(image, notes)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(_with_alpha(image), notes)
    if image.mode == "CMYK":
        notes.append(CMYK)
    return image.convert("RGB")


def _with_alpha(image: Image.Image) -> Image.Image:
    return (image.convert("LA") if image.mode == "La" else image).convert("RGBA")


def _on_white(rgba: Image.Image, notes: list[str]) -> Image.Image:
    alpha = rgba.getchannel("A")
    least, most = np.asarray(alpha.getextrema(), dtype=int)
    colours = rgba.convert("RGB")
    if most <= FAINT and np.ptp(colours.getextrema(), axis=1).any():
        # a channel of something else, as of an infrared camera or an empty layer: the picture lies under it
        notes.append(FOURTH_CHANNEL)
        return colours
    if least == 255:
        return colours
    notes.append(ON_WHITE)
    ground = Image.new("RGB", rgba.size, "white")
    ground.paste(colours, mask=alpha)
    return ground
