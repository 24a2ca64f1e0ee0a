"""The colour bar under a still picture, in HTML: its ends in numbers, and zero where the colours have a sign."""

from __future__ import annotations

from html import escape

from vitviz.figures.paint import number
from vitviz.figures.palettes import table
from vitviz.figures.scale import Scale


def colour_bar(scale: Scale, palette: str | None = None) -> str:
    """Return the colour bar of a scale as HTML; ``palette`` None is the scale's own."""
    colours = table(palette or scale.palette)
    stops = ", ".join("rgb({}, {}, {})".format(*rgb) for rgb in colours[::15])
    ends = [number(scale.low), *(["0"] if scale.signed else []), number(scale.high)]
    words = "".join(f"<span>{escape(text)}</span>" for text in ends)
    return (
        f'<div style="height:10px;border-radius:2px;background:linear-gradient(to right, {stops})"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:0.8rem;opacity:0.85">{words}</div>'
    )
