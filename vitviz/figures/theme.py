"""What all Plotly figures share: no template, a transparent ground, explicit colours, the reader's own font."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from vitviz.errors import OptionError
from vitviz.figures.palettes import VIT_BLUE, plotly_scale
from vitviz.figures.scale import Scale
from vitviz.numbers import percent

TRANSPARENT = "rgba(0,0,0,0)"
LINE = "rgba(128,128,128,0.28)"
"""Grid lines and frames: visible on a light and on a dark page."""
NEUTRAL = "#8A8A8A"
"""Marks that are no model's: references, "before"; 3:1 or better on white and on near-black."""
TICKS = "#767676"
"""Of numbers and titles along the axes: a contrast of 4.5 to 1 on white and on the dark page alike (WCAG AA)."""
TYPE = 15
"""Size of all type of a figure on a screen, in pixels."""
_STANDOFF = 14
"""Pixels from an axis to its title's far side, of which the numbers' own line takes a part."""
QUERY_ORANGE = "#FF7A00"
CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": {"format": "png", "scale": 3},
    }
)
"""Plotly's own settings: one button, the picture at three times screen size. A double click undoes a zoom."""


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """Return the settings of one axis: its title with the unit, quiet lines, room for its own labels."""
    return {
        "title": {"text": plain(title), "standoff": _STANDOFF, "font": {"color": TICKS, "size": TYPE}},
        "tickfont": {"color": TICKS, "size": TYPE},
        "gridcolor": LINE,
        "linecolor": LINE,
        "zerolinecolor": LINE,
        "automargin": True,
    } | more


def figure(
    traces: Sequence[Any], *, x: Mapping[str, Any], y: Mapping[str, Any], height: int, **layout: Any
) -> go.Figure:
    """Return a figure of some traces in the common style; ``height`` in pixels, the width follows the page."""
    # At once, and not by an update of an empty layout, which takes fifteen times as long.
    whole = {**_common(height), "xaxis": x, "yaxis": y, **layout}
    return go.Figure(data=list(traces), layout={"template": go.layout.Template(), **whole})


def style(made: go.Figure, height: int, **layout: Any) -> go.Figure:
    """Give a figure the layout that all share, and what is special to it; return the same figure."""
    made.layout.template = go.layout.Template()  # assigned, because an update would only add to Plotly's own
    made.update_layout(**(_common(height) | layout))
    return made


def _common(height: int) -> dict[str, Any]:
    """Return the layout that all figures share."""
    return {
        "paper_bgcolor": TRANSPARENT,
        "plot_bgcolor": TRANSPARENT,
        "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
        "height": height,
        "font": {"size": TYPE},
        "hoverlabel": {"font": {"size": TYPE}},
        "legend": {
            "font": {"size": TYPE},
            "orientation": "h",
            "traceorder": "normal",
            "bgcolor": TRANSPARENT,
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
        },
        "modebar": {"bgcolor": TRANSPARENT, "color": NEUTRAL, "activecolor": VIT_BLUE},
        "hovermode": "closest",
    }


def enlarged(made: go.Figure, size: int) -> go.Figure:
    """Return a copy of a figure with all its type in a size in pixels, its height grown by the same factor."""
    large, kind = go.Figure(made), {"size": size}
    large.update_layout(font=kind, hoverlabel_font=kind, legend_font=kind)
    if made.layout.height:
        large.layout.height = round(made.layout.height * size / TYPE)
    title = {"font": kind, "standoff": round(_STANDOFF * size / TYPE)}
    large.update_xaxes(tickfont=kind, title=title)
    large.update_yaxes(tickfont=kind, title=title)
    large.update_annotations(font=kind)
    large.update_traces(textfont=kind, selector={"type": "bar"})
    bars = [getattr(getattr(trace, "marker", None), "colorbar", None) for trace in large.data]
    bars += [large.layout[name].colorbar for name in made.to_plotly_json()["layout"] if name.startswith("coloraxis")]
    for bar in bars:
        if bar is not None and bar.to_plotly_json():  # an empty one would come up
            bar.update(tickfont=kind, title_font=kind)
    return large


def colour_axis(scale: Scale, palette: str | None = None, *, title: str = "", **bar: Any) -> dict[str, Any]:
    """Return a Plotly colour axis: the scale's colours and a bar with the true minimum, maximum and 1/N."""
    low, high = (scale.low, scale.high) if scale.low < scale.high else (scale.low - 1, scale.high + 1)
    ticks = {scale.low: scale.text(scale.low), scale.high: scale.text(scale.high)}
    if scale.signed:
        ticks = {0.0: "0"} | ticks
    elif scale.uniform is not None:
        title = f"{title} · 1/N = {percent(scale.uniform)}".removeprefix(" · ")
        if scale.low < scale.uniform < scale.high:
            ticks = {scale.uniform: ""} | ticks  # its number is in the title: here it could cover the minimum
    return {
        "colorscale": plotly_scale(palette or scale.palette),
        "cmin": low,
        "cmax": high,
        "colorbar": {
            "title": {
                "text": plain(title),
                "side": "top" if bar.get("orientation") == "h" else "right",
                "font": {"color": TICKS, "size": TYPE},
            },
            "tickfont": {"color": TICKS, "size": TYPE},
            "tickmode": "array",
            "tickvals": list(ticks),
            "ticktext": list(ticks.values()),
            "ticks": "outside",
            "thickness": 12,
            "outlinewidth": 0,
        }
        | bar,
    }


def plain(text: str) -> str:
    """Return a text that Plotly shows as it stands, without reading <b> or & in it as markup."""
    return html.escape(text, quote=False)


def small(values: ArrayLike, name: str) -> NDArray[np.float32]:
    """Return finite values as float32: half of float64 on the wire, where float16 would become a list of text.

    Raises OptionError for NaN, infinity or nothing at all.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not numbers.size or not np.isfinite(numbers).all():
        bad = int(numbers.size - np.isfinite(numbers).sum())
        raise OptionError(
            f"{name}: {bad} of {numbers.size} values are NaN or infinite; wanted at least one value, all finite. "
            "Leave out what could not be measured instead of drawing it."
        )
    return numbers.astype(np.float32)


def faint(colour: str, alpha: float) -> str:
    """Return a "#rrggbb" colour with an opacity, for the band round a curve."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
