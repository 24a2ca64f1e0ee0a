"""A Plotly figure as a file of its lines: SVG and PDF with text as text, PNG at any resolution, without a browser.

Matplotlib draws it, which Captum needs anyway. It reads what the figures of this package are made of: curves and dots,
bars and heat maps, in panels side by side.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from threading import Lock
from typing import Any

import matplotlib as mpl
import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image

from vitviz.errors import OptionError, check_choice
from vitviz.figures.vector_axes import INK, folded, panels_of, plain_text, set_axes, text_width, titled, words
from vitviz.figures.vector_marks import DRAWN, draw_mark, draw_shapes

FORMATS = ("svg", "pdf", "png")
"""What ``vector_file`` writes."""
_POINTS, _MILLIMETRES = 72, 25.4  # in one inch
_PAGE_PIXELS = 700  # width of a chart on the page, to which its height belongs
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "vitviz",
    "pdf.fonttype": 42,
    "path.simplify": True,
}
_TURN = Lock()  # Matplotlib's settings belong to the whole process


def vector_file(
    figure: go.Figure,
    form: str = "svg",
    *,
    width_mm: float = 120,
    height_mm: float | None = None,
    dpi: float = 300,
    text: float = 8,
    title: str = "",
    description: str = "",
    transparent: bool = False,
) -> bytes:
    """Return a figure as a file of one of FORMATS, ``width_mm`` millimetres wide, its letters ``text`` points high.

    The height follows that on the page unless ``height_mm`` is given. Size, ``dpi`` (of a PNG), ``title`` and
    ``description`` are written into the file. ``transparent`` leaves the ground out.
    Raises OptionError for a size that is no print size, another form, or a mark that cannot be drawn.

    >>> from vitviz.figures.axes import Axis
    >>> from vitviz.figures.curve import Curve
    >>> from vitviz.figures.line_chart import line_chart
    >>> from vitviz.figures.vector import vector_file
    >>> chart = line_chart([Curve("loss", [0, 1], [2.0, 1.0])], x=Axis("Step"), y=Axis("Nats"))
    >>> vector_file(chart, "pdf")[:5]
    b'%PDF-'
    """
    check_choice("Form", form, FORMATS)
    if not (20 <= width_mm <= 1000 and 30 <= dpi <= 1200 and (height_mm is None or 10 <= height_mm <= 1000)):
        raise OptionError(
            f"A chart {width_mm} mm wide and {height_mm or 'as'} high at {dpi} dpi is no print size; wanted a width of "
            "20 to 1000 mm, a height of 10 to 1000 mm and 30 to 1200 dpi. Journals ask for 85 or 180 mm at 300 dpi."
        )
    named = {"Title": title, "Subject" if form == "pdf" else "Description": description}
    metadata: dict[str, str | None] = {name: value for name, value in named.items() if value}
    if form != "png":
        metadata["CreationDate" if form == "pdf" else "Date"] = None  # equal figures are equal files
    with _TURN, mpl.rc_context(_SETTINGS):
        drawn = _drawn(figure, width_mm, height_mm, text)
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=form, dpi=dpi, transparent=transparent, metadata=metadata)
    return buffer.getvalue()


def vector_image(
    figure: go.Figure, *, width_mm: float = 120, height_mm: float | None = None, dpi: float = 150, text: float = 8
) -> Image.Image:
    """Return a figure as a picture; the options are those of ``vector_file``, and raise what it raises."""
    file = vector_file(figure, "png", width_mm=width_mm, height_mm=height_mm, dpi=dpi, text=text)
    return Image.open(io.BytesIO(file)).convert("RGB")


def drawable(figure: go.Figure) -> bool:
    """Return whether a figure has marks, and only those that ``vector_file`` draws: curves, dots, bars, heat maps."""
    return bool(figure.data) and all(isinstance(mark, DRAWN) for mark in figure.data)


def inline_svg(figure: go.Figure, *, width_mm: float = 150, text: float = 9) -> str:
    """Return a figure as SVG to stand in a page: without a ground, its letters in the page's own colour."""
    file = vector_file(figure, "svg", width_mm=width_mm, text=text, transparent=True).decode()
    start = file.index("<svg")
    return file[start:].replace(INK, "currentColor")


def _drawn(figure: go.Figure, width_mm: float, height_mm: float | None, text: float) -> Figure:
    panels = panels_of(figure)
    width = width_mm / _MILLIMETRES
    across = _PAGE_PIXELS * (len(panels) if len(panels) > 1 else 1)
    height = width * (figure.layout.height or 340) / across if height_mm is None else height_mm / _MILLIMETRES
    if height_mm is None:  # letters need their room however small the print is, and a long legend its own
        names = {mark.name for mark in figure.data if mark.name and mark.showlegend is not False}
        rows = -(-len(names) // _columns(names, width, text))
        height = max(height, 14 * text / _POINTS) + max(0, rows - 1) * 1.5 * text / _POINTS
    page = Figure(figsize=(width, height), layout="constrained")
    grid = page.subplots(1, len(panels), squeeze=False)[0]
    for panel, axes in zip(panels, grid, strict=True):
        set_axes(axes, panel, text)
        for mark in panel.marks:
            draw_mark(axes, mark, figure, panel, text)
        draw_shapes(axes, figure, panel, text)
        titled(axes, figure, panel, text)
        room = height * _POINTS - (5 if panel.x.title.text else 3) * text  # above the numbers and the name of the axis
        axes.yaxis.label.set_text(folded(axes.yaxis.label.get_text(), room, text))
    _legend(page, figure, text)
    return page


def _columns(names: Collection[str], width: float, text: float) -> int:
    """Return how many names stand in a row of the legend: three at most, fewer where they are long."""
    widest = max((text_width(plain_text(name), text) for name in names), default=0.0) + 4.5 * text  # with its mark
    return max(1, min(3, len(names), int(width * _POINTS / widest)))


def _legend(page: Figure, figure: go.Figure, text: float) -> None:
    """Write the legend over the panels, each name once."""
    if figure.layout.showlegend is False or (figure.layout.showlegend is None and len(figure.data) < 2):
        return
    entries: dict[str, Any] = {}
    for panel in page.axes:
        for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    if not entries:
        return
    legend = page.legend(
        list(entries.values()),
        list(entries),
        loc="outside upper left",
        ncols=_columns(entries, page.get_size_inches()[0], text),
        fontsize=text,
        frameon=False,
        labelcolor=INK,
    )
    for written in legend.get_texts():
        written.set_parse_math(False)
        written.set_fontfamily(words(written.get_text()))
