"""Curves as a picture for print, drawn with Pillow: for files that are made without a browser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from vitviz.errors import OptionError
from vitviz.figures.lettering import INK, Typeface, typeface_for
from vitviz.figures.paint import number
from vitviz.figures.palettes import VIT_BLUE
from vitviz.figures.theme import small
from vitviz.record import Record

_GRID = (222, 222, 222)
_WHITE = (255, 255, 255)
_DASH = (22, 14)


@dataclass(frozen=True)
class Line(Record):
    """One curve."""

    name: str
    x: ArrayLike
    y: ArrayLike
    colour: str = VIT_BLUE
    """As "#rrggbb"."""
    dashed: bool = False


@dataclass(frozen=True)
class _Plot(Record):
    """Where numbers lie in the picture."""

    left: int
    top: int
    right: int
    bottom: int
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top))


def print_curves(
    lines: Sequence[Line], *, x_title: str, y_title: str, width: int = 1500, height: int = 1050, text: int = 34
) -> Image.Image:
    """Return curves with axes and a legend as a picture, ``text`` pixels high letters.

    Raises OptionError for no curves, or for values that are not finite.
    """
    if not lines:
        raise OptionError("A plot needs at least one curve; got none. Pass [Line(name, x, y)].")
    data = [(small(one.x, one.name), small(one.y, one.name)) for one in lines]
    x_ticks = ticks(np.concatenate([x for x, _ in data]))
    y_ticks = ticks(np.concatenate([y for _, y in data]))
    labels = [number(value) for value in (*x_ticks, *y_ticks)]
    typeface = typeface_for(x_title, y_title, *(one.name for one in lines), *labels)
    legend = _legend_rows(lines, typeface, text, width)
    margin = round(max(typeface.width(number(value), text) for value in y_ticks)) + 2 * text
    plot = _Plot(
        left=margin,
        top=round(text * (1.6 * len(legend) + 2.2)),
        right=width - text,
        bottom=height - round(3.4 * text),
        x=(x_ticks[0], x_ticks[-1]),
        y=(y_ticks[0], y_ticks[-1]),
    )
    picture = Image.new("RGB", (width, height), _WHITE)
    _axes(picture, plot, x_ticks, y_ticks, typeface, text)
    typeface.write(picture, (plot.left, plot.top - 1.7 * text), y_title, size=text)
    middle = (plot.left + plot.right) / 2
    typeface.write(picture, (middle, height - 1.5 * text), x_title, size=text, anchor="ma")
    for one, (x, y) in zip(lines, data, strict=True):
        _curve(picture, plot, x, y, one)
    _legend(picture, legend, typeface, text)
    return picture


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
    picture: Image.Image, plot: _Plot, x_ticks: Sequence[float], y_ticks: Sequence[float], typeface: Typeface, text: int
) -> None:
    draw = ImageDraw.Draw(picture)
    for value in x_ticks:
        x, _ = plot.place(value, plot.y[0])
        draw.line((x, plot.top, x, plot.bottom), fill=_GRID, width=2)
        place = (x, plot.bottom + text * 0.4)
        typeface.write(picture, place, number(value), size=text, anchor="ma")
    for value in y_ticks:
        _, y = plot.place(plot.x[0], value)
        draw.line((plot.left, y, plot.right, y), fill=_GRID, width=2)
        place = (plot.left - text * 0.4, y)
        typeface.write(picture, place, number(value), size=text, anchor="rm")
    draw.line((plot.left, plot.top, plot.left, plot.bottom), fill=INK, width=3)
    draw.line((plot.left, plot.bottom, plot.right, plot.bottom), fill=INK, width=3)


def _curve(picture: Image.Image, plot: _Plot, x: NDArray[np.float32], y: NDArray[np.float32], one: Line) -> None:
    draw = ImageDraw.Draw(picture)
    points = [plot.place(float(across), float(up)) for across, up in zip(x, y, strict=True)]
    if one.dashed:
        for start, end in _dashes(points):
            draw.line((*start, *end), fill=one.colour, width=5)
        return
    draw.line(points, fill=one.colour, width=5, joint="curve")
    if len(points) <= 40:
        for across, up in points:
            draw.ellipse((across - 7, up - 7, across + 7, up + 7), fill=one.colour)


Point = tuple[float, float]


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


def _legend_rows(lines: Sequence[Line], typeface: Typeface, text: int, width: int) -> list[list[tuple[float, Line]]]:
    """Return the rows of the legend, each with the left of every entry."""
    rows: list[list[tuple[float, Line]]] = [[]]
    left = float(text)
    for one in lines:
        wide = typeface.width(one.name, text) + 3 * text
        if rows[-1] and left + wide > width:
            rows.append([])
            left = float(text)
        rows[-1].append((left, one))
        left += wide
    return rows


def _legend(picture: Image.Image, rows: Sequence[Sequence[tuple[float, Line]]], typeface: Typeface, text: int) -> None:
    draw = ImageDraw.Draw(picture)
    for place, row in enumerate(rows):
        y = text * (0.9 + 1.6 * place)
        for left, one in row:
            start, end = left, left + 1.4 * text
            if one.dashed:
                draw.line((start, y, start + 0.5 * text, y), fill=one.colour, width=5)
                draw.line((end - 0.5 * text, y, end, y), fill=one.colour, width=5)
            else:
                draw.line((start, y, end, y), fill=one.colour, width=5)
            name = typeface.fit(one.name, text, picture.width - end - text)
            typeface.write(picture, (end + 0.4 * text, y), name, size=text, anchor="lm")
