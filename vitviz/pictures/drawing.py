"""A drawing: what a result looks like, as an interactive figure, as a picture for print, and in a notebook."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots

from vitviz.figures.alt import alt_text
from vitviz.figures.curve import Curve, Level, Point
from vitviz.figures.html_bars import colour_bar
from vitviz.figures.image_files import jpeg_bytes, png_bytes
from vitviz.figures.map_figure import map_figure
from vitviz.figures.sheet import Panel, print_figure
from vitviz.figures.theme import plain, style
from vitviz.figures.vector import inline_svg, vector_image
from vitviz.numbers import percent
from vitviz.record import Record

_WIDE, _NARROW = 460, 220
"""Pixels of a picture in a notebook: alone or beside a few, and in a sheet of many."""
_MANY = 3

Say = Callable[[str], str]
"""Says a text of a chart in the reader's language, as gettext does; ``str`` leaves it in English."""
Extra = Sequence[Curve | Level | Point]
"""What a page draws into a chart besides the result: where its knobs stand, the reader's guess."""


class Drawing(Protocol):
    """Something that is drawn in three ways."""

    def figure(self) -> go.Figure:
        """Return it as a Plotly figure."""

    def image(self, *, width_mm: float = 120, dpi: float = 150) -> Image.Image:
        """Return it as a picture for print."""

    def html(self) -> str:
        """Return it as a piece of a page, with nothing to load."""


@dataclass(frozen=True, eq=False)
class Charts(Record):
    """Figures of curves, bars or cells by their titles; most results have one."""

    figures: Mapping[str, go.Figure]

    def figure(self) -> go.Figure:
        """Return the figure, or all of them side by side in one."""
        first, *others = self.figures.values()
        return first if not others else side_by_side(self.figures)

    def image(self, *, width_mm: float = 120, dpi: float = 150) -> Image.Image:
        """Return the figures as one picture."""
        return vector_image(self.figure(), width_mm=width_mm, dpi=dpi)

    def images(self, *, width_mm: float, height_mm: float, dpi: float = 300) -> list[tuple[str, Image.Image]]:
        """Return title and picture of each figure."""
        size: dict[str, Any] = {"width_mm": width_mm, "height_mm": height_mm, "dpi": dpi}
        return [(title.strip(), vector_image(figure, **size)) for title, figure in self.figures.items()]

    def html(self) -> str:
        """Return the figures as SVG, each with its title and in words for those who do not see it."""
        return _row([self._piece(title, figure) for title, figure in self.figures.items()])

    def _piece(self, title: str, figure: go.Figure) -> str:
        alt = escape(alt_text(figure))
        named = f"<div><b>{escape(title)}</b></div>" if title else ""
        drawn = inline_svg(figure, width_mm=130 if len(self.figures) > 1 else 150)
        return f'<div>{named}<div role="img" aria-label="{alt}">{drawn}</div></div>'


@dataclass(frozen=True, eq=False)
class Maps(Record):
    """Maps and pictures side by side, as the print export has them."""

    panels: Sequence[Panel]
    title: str = ""
    caption: str = ""
    columns: int | None = None

    def figure(self) -> go.Figure:
        """Return the panels as one figure whose cells tell their values under the pointer."""
        return map_figure(self.panels, title=self.title, columns=self.columns or min(4, len(self.panels)))

    def image(self, *, width_mm: float = 120, dpi: float = 150) -> Image.Image:
        """Return the panels as the page prints them: labels above, colour bars below."""
        file = print_figure(
            self.panels, title=self.title, caption=self.caption, columns=self.columns, dpi=dpi, width_mm=width_mm
        )
        return Image.open(io.BytesIO(file)).convert("RGB")

    def html(self) -> str:
        """Return the panels as pictures with their colours in numbers."""
        width = _WIDE if len(self.panels) <= _MANY else _NARROW
        title = f"<div><b>{escape(self.title)}</b></div>" if self.title else ""
        caption = f'<div style="opacity:.85">{escape(self.caption)}</div>' if self.caption else ""
        return f"<div>{title}{_row([_map(panel, width) for panel in self.panels], self.columns)}{caption}</div>"


def side_by_side(figures: Mapping[str, go.Figure]) -> go.Figure:
    """Return charts beside each other in one figure; a name that several have stands once in the legend."""
    made = make_subplots(rows=1, cols=len(figures), subplot_titles=[plain(title) for title in figures])
    named: set[str] = set()
    for column, figure in enumerate(figures.values(), start=1):
        for mark in figure.data:
            copy = type(mark)(mark)
            copy.legendgroup = copy.name
            if copy.name in named:
                copy.showlegend = False
            named |= {copy.name} if copy.name and copy.showlegend is not False else set()
            made.add_trace(copy, row=1, col=column)
        for side, update in (("xaxis", made.update_xaxes), ("yaxis", made.update_yaxes)):
            update({**figure.layout[side].to_plotly_json()}, row=1, col=column)
    height = max(figure.layout.height for figure in figures.values())
    return style(made, height, margin={"l": 8, "r": 8, "t": 70, "b": 8}, legend={"orientation": "h", "y": 1.12})


def _row(pieces: Sequence[str], columns: int | None = None) -> str:
    room = "" if columns is None else f"max-width:{columns * (_NARROW + 16)}px;"
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px 16px;{room}">{"".join(pieces)}</div>'


def _map(panel: Panel, width: int) -> str:
    """Return a panel at a width in pixels, drawn at twice as many for fine screens where that shows more."""
    width = round(width / max(1.0, panel.aspect))  # a tall table is as high as a square picture
    pixels = 2 * width if panel.photo is not None or panel.picture is not None else width
    picture = panel.draw(pixels)
    file, kind = (jpeg_bytes(picture), "jpeg") if panel.photo is not None else (_small_png(picture), "png")
    data = base64.b64encode(file).decode("ascii")
    scale = panel.own_scale
    bar = "" if scale is None else colour_bar(scale, colours=panel.bar_colours())
    if scale is not None and scale.uniform is not None:
        bar += f'<div style="font-size:0.8rem;opacity:0.85">1/N = {percent(scale.uniform)}</div>'
    alt = escape(panel.label or "picture")
    label = f'<div style="font-size:0.9rem">{escape(panel.label)}</div>' if panel.label else ""
    return (
        f'<div style="width:{width}px;max-width:100%">{label}'
        f'<img alt="{alt}" style="width:100%;height:auto" src="data:image/{kind};base64,{data}">{bar}</div>'
    )


def _small_png(picture: Any) -> bytes:
    """Return a picture of flat cells as PNG, with a table of colours where it has few."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    few = image.getcolors(256)
    return png_bytes(image if few is None else image.quantize(len(few), dither=Image.Dither.NONE))
