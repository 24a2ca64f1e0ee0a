"""The axes of a Plotly figure in Matplotlib's words: scale, ends, marks and titles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullFormatter

from vitviz.record import Record

INK = "#212223"
"""Colour of letters and frames: near black, and no other mark has it, so that it can be told apart in an SVG."""
GRID = "#8080804a"
_POINTS = 72  # in an inch
_MARGIN = 0.05
_PLOT = 0.85  # part of a panel's width that its axes have
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Microsoft YaHei",
)


@dataclass(frozen=True, eq=False)
class Panel(Record):
    """One pair of axes of a figure and what is drawn on it."""

    x: Any
    """Plotly's axis."""
    y: Any
    marks: Sequence[Any]
    """Plotly's traces."""
    number: str
    """"" for the first pair, "2" for the second."""

    @property
    def across(self) -> list[str] | None:
        """Names of the places of x where they are no numbers."""
        return _categories(self.x, "x", self.marks)

    @property
    def up(self) -> list[str] | None:
        """Names of the places of y where they are no numbers."""
        return _categories(self.y, "y", self.marks)


def _categories(axis: Any, side: str, marks: Sequence[Any]) -> list[str] | None:
    if axis.type != "category":
        return None
    return list(dict.fromkeys(str(name) for mark in marks for name in (getattr(mark, side) or ())))


def panels_of(figure: go.Figure) -> list[Panel]:
    """Return the pairs of axes of a figure, from the left."""
    by_axis: dict[str, list[Any]] = {}
    for mark in figure.data:
        by_axis.setdefault((getattr(mark, "xaxis", None) or "x")[1:], []).append(mark)
    return [
        Panel(figure.layout[f"xaxis{number}"], figure.layout[f"yaxis{number}"], marks, number)
        for number, marks in sorted(by_axis.items(), key=lambda pair: int(pair[0] or 1))
    ]


def plain_text(text: str | None) -> str:
    """Return what a text of Plotly says, without its markup."""
    return unescape(re.sub(r"</?(b|i|br|sub|sup)\s*/?>", "", (text or "").replace("<br>", "\n")))


@lru_cache(maxsize=1)
def _families() -> list[str]:
    known = set(font_manager.get_font_names())
    return [name for name in _FONTS if name in known]


def words(text: str) -> list[str]:
    """Return the families that a text is set in: one alone where it has all the letters."""
    return _families()[: 1 if all(ord(letter) < 0x2E80 for letter in text) else None]


def set_axes(axes: Axes, panel: Panel, text: float) -> None:
    """Give Matplotlib's axes the scale, the frame and the titles of Plotly's."""
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(INK)
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(labelsize=text, colors=INK, width=0.6, length=2.5)
    axes.set_axisbelow(True)
    for side, axis in (("x", panel.x), ("y", panel.y)):
        if axis.showgrid is not False:
            axes.grid(True, axis=side, color=GRID, linewidth=0.6)  # type: ignore[arg-type]
        title = plain_text(axis.title.text)
        label = axes.set_xlabel if side == "x" else axes.set_ylabel
        label(title, fontsize=text, color=INK, parse_math=False, family=words(title))
        if axis.type == "log":
            axes.set_xscale("log") if side == "x" else axes.set_yscale("log")


def titled(axes: Axes, figure: go.Figure, panel: Panel, text: float) -> None:
    """Set ends and marks of both axes, after the marks are drawn, and the panel's own title."""
    _side(axes, "x", panel.x, panel.across, text)
    _side(axes, "y", panel.y, panel.up, text)
    start, end = panel.x.domain or (0, 1)
    for note in figure.layout.annotations:
        title = plain_text(note.text)
        if note.xref == "paper" and start <= note.x <= end:  # the title of a panel
            axes.set_title(title, fontsize=text, color=INK, loc="left", parse_math=False, family=words(title))


