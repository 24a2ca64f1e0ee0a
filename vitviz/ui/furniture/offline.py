"""The page that works offline of a page with maps: what can be pointed at, its charts as lines, its settings."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from vitviz.figures.alt import alt_text
from vitviz.figures.export import details
from vitviz.figures.vector import vector_file
from vitviz.ui.components.standalone import View, standalone_html
from vitviz.ui.furniture import lines
from vitviz.ui.text import _, language
from vitviz.ui.words.labels import figure_words


def page(
    view: View, *, title: str, caption: str, below: Sequence[tuple[str, View]] = ()
) -> Callable[[Mapping[str, Any]], str]:
    """Return what makes the page of a manifest: the view and the charts that this run has drawn so far.

    ``below`` are more views with their headings, between the first and the charts. What is made later, outside the
    session, has the language and the charts of now.
    """
    spoken, words, label, charts = language(), figure_words(), _("Settings"), dict(lines.charts())

    def made(told: Mapping[str, Any]) -> str:
        drawn = "".join(_chart(figure, alt_text(figure, words=words)) for figure in charts.values())
        after = f"{drawn}{details(told, label)}"
        return standalone_html(view, title=title, caption=caption, language=spoken, below=below, after=after)

    return made


def _chart(figure: go.Figure, alt: str) -> str:
    file = base64.b64encode(vector_file(figure, "svg", title=lines.title(figure))).decode("ascii")
    return f'<img class="chart" alt="{escape(alt)}" src="data:image/svg+xml;base64,{file}">'
