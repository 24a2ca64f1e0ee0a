"""Small pictures of contents under one attention: a letter says what lies at a place, its colour how much it counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vitviz.errors import OptionError
from vitviz.figures.lettering import INK, typeface_for
from vitviz.figures.paint import Rgb, bar_height, draw_bar
from vitviz.figures.palettes import colour
from vitviz.figures.scale import Scale
from vitviz.figures.sprites import WHITE

_CELL, _GAP, _TEXT = 72, 26, 22
_EDGE = 2


def arrangement_sheet(
    arrangements: Sequence[str],
    attention: ArrayLike,
    labels: Sequence[str],
    *,
    columns: int = 2,
    per_row: int = 3,
    scale: Scale | None = None,
    background: Rgb = WHITE,
    ink: Rgb = INK,
) -> Image.Image:
    """Return one tile an arrangement: its letters place by place over the colour of their attention, a label below.

    ``attention`` (place,) is the same for all tiles. ``columns`` is the width of a tile in places, ``per_row`` the
    tiles in a row; ``ink`` is that of the text on the ``background``. Raises OptionError unless every arrangement has
    a letter a place and a label.
    """
    shares = np.asarray(attention, dtype=np.float64)
    fits = all(len(letters) == shares.size for letters in arrangements)
    if not arrangements or not fits or len(labels) != len(arrangements) or shares.size % columns:
        raise OptionError(
            f"{len(arrangements)} arrangements, {len(labels)} labels and attention to {shares.size} places do not fit; "
            "wanted a letter a place and a label an arrangement."
        )
    span = scale or Scale(0.0, 0.5, uniform=1 / shares.size)
    tile = (columns * _CELL, shares.size // columns * _CELL)
    down, across = tile[1] + 2 * _TEXT + _GAP, tile[0] + _GAP
    lines = -(-len(arrangements) // per_row)
    size = (per_row * across, lines * down + _TEXT + bar_height(span, 16))
    sheet = Image.new("RGB", size, background)
    typeface = typeface_for(*labels, *arrangements, "0123456789.e+-=1/N%<")
    for place, (letters, label) in enumerate(zip(arrangements, labels, strict=True)):
        corner = (place % per_row * across + _GAP // 2, place // per_row * down)
        _tile(sheet, corner, letters, shares.reshape(-1, columns), span)
        where = (corner[0] + tile[0] / 2, corner[1] + tile[1] + 6)
        typeface.write(sheet, where, label, size=_TEXT, ink=ink, anchor="ma")
    draw_bar(sheet, (_GAP // 2, lines * down), size[0] - _GAP, span, typeface, size=16, ink=ink)
    return sheet


def _tile(sheet: Image.Image, corner: tuple[int, int], letters: str, shares: NDArray[np.float64], span: Scale) -> None:
    painted = colour(shares, span.palette, span.low, span.high)  # (rows, columns, 3)
    typeface, columns = typeface_for(letters), shares.shape[1]
    for place, letter in enumerate(letters):
        rgb = tuple(int(channel) for channel in painted[divmod(place, columns)])
        left, top = corner[0] + place % columns * _CELL, corner[1] + place // columns * _CELL
        cell = Image.new("RGB", (_CELL - _EDGE, _CELL - _EDGE), rgb)
        bright = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 140
        letters_ink = INK if bright else WHITE
        typeface.write(cell, (_CELL / 2, _CELL / 2), letter, size=38, ink=letters_ink, anchor="mm")
        sheet.paste(cell, (left, top))
