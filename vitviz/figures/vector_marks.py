"""The marks of a Plotly figure drawn by Matplotlib: curves and dots, bands, bars, heat maps, and lines of reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from plotly.colors import unlabel_rgb

from vitviz.errors import OptionError
from vitviz.figures.vector_axes import INK, Panel, places_of, plain_text, words
from vitviz.numbers import percent

_DASHES = {None: "-", "solid": "-", "dash": (0, (5, 3)), "dot": (0, (1.2, 1.8)), "dashdot": (0, (5, 2, 1, 2))}
_SYMBOLS = {
    None: "o", "circle": "o", "circle-open": "o", "diamond": "D", "square": "s", "x": "x", "x-thin": "x", "cross": "+",
    "line-ew": "_", "triangle-up": "^", "triangle-down": "v", "star": "*",
}  # fmt: skip
DRAWN = (go.Scatter, go.Bar, go.Heatmap)
"""Plotly's traces that are drawn here."""
_POINT = 0.55  # points of print for a pixel of the page


def draw_mark(axes: Axes, mark: Any, figure: go.Figure, panel: Panel, text: float) -> None:
    """Draw one of Plotly's traces; raises OptionError for a kind that no figure of this package has."""
    if isinstance(mark, go.Scatter):
        _scatter(axes, mark, panel, text)
    elif isinstance(mark, go.Bar):
        _bars(axes, mark, panel, text)
    elif isinstance(mark, go.Heatmap):
        _cells(axes, mark, figure, panel, text)
    else:
        raise OptionError(
            f"A {type(mark).__name__} cannot be drawn as lines; wanted curves, bars or heat maps. "
            "Save the figure with Plotly's own write_image."
        )


def _label(mark: Any) -> str | None:
    return plain_text(mark.name) if mark.name and mark.showlegend is not False else None


def _scatter(axes: Axes, mark: go.Scatter, panel: Panel, text: float) -> None:
    x, y = places_of(mark.x, panel.across), places_of(mark.y, panel.up)
    mode = mark.mode or "lines"
    if mark.fill == "tonexty":
        below = panel.marks[list(panel.marks).index(mark) - 1]
        axes.fill_between(x, np.asarray(below.y, float), y, color=_colour(mark.fillcolor), linewidth=0)
        return
    width = 1.0 if mark.line.width is None else mark.line.width * _POINT
    if "lines" in mode and width:
        label = _label(mark)
        tint = _colour(mark.line.color)
        axes.plot(x, y, color=tint, linewidth=width, linestyle=_DASHES[mark.line.dash], label=label)
    for side, error in (("xerr", mark.error_x), ("yerr", mark.error_y)):
        if error.array is not None:
            half: dict[str, Any] = {side: np.asarray(error.array, float)}
            axes.errorbar(x, y, fmt="none", ecolor=error.color, capsize=0 if error.width == 0 else 3, **half)
    if "markers" in mode:
        _dots(axes, mark, x, y, None if "lines" in mode else _label(mark))
    if mark.marker.colorscale is not None:
        _colour_bar(axes, _measured(mark.marker), mark.marker.colorbar.title.text, text)


def _dots(axes: Axes, mark: go.Scatter, x: np.ndarray, y: np.ndarray, label: str | None) -> None:
    look = mark.marker
    symbols = look.symbol if isinstance(look.symbol, list | tuple) else [look.symbol] * len(x)
    colours = _tints(look, len(x))
    size = (look.size or 6) * _POINT
    for symbol in dict.fromkeys(symbols):
        chosen = [place for place, other in enumerate(symbols) if other == symbol]
        tints = [colours[place] for place in chosen]
        form = _SYMBOLS.get(symbol, "o")
        paint: dict[str, Any] = {"color": tints, "linewidths": 0}
        if form in "x+_":  # strokes without an inside
            paint = {"color": tints, "linewidths": 1.4}
        elif symbol is not None and symbol.endswith("-open"):
            paint = {"facecolors": "none", "edgecolors": tints, "linewidths": 1.4}
        name = label if symbol == symbols[0] else None
        axes.scatter(x[chosen], y[chosen], size**2, marker=form, alpha=look.opacity, zorder=3, label=name, **paint)


def _tints(look: Any, count: int) -> list[Any]:
    """Return the colour of each dot: one for all, one each, or by a number on a scale."""
    if look.colorscale is not None:
        return list(_measured(look).to_rgba(np.asarray(look.color, float)))
    many = isinstance(look.color, list | tuple | np.ndarray)
    return [_colour(colour) for colour in (look.color if many else [look.color] * count)]


