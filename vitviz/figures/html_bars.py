"""Colour bars and legends under still pictures, in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from vitviz.figures.palettes import table
from vitviz.figures.scale import Scale

Rgb = tuple[int, int, int]


def colour_bar(
    scale: Scale, palette: str | None = None, *, title: str = "", colours: NDArray[np.uint8] | None = None
) -> str:
    """Return the colour bar of a scale as HTML: its ends in numbers, and zero where the colours have a sign.

    ``palette`` None is the scale's own; ``title`` says what the numbers are. ``colours``
    (256, 3) stands in for the palette's table, for a spotlight, which has none.
    """
    colours = table(palette or scale.palette) if colours is None else colours
    stops = ", ".join("rgb({}, {}, {})".format(*rgb) for rgb in colours[::15])
    ends = [scale.text(scale.low), *(["0"] if scale.signed else []), scale.text(scale.high)]
    words = "".join(f"<span>{escape(text)}</span>" for text in ends)
    named = f'<div style="font-size:0.94rem;opacity:0.85">{escape(title)}</div>' if title else ""
    return (
        f'<div style="height:10px;border-radius:2px;background:linear-gradient(to right, {stops})"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:0.94rem;opacity:0.85">{words}</div>{named}'
    )


def legend(items: Sequence[tuple[str, Rgb]]) -> str:
    """Return colours with what they mean, as HTML."""
    words = "".join(
        '<span style="display:inline-flex;align-items:center;gap:0.35rem;margin-right:0.9rem">'
        f'<span style="width:0.8rem;height:0.8rem;border-radius:2px;background:rgb{colour}"></span>'
        f"{escape(text)}</span>"
        for text, colour in items
    )
    return f'<div style="font-size:0.94rem;line-height:1.7">{words}</div>'
