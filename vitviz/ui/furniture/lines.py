"""The charts that a page has drawn, to take away: as lines (SVG, PDF) or as a picture (PNG)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Unpack

import plotly.graph_objects as go
import streamlit as st
from PIL import Image

from vitviz.figures.sheet import DPI, WIDTH_MM, Panel, PrintSize
from vitviz.figures.theme import TYPE
from vitviz.figures.vector import drawable, vector_file
from vitviz.figures.vector_axes import plain_text
from vitviz.ui.components.picture_copier import picture_copier
from vitviz.ui.text import _, kept

_CHARTS = "vitviz_charts"
_TEXT = 6.5  # points, of a chart among the maps
_POINT = 25.4 / 72  # millimetres
NAMELESS: Mapping[str, str] = MappingProxyType({})
_NARROWEST = 55  # millimetres: a narrower chart is drawn at this width and reduced
_TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}


def begin() -> None:
    """Forget the charts of the last run."""
    st.session_state[_CHARTS] = {}


def keep(figure: go.Figure, key: str) -> None:
    """Remember a chart that the page draws."""
    if drawable(figure):
        st.session_state.setdefault(_CHARTS, {})[key] = figure


def charts() -> Mapping[str, go.Figure]:
    """Return the charts of this run by their keys."""
    drawn: Mapping[str, go.Figure] = st.session_state.get(_CHARTS, {})
    return drawn


def panels(
    drawn: Mapping[str, go.Figure], *, columns: int, names: Mapping[str, str] = NAMELESS, **size: Unpack[PrintSize]
) -> list[Panel]:
    """Return charts as panels of a print export whose panels stand in so many columns; ``names`` are by their keys."""
    width = max(_NARROWEST, size.get("width_mm", WIDTH_MM) / columns - 4)
    return [_panel(figure, width, size.get("dpi", DPI), names.get(key, "")) for key, figure in drawn.items()]


def _panel(figure: go.Figure, width: float, dpi: float, name: str) -> Panel:
    tall = None if figure.layout.height is None else figure.layout.height * _TEXT / TYPE * _POINT  # as high as its type
    file = vector_file(figure, "png", width_mm=width, height_mm=tall, dpi=dpi, text=_TEXT)
    return Panel(label=name or title(figure), picture=Image.open(io.BytesIO(file)).convert("RGB"))


def title(figure: go.Figure) -> str:
    """Return what a chart is called: its vertical axis against the horizontal one."""
    axes = [plain_text(axis.title.text) for axis in (figure.layout.yaxis, figure.layout.xaxis)]
    return " / ".join(name for name in axes if name)


def take_away(size: PrintSize, *, name: str, description: str, copy: bool = False) -> None:
    """Draw the choice of a chart and its files; ``copy`` adds the button that copies it. Nothing without a chart."""
    drawn = charts()
    if not drawn:
        return
    st.markdown(_("**Charts of this page**, as lines that stay sharp at any size"))
    titles = {key: title(figure) or key for key, figure in drawn.items()}
    key = st.selectbox(_("Chart"), list(titles), format_func=lambda key: titles.get(key, key), key="chart_chosen")
    figure = drawn.get(key) or next(iter(drawn.values()))

    def made(form: str) -> bytes:
        return vector_file(figure, form, title=title(figure), description=description, **size)

    for column, (form, mime) in zip(st.columns(len(_TYPES)), _TYPES.items(), strict=True):
        column.download_button(
            form.upper(),
            kept(partial(made, form)),
            file_name=f"{name}-{str(key).replace('_', '-')}.{form}",
            mime=mime,
            key=f"chart_{form}",
            on_click="ignore",
            width="stretch",
        )
    if copy:
        picture_copier(kept(partial(made, "png")), key="copy_chart")
