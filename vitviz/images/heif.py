"""HEIC and HEIF files, of iPhones for one, through the optional package pillow-heif."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from vitviz.errors import ImageError
from vitviz.images import notes as told
from vitviz.images.arrays import deep_array
from vitviz.images.colour import flat
from vitviz.images.depth import Known
from vitviz.images.limits import check_size
from vitviz.images.opening import Opening

_WHITE = (0.0, 65535.0)  # 10 and 12 bits come shifted to 16


def of_heif(data: bytes, opening: Opening) -> Image.Image:
    """Return the picture of a HEIC or HEIF file as RGB; the decoder turns it upright as the file says.

    Raises ImageError if the package is missing, or for a picture that is too large or too narrow.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            "This is a HEIC picture, for which a package is missing; wanted pillow-heif. Get it with pip install "
            '"vitviz[heif]", or save the picture as JPEG.'
        ) from error
    file: Any = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    number = opening.choose(len(file), at=int(file.primary_index))
    picture = file[number]
    check_size(*picture.size, of_file=True, kind="HEIF")
    opening.full = picture.size
    if len(file) > 1:
        opening.note(told.PAGE, number=number + 1, frames=len(file))
    if ";16" not in picture.mode:
        opening.flat()
        return flat(picture.to_pillow(), opening, declared=True)
    values = np.asarray(picture)
    deep = deep_array(values, "type uint16", opening, Known(auto=_WHITE, full=_WHITE))
    return flat(deep, opening, declared=True)
