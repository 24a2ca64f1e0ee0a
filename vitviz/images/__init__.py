"""The one door for pictures: safely, upright, in RGB, and saying what was changed.

door.py         open_image and open_photo: a picture in any form
photo.py        Photo, what comes out; Source, what goes in
opening.py      one picture on its way through the door
kinds.py        which kind of file some bytes are
reading.py      the bytes, from wherever they are; the errors of decoders
pillow_file.py, heif.py, dicom.py, numpy_file.py, arrays.py    one kind each
depth.py        windows: what becomes black and white of more than 8 bits
sixteen.py      colours of 16 bits
colour.py       8 bits of any mode as RGB; transparency
crop.py         a picture in the shape of a model's input
seen_part.py    which part of it a model sees
strips.py       large pictures made smaller with little memory
notes.py        what is noted, as texts
limits.py       how large a picture may be
"""

from __future__ import annotations

from vitviz.images.colour import to_rgb
from vitviz.images.crop import CROPS, Crop, read_crop
from vitviz.images.depth import WINDOWS, read_window
from vitviz.images.door import open_image, open_photo, photo_of
from vitviz.images.kinds import PHRASES, PILLOW, SUFFIXES, WANTED, looks_like_picture
from vitviz.images.limits import KEEP_SIDE, LONGEST_TO_SHORTEST, MAX_BYTES, MAX_PIXELS, MIN_SIDE
from vitviz.images.opening import Window
from vitviz.images.photo import Photo, Scaling, Source, is_source

__all__ = [
    "CROPS",
    "KEEP_SIDE",
    "LONGEST_TO_SHORTEST",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MIN_SIDE",
    "PHRASES",
    "PILLOW",
    "SUFFIXES",
    "WANTED",
    "WINDOWS",
    "Crop",
    "Photo",
    "Scaling",
    "Source",
    "Window",
    "is_source",
    "looks_like_picture",
    "open_image",
    "open_photo",
    "photo_of",
    "read_crop",
    "read_window",
    "to_rgb",
]
