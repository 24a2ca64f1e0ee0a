"""Colour bars and legends beside pictures that are no Plotly figures."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from vitviz.figures.paint import number
from vitviz.figures.palettes import table
from vitviz.figures.scale import Scale

Rgb = tuple[int, int, int]


def colour_bar(scale: Scale, title: str) -> None:
    """Draw the colours of a scale with the values of its ends, zero for a signed one, and what they are."""
    stops = ", ".join("rgb({}, {}, {})".format(*rgb) for rgb in table(scale.palette)[::15])
    middle = "0" if scale.signed else ""
    ends = [number(scale.low), middle, number(scale.high)]
    words = "".join(f"<span>{escape(text)}</span>" for text in ends)
    st.html(
        f'<div style="height:10px;border-radius:2px;background:linear-gradient(to right, {stops})"></div>'
        f'<div style="display:flex;justify-content:space-between;font-size:0.8rem">{words}</div>'
        f'<div style="font-size:0.8rem;opacity:0.85">{escape(title)}</div>'
    )


def legend(items: Sequence[tuple[str, Rgb]]) -> None:
    """Draw colours with what they mean."""
    words = "".join(
        '<span style="display:inline-flex;align-items:center;gap:0.35rem;margin-right:0.9rem">'
        f'<span style="width:0.8rem;height:0.8rem;border-radius:2px;background:rgb{colour}"></span>'
        f"{escape(text)}</span>"
        for text, colour in items
    )
    st.html(f'<div style="font-size:0.85rem;line-height:1.7">{words}</div>')
