"""A canvas component as one HTML file that works offline, in any browser, without a server.

The file holds the same markup, style, script and numbers as the page, and a content security policy that forbids
every connection.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from vitviz.html_page import html_page
from vitviz.ui.components.atlas_view import AtlasView
from vitviz.ui.components.attention_view import AttentionView
from vitviz.ui.components.board_view import BoardView
from vitviz.ui.components.film_view import FilmView
from vitviz.ui.components.map_board import MapBoard
from vitviz.ui.components.sheet_view import SheetView
from vitviz.ui.components.sources import ATLAS, BOARD, FILM, MAPS, SHEET, TOKENS, VIEWER, WALL, WINDOWS, Source
from vitviz.ui.components.token_view import TokenView
from vitviz.ui.components.wall_view import WallView
from vitviz.ui.components.window_view import WindowView

View = AttentionView | AtlasView | TokenView | WallView | FilmView | MapBoard
"""What can be the picture of a page that works offline."""
Part = View | BoardView | SheetView | WindowView
_SOURCES: dict[type, Source] = {
    AttentionView: VIEWER,
    AtlasView: ATLAS,
    TokenView: TOKENS,
    WallView: WALL,
    FilmView: FILM,
    MapBoard: MAPS,
    BoardView: BOARD,
    SheetView: SHEET,
    WindowView: WINDOWS,
}
_AMONG_TEXT = "max-width: 46rem; margin-bottom: 2rem"
_BELOW = "margin-top: 1.5rem"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"

_PAGE_STYLE = """
:root {
  color-scheme: light dark;
  --st-text-color: #1a2330;
  --st-background-color: #ffffff;
  --st-secondary-background-color: #f1f5f9;
  --st-primary-color: #0072b2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --st-text-color: #edf2f7;
    --st-background-color: #030406;
    --st-secondary-background-color: #131a24;
    --st-primary-color: #1078d2;
  }
}
body {
  margin: 0;
  background: var(--st-background-color);
  color: var(--st-text-color);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
}
main {
  max-width: 1180px;
  margin: 0 auto;
  padding: 28px 24px 40px;
}
h1 {
  margin: 0 0 4px;
  font-size: 24px;
  line-height: 1.25;
}
h2 {
  margin: 36px 0 8px;
  font-size: 20px;
  line-height: 1.3;
}
.chart {
  max-width: 100%;
  margin: 20px 20px 0 0;
  vertical-align: top;
  background: #fff;
}
.caption-text {
  max-width: 70ch;
  margin: 0 0 20px;
  white-space: pre-line;
}
"""

# Nothing listens: the component keeps its own state. Its script stands right behind its data.
_START = """
const data = document.currentScript.previousElementSibling;
const bytes = Uint8Array.from(atob(data.textContent.trim()), (c) => c.charCodeAt(0));
const place = document.getElementById(data.dataset.place);
mount({ data: bytes, parentElement: place.shadowRoot ?? place, say() {} });
"""


def fragment(*views: Part) -> str:
    """Return views as a part of a page, one below the other, each with its markup, style, script and numbers.

    Each stands in a shadow root, as on the dashboard: their styles do not meet.
    """
    return "".join(_part(view, f"component-{number}", _AMONG_TEXT) for number, view in enumerate(views, start=1))


def _part(view: Part, place: str, style: str) -> str:
    source = _SOURCES[type(view)]
    return f"""<div id="{place}" style="{style}"><template shadowrootmode="open">
<style>{source.css}</style>
{source.html}</template></div>
{_script(source.js, view.pack(standalone=True), place)}"""


def _script(source: str, packed: bytes, place: str) -> str:
    return f"""<script type="text/plain" data-place="{place}">{base64.b64encode(packed).decode("ascii")}</script>
<script>
"use strict";
(() => {{
{source}
{_START}}})();
</script>"""


def standalone_html(
    view: View,
    *,
    title: str,
    caption: str,
    language: str = "en",
    below: Sequence[tuple[str, View]] = (),
    after: str = "",
) -> str:
    """Return the view as one self-contained HTML page. Title and caption are plain text and are escaped.

    ``below`` are more views with their headings, plain text too; one without a heading follows at once. ``after`` is
    HTML that stands below all as it is: it must load nothing.
    """
    source = _SOURCES[type(view)]
    more = "".join(_headed(heading, other, f"below-{number}") for number, (heading, other) in enumerate(below, start=1))
    content = f"""<main>
<h1>{escape(title)}</h1>
<p class="caption-text">{escape(caption)}</p>
<div id="component">{source.html}</div>
{_script(source.js, view.pack(standalone=True), "component")}
{more}
{after}
</main>"""
    return html_page(title, content, style=_PAGE_STYLE + source.css, policy=_POLICY, language=language)


def _headed(heading: str, view: View, place: str) -> str:
    return (f"<h2>{escape(heading)}</h2>" if heading else "") + _part(view, place, _BELOW)
