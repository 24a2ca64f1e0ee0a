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
UPPER_BITS = "of its 16 bits a channel only the upper 8 could be read"
SIGMOID = "its sigmoid window was taken as a straight line"
NO_LINE = "its table of greys was left aside"
ON_WHITE = "transparent parts were laid on white"
FOURTH_CHANNEL = "its fourth channel would hide the whole picture and was left aside"
NOT_CLEAR = "its fourth channel is not marked as transparency, does not look like it and was left aside"
FURTHER_CHANNELS = "its further channels are not transparency and were left aside"
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
    UPPER_BITS,
    SIGMOID,
    NO_LINE,
    ON_WHITE,
    FOURTH_CHANNEL,
    NOT_CLEAR,
    FURTHER_CHANNELS,
    CMYK,
)
"""All of them, for who shows them in another language."""