def _side(axes: Axes, side: str, axis: Any, names: list[str] | None, text: float) -> None:
    limits = axes.set_xlim if side == "x" else axes.set_ylim
    low, high = axes.get_xlim() if side == "x" else axes.get_ylim()
    if axis.range is not None:
        low, high = (10**end if axis.type == "log" else end for end in axis.range)
    elif axis.rangemode == "tozero":
        end = (axes.dataLim.x1 if side == "x" else axes.dataLim.y1) * (1 + _MARGIN)  # dots at the end stay whole
        low, high = min(0.0, low), max(0.0, high, end)
    if axis.autorange == "reversed":
        low, high = max(low, high), min(low, high)
    limits(low, high)
    places = axes.set_xticks if side == "x" else axes.set_yticks
    if axis.showticklabels is False:
        places([])
    elif names is not None:
        step = max(1, -(-len(names) // 20))
        shown = [plain_text(name) for name in names[::step]]
        places(list(range(0, len(names), step)), labels=shown, parse_math=False, family=words("".join(shown)))
        _turned(axes, side, shown, text)
    elif axis.tickvals is not None:
        shown = [plain_text(str(name)) for name in (axis.ticktext if axis.ticktext is not None else axis.tickvals)]
        places(list(axis.tickvals), labels=shown, parse_math=False, family=words("".join(shown)))
        _turned(axes, side, shown, text)
        (axes.xaxis if side == "x" else axes.yaxis).set_minor_formatter(NullFormatter())
    else:
        _numbers(axes, side, axis)


def _turned(axes: Axes, side: str, names: Sequence[str], text: float) -> None:
    """Turn the names under an axis where two that stand beside each other would touch."""
    if side == "y" or len(names) < 2:
        return
    scaled = np.log10 if axes.get_xscale() == "log" else np.asarray
    low, high = scaled(axes.get_xlim())
    page: Any = axes.figure  # Matplotlib 3.9 has no get_figure(root=True)
    room = _POINTS * _PLOT * page.get_size_inches()[0] / len(page.axes)
    at = (scaled(axes.get_xticks()) - low) / (high - low or 1) * room
    wide = [text_width(name, text) for name in names]
    gaps = np.abs(np.diff(at)) - (np.array(wide[1:]) + np.array(wide[:-1])) / 2
    if gaps.min() < 0.3 * text:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")


def text_width(name: str, text: float) -> float:
    """Return about how wide a name is in points, with letters of ``text`` points."""
    return text * sum(1.0 if ord(letter) >= 0x2E80 else 0.58 for letter in name)


def folded(name: str, room: float, text: float) -> str:
    """Return a name on as few lines as fit into ``room`` points, broken between words."""
    lines: list[str] = []
    for word in name.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, text) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def _numbers(axes: Axes, side: str, axis: Any) -> None:
    """Write the numbers of an axis as Plotly would."""
    written = axes.xaxis if side == "x" else axes.yaxis
    if axis.type == "log":
        if axis.exponentformat == "power":
            return  # powers of ten: Matplotlib's own way
        written.set_major_locator(LogLocator(subs=(1, 2, 5) if axis.dtick == "D2" else (1,)))
        written.set_minor_formatter(NullFormatter())
    elif isinstance(axis.dtick, int | float):
        written.set_major_locator(MultipleLocator(float(axis.dtick)))
    else:
        written.set_major_locator(MaxNLocator(6, integer=axis.tickformat == "d"))
    written.set_major_formatter(_form(axis.tickformat))


def _form(form: str | None) -> Formatter:
    if form and form.endswith("%"):
        digits = int(form[1:-1] or 0)
        return FuncFormatter(lambda value, _place: f"{value:.{digits}%}")
    return FuncFormatter(lambda value, _place: f"{value:.6g}".replace("-", "−"))


def places_of(values: Any, names: list[str] | None) -> np.ndarray:
    """Return values as numbers; names as their places."""
    if names is None:
        return np.asarray(values, dtype=np.float64)
    return np.array([names.index(str(value)) for value in values], dtype=np.float64)
