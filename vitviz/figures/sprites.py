"""Many maps in one picture: layer × head sheets, composed at once with NumPy, labelled, with one colour bar."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from vitviz.errors import OptionError, check_index
from vitviz.figures.lettering import INK, Typeface, typeface_for
from vitviz.figures.overlay import outline
from vitviz.figures.paint import Picture, Rgb, bar_height, draw_bar, hatch
from vitviz.figures.palettes import QUERY, colour, table
from vitviz.figures.scale import Scale
from vitviz.record import Record

WHITE = (255, 255, 255)
_PALE_INK = (235, 235, 235)


@dataclass(frozen=True)
class Layout(Record):
    """Where the maps of a sheet lie, in pixels."""

    maps: int
    columns: int
    map_height: int
    map_width: int
    gap: int
    text: int
    side: int
    """Width at the right for each row's own range; 0 if all rows share one scale."""

    @property
    def rows(self) -> int:
        """Rows of maps."""
        return -(-self.maps // self.columns)

    @property
    def label(self) -> int:
        """Height of the label above each map."""
        return round(self.text * 1.45)

    @property
    def width(self) -> int:
        """Width of the sheet without its margins at the side."""
        return self.gap + self.columns * (self.map_width + self.gap) + self.side

    @property
    def height(self) -> int:
        """Height of the sheet without its colour bar."""
        return self.gap + self.rows * (self.label + self.map_height + self.gap)

    def corner(self, place: int) -> tuple[int, int]:
        """Return the left and top of a map."""
        row, column = divmod(place, self.columns)
        return (
            self.gap + column * (self.map_width + self.gap),
            self.gap + row * (self.label + self.map_height + self.gap) + self.label,
        )


def map_grid(
    maps: ArrayLike,
    labels: Sequence[str],
    *,
    columns: int,
    scale: Scale | Sequence[Scale],
    palette: str | None = None,
    cell_pixels: int = 64,
    selected: int | None = None,
    crossed: Collection[int] = (),
    query: tuple[int, int] | None = None,
    background: Rgb = WHITE,
    ink: Rgb | None = None,
    row_ends: tuple[str, str] = ("row minimum", "row maximum"),
) -> Image.Image:
    """Return maps (n, rows, columns) as one labelled RGB picture with a colour bar.

    ``columns`` maps stand in a row. The longer side of a map is at most ``cell_pixels`` pixels, each patch a whole
    number of pixels and at least one. ``scale`` is one for all, or one a map; maps in the same row of the sheet must
    share theirs; each row then prints its range, and ``row_ends`` stand at the bar. ``selected`` is outlined orange,
    ``crossed`` ones (ablated heads) are struck out, ``query`` outlines the query patch in every map. ``ink`` is that of
    the text, dark on a light ``background`` and pale on a dark one if None.
    Raises OptionError if maps, labels and scales do not fit together.
    """
    numbers = _checked_maps(maps, labels, columns)
    scales = _row_scales(scale, len(numbers), columns)
    typeface = typeface_for(*labels, *row_ends, "0123456789.e+-=1/N%<")
    layout = _layout(numbers, columns, cell_pixels, shared=len(set(scales)) == 1, typeface=typeface, scales=scales)
    tint = palette or scales[0].palette
    painted = _paint(numbers, scales, tint, layout, query)
    sheet = _compose(painted, layout, background, scales[0])
    ink = ink or (INK if sum(background) > 382 else _PALE_INK)
    _write_labels(sheet, labels, layout, typeface, ink)
    _mark(sheet, layout, selected, crossed)
    _legend(sheet, layout, scales, table(tint), typeface, ink, row_ends)
    return sheet


def _checked_maps(maps: ArrayLike, labels: Sequence[str], columns: int) -> NDArray[np.float64]:
    numbers = np.asarray(maps, dtype=np.float64)
    if numbers.ndim != 3 or not numbers.size:
        raise OptionError(
            f"A sheet needs maps (n, rows, columns); got shape {numbers.shape}. Join layers and heads first."
        )
    if len(labels) != len(numbers):
        raise OptionError(f"Got {len(labels)} labels for {len(numbers)} maps; wanted one each, such as 'L5·H3'.")
    if columns < 1:
        raise OptionError(f"A sheet needs at least one column; got {columns}. Use the number of heads.")
    return numbers


def _row_scales(scale: Scale | Sequence[Scale], count: int, columns: int) -> list[Scale]:
    """Return one scale for each row of the sheet; refuse different scales within a row."""
    if isinstance(scale, Scale):
        return [scale] * -(-count // columns)
    if len(scale) != count:
        raise OptionError(f"Got {len(scale)} scales for {count} maps; wanted one for all, or one a map.")
    rows = [list(scale[start : start + columns]) for start in range(0, count, columns)]
    for place, row in enumerate(rows):
        if len(set(row)) > 1:
            raise OptionError(
                f"Row {place} of the sheet has {len(set(row))} different scales; wanted one. A scale of its own for "
                "each head makes flat heads look sharp: use layer_scales, or one scale for the whole sheet."
            )
    if len({row[0].signed for row in rows}) > 1:
        raise OptionError("Some scales are signed and some are not; got both. Draw them as two sheets.")
    return [row[0] for row in rows]


def _layout(
    numbers: NDArray[np.float64],
    columns: int,
    cell_pixels: int,
    *,
    shared: bool,
    typeface: Typeface,
    scales: Sequence[Scale],
) -> Layout:
    count, map_rows, map_columns = numbers.shape
    factor = max(1, cell_pixels // max(map_rows, map_columns))
    text = min(16, max(9, round(cell_pixels / 5.5)))
    side = 0 if shared else round(max(typeface.width(_range(scale), text) for scale in scales)) + text
    return Layout(
        maps=count,
        columns=min(columns, count),
        map_height=map_rows * factor,
        map_width=map_columns * factor,
        gap=max(3, cell_pixels // 12),
        text=text,
        side=side,
    )


def _paint(
    numbers: NDArray[np.float64], scales: Sequence[Scale], palette: str, layout: Layout, query: tuple[int, int] | None
) -> Picture:
    """Return the maps as pictures, all rows of the sheet one below the other: (n, height, width, 3)."""
    starts = range(0, len(numbers), layout.columns)
    rows = [
        colour(numbers[start : start + layout.columns], palette, scale.low, scale.high)
        for start, scale in zip(starts, scales, strict=True)
    ]
    factor = layout.map_height // numbers.shape[1]
    painted = np.concatenate(rows).repeat(factor, axis=1).repeat(factor, axis=2)  # (n, height, width, 3)
    missing = np.isnan(numbers).repeat(factor, axis=1).repeat(factor, axis=2)
    for place in np.flatnonzero(missing.any(axis=(1, 2))):
        painted[place] = hatch(painted[place], missing[place])
    if query is not None:
        painted = np.stack([outline(picture, numbers.shape[1], numbers.shape[2], query) for picture in painted])
    return painted


def _compose(painted: Picture, layout: Layout, background: Rgb, scale: Scale) -> Image.Image:
    # Room below for a colour bar, and at least its width for a sheet of one or two maps.
    height = layout.height + bar_height(scale, layout.text) + layout.gap
    width = max(layout.width, 2 * layout.gap + layout.text * 14)
    sheet = np.empty((height, width, 3), dtype=np.uint8)
    sheet[:] = background
    for place, tile in enumerate(painted):
        left, top = layout.corner(place)
        sheet[top : top + layout.map_height, left : left + layout.map_width] = tile
    return Image.fromarray(sheet)


def _write_labels(sheet: Image.Image, labels: Sequence[str], layout: Layout, typeface: Typeface, ink: Rgb) -> None:
    for place, label in enumerate(labels):
        left, top = layout.corner(place)
        short = typeface.fit(label, layout.text, layout.map_width + layout.gap // 2)
        typeface.write(sheet, (left, top - layout.label), short, size=layout.text, ink=ink)


def _mark(sheet: Image.Image, layout: Layout, selected: int | None, crossed: Collection[int]) -> None:
    """Strike out the crossed maps and outline the selected one."""
    draw = ImageDraw.Draw(sheet)
    thick = max(2, layout.map_width // 28)
    right, bottom = layout.map_width - 1, layout.map_height - 1
    for place in crossed:
        left, top = layout.corner(check_index("Crossed map", place, layout.maps))
        for line in ((left, top, left + right, top + bottom), (left, top + bottom, left + right, top)):
            draw.line(line, fill=INK, width=thick + 2)
            draw.line(line, fill=WHITE, width=thick)
    if selected is not None:
        left, top = layout.corner(check_index("Selected map", selected, layout.maps))
        box = (left - thick, top - thick, left + right + thick, top + bottom + thick)
        draw.rectangle(box, outline=QUERY, width=thick)


def _legend(
    sheet: Image.Image,
    layout: Layout,
    scales: Sequence[Scale],
    colours: Picture,
    typeface: Typeface,
    ink: Rgb,
    row_ends: tuple[str, str],
) -> None:
    """Draw the colour bar, and each row's range where the rows have scales of their own."""
    shared = not layout.side
    if not shared:
        left = layout.width - layout.side
        for row, scale in enumerate(scales):
            top = layout.corner(row * layout.columns)[1] + layout.map_height / 2
            typeface.write(sheet, (left, top), _range(scale), size=layout.text, ink=ink, anchor="lm")
    width = min(sheet.width - 2 * layout.gap, layout.text * 26)
    draw_bar(
        sheet,
        (layout.gap, layout.height),
        width,
        scales[0],
        typeface,
        size=layout.text,
        colours=colours,
        ink=ink,
        ends=None if shared else row_ends,
    )


def _range(scale: Scale) -> str:
    return f"{scale.text(scale.low)} ... {scale.text(scale.high)}"
