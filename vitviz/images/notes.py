"""What is noted on a picture that was changed on opening, with braces where a note has numbers."""

from __future__ import annotations

REDUCED = "reduced from {width} × {height} pixels"
FIRST_FRAME = "animated: the first of {frames} frames is used"
FRAME = "animated: frame {number} of {frames} is used"
PAGE = "picture {number} of the {frames} in the file is used"
EXIF_DAMAGED = "its EXIF data is damaged and was left aside"
TURNED = "turned upright as its EXIF data says"
SIXTEEN_BITS = "16 bits a channel were reduced to 8"
SCALED = "values were scaled to 8 bits: {low} is black, {high} is white"
CLIPPED = "values were scaled to 8 bits: {low} is black, {high} is white; {share} of them lie outside"
NO_WINDOW = "the window was left aside: the picture has 8 bits a channel"
ON_WHITE = "transparent parts were laid on white"
FOURTH_CHANNEL = "its fourth channel would hide the whole picture and was left aside"
CMYK = "print colours (CMYK) were converted to RGB"

NOTES = (
    REDUCED,
    FIRST_FRAME,
    FRAME,
    PAGE,
    EXIF_DAMAGED,
    TURNED,
    SIXTEEN_BITS,
    SCALED,
    CLIPPED,
    NO_WINDOW,
    ON_WHITE,
    FOURTH_CHANNEL,
    CMYK,
)
"""All of them, for who shows them in another language."""
