"""The print export: photo, overlays and maps side by side at print size, with colour bars and a caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vitviz.errors import OptionError
from vitviz.figures.image_files import png_bytes
from vitviz.figures.lettering import Typeface, typeface_for
from vitviz.figures.overlay import draw_grid, outline, overlay
from vitviz.figures.paint import Picture, bar_height, checked_photo, draw_bar, paint_map
from vitviz.figures.palettes import table
from vitviz.figures.scale import Scale, scale_for
from vitviz.record import Record

_MILLIMETRES, _POINTS = 25.4, 72  # in one inch
_TALLEST_PANEL = 240  # millimetres: a page of A4
_MAXIMUM_PIXELS = 120_000_000


WIDTH_MM, DPI = 180, 300
"""Of a figure for print whose size nobody chose."""


class PrintSize(TypedDict, total=False):
    """How large a picture is printed, for ``print_figure`` and ``vector_file``; what is left out has its default."""

    width_mm: float
    dpi: float


class Drawing(Protocol):
    """A picture that is painted at any width, and needs that of the whole page."""

    @property
    def aspect(self) -> float:
        """Height over width."""

    def draw(self, width: int) -> Picture:
        """Return it painted at ``width`` pixels: (height, width, 3)."""


@dataclass(frozen=True)
class Panel(Record):
    """One picture of a printed figure: a photo, a map, a map over a photo, or any finished picture."""

    label: str = ""
    """Words above the panel, such as "L5·H3"."""
    photo: NDArray[np.uint8] | None = None
    """(height, width, 3) uint8."""
    map: NDArray[np.floating] | None = None
    """(rows, columns)."""
    scale: Scale | None = None
    """The map's colours; its own scale if None. Maps that are compared should share one."""
    palette: str | None = None
    """The scale's own palette if None."""
    opacity: float = 0.6
    """Of the map over the photo."""
    interpolated: bool = False
    """Smooth between the patch centres; the panel then says so."""
    spotlight: bool = False
    """Darken the photo instead of colouring it."""
    cells: tuple[int, int] | None = None
    """Rows and columns of the patch grid of a photo without a map."""
    query: tuple[int, int] | None = None
    """Row and column of the patch outlined in orange."""
    grid_lines: bool = False
    """Draw the borders of the patches."""
    picture: Image.Image | None = None
    """A finished picture, for example from ``map_grid``, instead of all the above."""
    drawing: Drawing | None = None
    """A wall of small maps instead of all the above, as wide as the page."""
    finish: Callable[[Picture], Picture] | None = None
    """Draws on the painted panel, at whatever size it is painted: a box, some outlines."""

    @property
    def own_scale(self) -> Scale | None:
        """The scale whose colour bar stands under the panel; None for a photo or a finished picture."""
        return None if self.map is None else self.scale or scale_for(self.map, "map")

    @property
    def aspect(self) -> float:
        """Height over width."""
        if self.drawing is not None:
            return self.drawing.aspect
        if self.picture is not None:
            return self.picture.height / self.picture.width
        shown = self._shown()
        return float(shown.shape[0] / shown.shape[1])

    def draw(self, width: int) -> Picture:
        """Return the panel painted at ``width`` pixels, its cells crisp at that size: (height, width, 3)."""
        if self.drawing is not None:
            return self.drawing.draw(width)
        painted = self._painted(width, max(1, round(width * self.aspect)))
        return painted if self.finish is None else self.finish(painted)

    def _painted(self, width: int, height: int) -> Picture:
        if self.picture is not None:
            crisp = Image.Resampling.NEAREST if width > self.picture.width else Image.Resampling.LANCZOS
            return np.asarray(self.picture.convert("RGB").resize((width, height), crisp))
        if self.photo is not None:
            small = Image.fromarray(checked_photo(self.photo))
            photo = np.asarray(small.resize((width, height), Image.Resampling.LANCZOS))
            return self._with_grid(photo if self.map is None else self._draw_overlay(photo, self.map))
        values = self._shown()
        painted = paint_map(
            values,
            self.scale or scale_for(values, "map"),
            height=height,
            width=width,
            palette=self.palette,
            interpolated=self.interpolated,
        )
        return self._with_grid(painted)

    def bar_colours(self) -> Picture:
        """Return the 256 colours of the panel's colour bar; greys for a spotlight, which adds no colour."""
        if self.spotlight and self.photo is not None:
            light = np.rint(255 * (1 - self.opacity * np.linspace(1, 0, 256))).astype(np.uint8)
            return np.repeat(light[:, None], 3, axis=1)
        scale = self.own_scale
        return table(self.palette or (scale.palette if scale else "viridis"))

    def _shown(self) -> NDArray[Any]:
        """Return the array that gives the panel its shape: the photo, or the map where there is none."""
        shown = self.map if self.photo is None else self.photo
        if shown is None:
            raise OptionError(f"Panel {self.label!r} is empty; wanted a photo, a map or a picture. Give one of them.")
        return shown

    def _draw_overlay(self, photo: Picture, values: NDArray[np.floating]) -> Picture:
        return overlay(
            photo,
            values,
            scale=self.own_scale,
            palette=self.palette,
            opacity=self.opacity,
            interpolated=self.interpolated,
            spotlight=self.spotlight,
        )

    def _with_grid(self, picture: Picture) -> Picture:
        if not self.grid_lines and self.query is None:
            return picture
        cells = self.cells if self.map is None else np.shape(self.map)
        if cells is None:
            raise OptionError(
                f"Panel {self.label!r} has neither a map nor cells, so the patch grid is unknown; "
                "wanted cells=(rows, columns). Pass (grid.rows, grid.columns)."
            )
        rows, columns = cells
        picture = draw_grid(picture, rows, columns) if self.grid_lines else picture
        return picture if self.query is None else outline(picture, rows, columns, self.query)


