"""HeadWall: the maps of all heads of a model, or of one layer, as a figure for print, framed by a statistic.

A column is a layer and a row a head, as on the Heads page; the heads of a single layer stand in rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vitviz.errors import OptionError
from vitviz.figures.lettering import INK, Typeface, typeface_for
from vitviz.figures.overlay import outline, overlay
from vitviz.figures.paint import Picture, draw_bar, paint_map
from vitviz.figures.palettes import MISSING, levels, table
from vitviz.figures.scale import Scale
from vitviz.record import Record

_TEXT = 0.16  # height of a map's name, as a share of the map's width
_LARGEST_TEXT = 1 / 70  # and of the width of the whole
_FRAME = 0.045
_GAP = 0.06
_LEVELS = Scale(0, 255)
_ACROSS = 4  # heads of a single layer in a row


@dataclass(frozen=True, kw_only=True)
class HeadWall(Record):
    """Maps of heads over a photo, each with its name and a frame coloured by a statistic.

    Raises OptionError for arrays that do not belong together.
    """

    photo: NDArray[np.uint8]
    """(height, width, 3)."""
    maps: NDArray[np.uint8]
    """The colour of every patch, 0 to 255, on the scale that ``ends`` tells: (layers, heads, rows, columns)."""
    missing: NDArray[np.bool_]
    """Heads that a layer has fewer than another: (layers, heads)."""
    ends: tuple[str, str]
    """What the first and the last colour of the maps mean."""
    statistic: NDArray[np.float32]
    """(layers, heads); NaN for none."""
    frames: Scale
    """Values of the first and the last colour of the frames."""
    label: str
    """What the frames are coloured by, with its unit."""
    layers: tuple[int, ...]
    """The number of each layer."""
    off: Collection[tuple[int, int]] = ()
    """(layer, head) of those that are switched off: struck out."""
    query: tuple[int, int] | None = None
    """Row and column of the query patch."""
    palette: str | None = None
    """Of the maps; None darkens the photo where a head does not look."""
    opacity: float = 0.8

    def __post_init__(self) -> None:
        shape = self.maps.shape[:2]
        if self.maps.ndim != 4 or shape != self.statistic.shape or shape != self.missing.shape:
            raise OptionError(
                f"The wall has maps {self.maps.shape}, numbers {self.statistic.shape} and missing heads "
                f"{self.missing.shape}; wanted (layers, heads, rows, columns) and twice (layers, heads)."
            )
        if len(self.layers) != shape[0]:
            raise OptionError(f"The wall has maps of {shape[0]} layers and the numbers of {len(self.layers)}.")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of maps."""
        layers, heads = self.statistic.shape
        if layers > 1:
            return heads, layers
        columns = min(heads, _ACROSS)
        return -(-heads // columns), columns

    @property
    def aspect(self) -> float:
        """Height over width."""
        return self._layout(1000.0)[-1] / 1000

    def draw(self, width: int) -> Picture:
        """Return the wall painted at ``width`` pixels: (height, width, 3)."""
        side, tall, text, height = self._layout(float(width))
        sheet = Image.new("RGB", (width, round(height)), (255, 255, 255))
        typeface = typeface_for(self.label, *self.ends, "LH·0123456789")
        photo = self._photo(side, tall)
        layers, heads = self.statistic.shape
        places = [(layer, head) for layer in range(layers) for head in range(heads) if not self.missing[layer, head]]
        for layer, head in places:
            row, column = self._place(layer, head)
            left = column * side * (1 + _GAP + 2 * _FRAME)
            top = row * (tall + 1.25 * text + side * (_GAP + 2 * _FRAME))
            typeface.write(sheet, (left, top), f"L{self.layers[layer]}·H{head}", size=_pixels(text), ink=INK)
            self._tile(sheet, (left, top + 1.25 * text), (side, tall), photo, (layer, head))
        self._legend(sheet, typeface, _pixels(text), height)
        return np.asarray(sheet)

    def _photo(self, side: float, tall: float) -> Picture:
        """Return the photo at the size of a map, or a multiple of it where the patches would not fit."""
        size = max(1, round(side)), max(1, round(tall))
        times = max(-(-self.maps.shape[3] // size[0]), -(-self.maps.shape[2] // size[1]))
        resized = Image.fromarray(self.photo).resize((size[0] * times, size[1] * times), Image.Resampling.LANCZOS)
        return np.asarray(resized)

    def _place(self, layer: int, head: int) -> tuple[int, int]:
        return (head, layer) if len(self.layers) > 1 else divmod(head, self.shape[1])

    def _layout(self, width: float) -> tuple[float, float, float, float]:
        """Return a map's width and height, the size of the letters and the height of the whole, in pixels."""
        rows, columns = self.shape
        side = width / (columns * (1 + _GAP + 2 * _FRAME) - _GAP)
        tall = side * self.photo.shape[0] / self.photo.shape[1]
        text = min(_TEXT * side, _LARGEST_TEXT * width)
        return side, tall, text, rows * (tall + 1.25 * text + side * (_GAP + 2 * _FRAME)) + 4 * text

    def _tile(
        self,
        sheet: Image.Image,
        corner: tuple[float, float],
        size: tuple[float, float],
        photo: Picture,
        place: tuple[int, int],
    ) -> None:
        (left, top), (side, tall) = corner, size
        frame, wide, high = max(1, round(_FRAME * side)), max(1, round(side)), max(1, round(tall))
        picture = Image.fromarray(self._map(photo, self.maps[place]))
        x, y = round(left), round(top)
        box = (x, y, x + wide + 2 * frame, y + high + 2 * frame)
        sheet.paste(self._frame_colour(place), box)
        fitted = picture if picture.size == (wide, high) else picture.resize((wide, high), Image.Resampling.LANCZOS)
        sheet.paste(fitted, (x + frame, y + frame))
        if (self.layers[place[0]], place[1]) in self.off:
            _strike(sheet, box, frame)

    def _map(self, photo: Picture, values: NDArray[np.uint8]) -> Picture:
        rows, columns = values.shape
        if self.palette is None:
            picture = overlay(photo, values, scale=_LEVELS, spotlight=True, opacity=self.opacity)
        else:  # as on the screen: small maps in colour stand alone
            picture = paint_map(values, _LEVELS, height=photo.shape[0], width=photo.shape[1], palette=self.palette)
        return picture if self.query is None else outline(picture, rows, columns, self.query)

    def _frame_colour(self, place: tuple[int, int]) -> tuple[int, int, int]:
        value = float(self.statistic[place])
        if np.isnan(value):
            return (int(MISSING[0]), int(MISSING[1]), int(MISSING[2]))
        red, green, blue = table("viridis")[int(levels(value, self.frames.low, self.frames.high))]
        return int(red), int(green), int(blue)

    def _legend(self, sheet: Image.Image, typeface: Typeface, size: int, height: float) -> None:
        """Draw the bar of the maps at the left and that of the frames at the right."""
        middle = sheet.width // 2
        top = round(height - 3.6 * size)
        wide = round(middle - 2 * size)
        light = np.rint(255 * (1 - self.opacity * np.linspace(1, 0, 256))).astype(np.uint8)
        colours = table(self.palette) if self.palette else np.repeat(light[:, None], 3, axis=1)
        draw_bar(sheet, (0, top), wide, _LEVELS, typeface, size=size, colours=colours, ends=self.ends)
        draw_bar(sheet, (middle, top), wide, self.frames, typeface, size=size, colours=table("viridis"))
        label = typeface.fit(self.label, size, wide - 8 * size)
        typeface.write(sheet, (middle + wide / 2, top + 1.2 * size), label, size=size, anchor="ma")


def _pixels(text: float) -> int:
    return max(6, round(text))


def _strike(sheet: Image.Image, box: tuple[int, int, int, int], frame: int) -> None:
    draw = ImageDraw.Draw(sheet)
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
    for line in ((left, top, right, bottom), (left, bottom, right, top)):
        draw.line(line, fill=INK, width=frame + 2)
        draw.line(line, fill=(255, 255, 255), width=frame)