def _measured(scale: Any) -> ScalarMappable:
    """Return a colour scale of Plotly, of dots or cells, as Matplotlib takes it."""
    stops = [(place, tuple(part / 255 for part in _rgb(colour))) for place, colour in scale.colorscale]
    return ScalarMappable(Normalize(scale.cmin, scale.cmax), LinearSegmentedColormap.from_list("vitviz", stops, N=256))


def _bars(axes: Axes, mark: go.Bar, panel: Panel, text: float) -> None:
    upright = mark.orientation != "h"
    lengths = places_of(mark.y if upright else mark.x, None)
    places = places_of(mark.x if upright else mark.y, panel.across if upright else panel.up)
    bars = [bar for bar in panel.marks if isinstance(bar, go.Bar)]
    thick: Any = 0.75 / len(bars)
    aside = (bars.index(mark) - (len(bars) - 1) / 2) * 0.75 / len(bars)
    if mark.width is not None:  # a histogram: its own widths, on its own places
        thick, aside = np.asarray(mark.width, float) * 0.96, 0.0
    draw = axes.bar if upright else axes.barh
    drawn = draw(places + aside, lengths, thick, color=_colour(mark.marker.color), label=_label(mark))
    if mark.marker.pattern.shape:
        for bar in drawn:
            bar.set_hatch("///")
    if mark.texttemplate:
        for place, length in zip(places + aside, lengths, strict=True):
            axes.text(length, place, f" {percent(length)}", va="center", fontsize=text * 0.9, color=INK)


def _cells(axes: Axes, mark: go.Heatmap, figure: go.Figure, panel: Panel, text: float) -> None:
    numbers = np.asarray(mark.z, dtype=np.float64)
    scale = figure.layout[mark.coloraxis or "coloraxis"]
    colours = _measured(scale)
    rows, columns = numbers.shape
    left = -0.5 if mark.x0 is None else mark.x0 - 0.5
    top = -0.5 if mark.y0 is None else mark.y0 - 0.5
    down = panel.y.autorange == "reversed" or (panel.y.range is not None and panel.y.range[0] > panel.y.range[1])
    ends = (left, left + columns, top, top + rows)
    low, high = colours.get_clim()
    axes.imshow(numbers, cmap=colours.cmap, vmin=low, vmax=high, extent=ends, origin="lower", interpolation="nearest")
    if down:
        axes.set_ylim(top + rows, top)
    axes.grid(False)
    _colour_bar(axes, colours, scale.colorbar.title.text, text)


def _colour_bar(axes: Axes, colours: ScalarMappable, title: str | None, text: float) -> None:
    bar = axes.figure.colorbar(colours, ax=axes, shrink=0.9, pad=0.02)
    bar.ax.tick_params(labelsize=text * 0.9, colors=INK, width=0.6, length=2)
    bar.outline.set_visible(False)
    name = plain_text(title)
    bar.set_label(name, fontsize=text * 0.9, color=INK, parse_math=False, family=words(name))


def draw_shapes(axes: Axes, figure: go.Figure, panel: Panel, text: float) -> None:
    """Draw the upright lines and the shaded ranges of a panel, with their words."""
    for shape in figure.layout.shapes:
        if (shape.xref or "x").removesuffix(" domain") != f"x{panel.number}":
            continue
        if shape.type == "line":
            tint, dash = _colour(shape.line.color), _DASHES[shape.line.dash]
            axes.axvline(shape.x0, color=tint, linewidth=(shape.line.width or 2) * _POINT, linestyle=dash)
        else:
            axes.axvspan(shape.x0, shape.x1, color=_colour(shape.fillcolor), linewidth=0)
    for note in figure.layout.annotations:
        if note.xref != "paper" and (note.xref or "x").removesuffix(" domain") == f"x{panel.number}":
            x = 10**note.x if panel.x.type == "log" else note.x
            word = plain_text(note.text)
            where = axes.get_xaxis_transform()
            side = note.xanchor if note.xanchor in ("left", "right") else "center"
            y, edge = (0.03, "bottom") if note.y == 0 else (0.97, "top")
            axes.text(x, y, word, transform=where, va=edge, ha=side, fontsize=text * 0.9, color=INK,
                      parse_math=False, family=words(word))  # fmt: skip


def _rgb(colour: str) -> tuple[float, ...]:
    if colour.startswith("#"):
        return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return tuple(float(part) for part in unlabel_rgb(colour))


def _colour(colour: Any) -> Any:
    """Return a colour of Plotly, "#rrggbb" or "rgba(r,g,b,a)", as Matplotlib takes it."""
    if isinstance(colour, str) and colour.startswith("rgb"):
        parts = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")]
        return (*(part / 255 for part in parts[:3]), parts[3] if len(parts) > 3 else 1.0)
    return colour or "#0072B2"