@dataclass(frozen=True)
class _Page(Record):
    """Sizes of a printed figure in pixels."""

    dpi: float
    width: int
    columns: int
    typeface: Typeface
    widest: float
    """Millimetres."""

    def length(self, millimetres: float) -> int:
        return round(millimetres / _MILLIMETRES * self.dpi)

    def text(self, points: float) -> int:
        return max(6, round(points / _POINTS * self.dpi))

    @property
    def margin(self) -> int:
        return self.length(2)

    @property
    def gap(self) -> int:
        return self.length(4)

    @property
    def panel(self) -> int:
        """Width of one panel."""
        free = self.width - 2 * self.margin - (self.columns - 1) * self.gap
        return max(1, min(free // self.columns, self.length(self.widest)))


def print_figure(
    panels: Sequence[Panel],
    *,
    title: str = "",
    caption: str = "",
    dpi: float = DPI,
    width_mm: float = WIDTH_MM,
    columns: int | None = None,
    interpolated: str = "interpolated",
) -> bytes:
    """Return a figure for print as PNG bytes: title, panels with labels and colour bars, caption.

    The picture is ``width_mm`` millimetres wide at ``dpi`` dots an inch, and says so in the file. ``columns`` panels
    stand in a row (all, up to four, if None). ``caption`` is the place for the settings: model, layer, head, token,
    scale. ``interpolated`` is the word added to the label of a smoothed panel.
    Raises OptionError for no panels, an empty panel, or a size that is no print size.
    """
    texts = [title, caption, interpolated, *(panel.label for panel in panels), "0123456789.e+-=1/N()%<"]
    page = _page(panels, dpi, width_mm, columns, typeface_for(*texts))
    header = _text_block(page, title, 10.5)
    body = [_row(page, panels[start : start + page.columns], interpolated) for start in _starts(panels, page)]
    footer = _text_block(page, caption, 7.5)
    image = _stack(page, [block for block in (header, *body, footer) if block is not None])
    written = {name: text for name, text in (("Title", title), ("Description", caption)) if text}
    return png_bytes(image, dpi=dpi, texts=written)


def even_columns(count: int, most: int) -> int:
    """Return how many panels stand in a row so that the rows are alike, with at most ``most`` in one.

    >>> from vitviz.figures.sheet import even_columns
    >>> even_columns(5, 4), even_columns(7, 4), even_columns(3, 4)
    (3, 4, 3)
    """
    return -(-count // -(-count // most))


def _starts(panels: Sequence[Panel], page: _Page) -> range:
    return range(0, len(panels), page.columns)


def _page(panels: Sequence[Panel], dpi: float, width_mm: float, columns: int | None, typeface: Typeface) -> _Page:
    if not panels:
        raise OptionError("A printed figure needs panels; got none. Pass at least one Panel.")
    if not (30 <= dpi <= 1200 and 20 <= width_mm <= 1000):
        raise OptionError(
            f"A figure {width_mm} mm wide at {dpi} dpi is no print size; wanted 20 to 1000 mm and 30 to 1200 dpi. "
            "Journals ask for 85 or 180 mm at 300 dpi."
        )
    if columns is not None and columns < 1:
        raise OptionError(f"A printed figure needs at least one column; got {columns}. Leave it out for up to four.")
    widest = min(width_mm, _TALLEST_PANEL / max(panel.aspect for panel in panels))
    page = _Page(dpi, round(width_mm / _MILLIMETRES * dpi), min(columns or 4, len(panels)), typeface, widest)
    pixels = page.width * sum(page.panel * panel.aspect for panel in panels) / page.columns
    if pixels > _MAXIMUM_PIXELS:
        raise OptionError(
            f"The figure would have {pixels / 1e6:.0f} million pixels; wanted at most {_MAXIMUM_PIXELS / 1e6:.0f}. "
            "Lower dpi or width_mm, or print fewer panels."
        )
    return page


def _blank(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, max(1, height)), (255, 255, 255))


def _text_block(page: _Page, text: str, points: float) -> Image.Image | None:
    if not text.strip():
        return None
    size = page.text(points)
    lines = page.typeface.wrap(text, size, page.width - 2 * page.margin)
    line_height = round(size * 1.45)
    block = _blank(page.width, line_height * len(lines))
    for number, line in enumerate(lines):
        page.typeface.write(block, (page.margin, number * line_height), line, size=size)
    return block


def _row(page: _Page, panels: Sequence[Panel], interpolated: str) -> Image.Image:
    """Return one row of panels: label above, picture, colour bar below."""
    label_size, bar_size = page.text(8), page.text(6.5)
    labels = [_label_lines(page, panel, interpolated, label_size) for panel in panels]
    line = round(label_size * 1.5)
    label = line * max(map(len, labels))
    pictures = [panel.draw(page.panel) for panel in panels]
    tallest = max(picture.shape[0] for picture in pictures)
    scales = [panel.own_scale for panel in panels]
    bar = max((bar_height(scale, bar_size) for scale in scales if scale is not None), default=-bar_size)
    row = _blank(page.width, label + tallest + bar_size + bar)
    for place, (panel, picture, scale) in enumerate(zip(panels, pictures, scales, strict=True)):
        left = page.margin + place * (page.panel + page.gap)
        for number, text in enumerate(labels[place]):
            page.typeface.write(row, (left, number * line), text, size=label_size)
        row.paste(Image.fromarray(picture), (left, label))
        if scale is not None:
            corner = (left, label + picture.shape[0] + bar_size)
            colours = panel.bar_colours()
            draw_bar(row, corner, page.panel, scale, page.typeface, size=bar_size, colours=colours)
    return row


def _label_lines(page: _Page, panel: Panel, interpolated: str, size: int) -> list[str]:
    """Return the label in lines that fit over the panel; what a third line would say is cut off with an ellipsis."""
    text = f"{panel.label} ({interpolated})".strip() if panel.interpolated else panel.label
    if not text.strip():
        return []
    first, *rest = page.typeface.wrap(text, size, page.panel)
    return [page.typeface.fit(words, size, page.panel) for words in (first, " ".join(rest)) if words]


def _stack(page: _Page, blocks: Sequence[Image.Image]) -> Image.Image:
    space = page.length(2.5)
    height = 2 * page.margin + sum(block.height for block in blocks) + space * (len(blocks) - 1)
    image, top = _blank(page.width, height), page.margin
    for block in blocks:
        image.paste(block, (0, top))
        top += block.height + space
    return image
