"""The line chart in print, drawn with Pillow: for files that are made without a browser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from vitviz.errors import OptionError
from vitviz.figures.curve import FADED, Curve
from vitviz.figures.lettering import INK, Typeface, typeface_for
from vitviz.numbers import number
from vitviz.record import Record

_GRID = (222, 222, 222)
_WHITE = (255, 255, 255)
_DASH = (22, 14)

Point = tuple[float, float]


@dataclass(frozen=True)
class _Plot(Record):
    """Where numbers lie in the picture."""

    left: int
    top: int
    right: int
    bottom: int
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> Point:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top))

    def places(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> list[Point]:
        return [self.place(float(across), float(up)) for across, up in zip(x, y, strict=True)]


def print_chart(
    curves: Sequence[Curve], *, x_title: str, y_title: str, width: int = 1500, height: int = 1050, text: int = 34
) -> Image.Image:
    """Return curves with axes and a legend as a picture, ``text`` pixels high letters; bands lie behind all curves.

    Raises OptionError for no curves, parts of different lengths, or values that are not finite.
    """
    if not curves:
        raise OptionError("A chart needs at least one curve; got none. Pass [Curve(name, x, y)].")
    data = [(*curve.points(), curve.band()) for curve in curves]
    x_ticks = ticks(np.concatenate([x for x, _y, _band in data]))
    y_ticks = ticks(np.concatenate([part for _x, y, band in data for part in (y, *(band or ()))]))
    labels = [number(value) for value in (*x_ticks, *y_ticks)]
    typeface = typeface_for(x_title, y_title, *(curve.name for curve in curves), *labels)
    legend = _legend_rows(curves, typeface, text, width)
    margin = round(max(typeface.width(number(value), text) for value in y_ticks)) + 2 * text
    plot = _Plot(
        left=margin,
        top=round(text * (1.6 * len(legend) + 2.2)),
        right=width - text,
        bottom=height - round(3.4 * text),
        x=(x_ticks[0], x_ticks[-1]),
        y=(y_ticks[0], y_ticks[-1]),
    )
    image = Image.new("RGB", (width, height), _WHITE)
    _axes(image, plot, x_ticks, y_ticks, typeface, text)
    typeface.write(image, (plot.left, plot.top - 1.7 * text), y_title, size=text)
    middle = (plot.left + plot.right) / 2
    typeface.write(image, (middle, height - 1.5 * text), x_title, size=text, anchor="ma")
    for curve, (x, _y, band) in zip(curves, data, strict=True):
        if band is not None:
            image = _banded(image, [*plot.places(x, band[0]), *plot.places(x, band[1])[::-1]], curve)
    for curve, (x, y, _band) in zip(curves, data, strict=True):
        _curve(image, plot.places(x, y), curve)
    _legend(image, legend, typeface, text)
    return image


def ticks(values: NDArray[np.floating], count: int = 6) -> list[float]:
    """Return round numbers from below the smallest to above the largest value, about ``count`` of them."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    whole = bool((values == np.rint(values)).all()) and rough > 0.5  # layers and pixels have no halves
    factors = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(power * factor for factor in factors if rough <= power * factor * 1.3)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def _axes(
    image: Image.Image, plot: _Plot, x_ticks: Sequence[float], y_ticks: Sequence[float], typeface: Typeface, text: int
) -> None:
    draw = ImageDraw.Draw(image)
    for value in x_ticks:
        x, _ = plot.place(value, plot.y[0])
        draw.line((x, plot.top, x, plot.bottom), fill=_GRID, width=2)
        place = (x, plot.bottom + text * 0.4)
        typeface.write(image, place, number(value), size=text, anchor="ma")
    for value in y_ticks:
        _, y = plot.place(plot.x[0], value)
        draw.line((plot.left, y, plot.right, y), fill=_GRID, width=2)
        place = (plot.left - text * 0.4, y)
        typeface.write(image, place, number(value), size=text, anchor="rm")
    draw.line((plot.left, plot.top, plot.left, plot.bottom), fill=INK, width=3)
    draw.line((plot.left, plot.bottom, plot.right, plot.bottom), fill=INK, width=3)


def _banded(image: Image.Image, corners: Sequence[Point], curve: Curve) -> Image.Image:
    """Return the picture with the faint band of a curve, through which the grid still shows."""
    filled = image.copy()
    ImageDraw.Draw(filled).polygon(corners, fill=curve.colour)
    return Image.blend(image, filled, curve.opacity)


def _curve(image: Image.Image, points: Sequence[Point], curve: Curve) -> None:
    draw, curve = ImageDraw.Draw(image), replace(curve, colour=_on_paper(curve))
    if curve.has_line and curve.dash != "solid":
        for start, end in _dashes(points):
            draw.line((*start, *end), fill=curve.colour, width=5)
        return
    if curve.has_line:
        draw.line(points, fill=curve.colour, width=5, joint="curve")
    if curve.has_dots:
        for across, up in points:
            draw.ellipse((across - 7, up - 7, across + 7, up + 7), fill=curve.colour)


def _on_paper(curve: Curve) -> str:
    """Return the colour of a curve, of a faded one as it looks on white."""
    if not curve.faded:
        return curve.colour
    channels = (int(curve.colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 - FADED * (255 - channel)):02x}" for channel in channels)


def _dashes(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Return the dashes along a line of points."""
    dashes, at = [], 0.0
    for (x, y), (x_end, y_end) in zip(points, points[1:], strict=False):
        length = math.hypot(x_end - x, y_end - y)
        while length and at < length:
            end = min(at + _DASH[0], length)
            start_share, end_share = at / length, end / length
            dashes.append(
                (
                    (x + start_share * (x_end - x), y + start_share * (y_end - y)),
                    (x + end_share * (x_end - x), y + end_share * (y_end - y)),
                )
            )
            at = end + _DASH[1]
        at -= length
        at = max(at, 0.0)
    return dashes


def _legend_rows(curves: Sequence[Curve], typeface: Typeface, text: int, width: int) -> list[list[tuple[float, Curve]]]:
    """Return the rows of the legend, each with the left of every entry."""
    rows: list[list[tuple[float, Curve]]] = [[]]
    left = float(text)
    for curve in curves:
        wide = typeface.width(curve.name, text) + 3 * text
        if rows[-1] and left + wide > width:
            rows.append([])
            left = float(text)
        rows[-1].append((left, curve))
        left += wide
    return rows


def _legend(image: Image.Image, rows: Sequence[Sequence[tuple[float, Curve]]], typeface: Typeface, text: int) -> None:
    draw = ImageDraw.Draw(image)
    for place, row in enumerate(rows):
        y = text * (0.9 + 1.6 * place)
        for left, curve in row:
            start, end = left, left + 1.4 * text
            if curve.dash != "solid":
                draw.line((start, y, start + 0.5 * text, y), fill=curve.colour, width=5)
                draw.line((end - 0.5 * text, y, end, y), fill=curve.colour, width=5)
            else:
                draw.line((start, y, end, y), fill=curve.colour, width=5)
            name = typeface.fit(curve.name, text, image.width - end - text)
            typeface.write(image, (end + 0.4 * text, y), name, size=text, anchor="lm")
