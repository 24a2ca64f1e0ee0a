"""Figures as one HTML file that opens without a network: nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from typing import Any

import plotly.graph_objects as go

from vitviz.errors import OptionError
from vitviz.figures.alt import WORDS, alt_text
from vitviz.figures.theme import CONFIG
from vitviz.html_page import STILL, html_page

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem; background: #fff; color: #222;
  font: 1rem/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
h1 { font-size: 1.35rem; font-weight: 600; margin: 0 0 1rem; }
figure { margin: 0; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { margin-top: 1rem; color: #444; max-width: 46rem; white-space: pre-line; }
details { margin-top: 1.5rem; color: #444; }
pre { padding: 1rem; background: #f4f4f2; overflow-x: auto; font-size: .85rem; }
"""
_PLOTLY_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def html(
    figure: go.Figure,
    title: str,
    caption: str = "",
    *,
    manifest: Mapping[str, Any] | None = None,
    alt: str = "",
    language: str = "en",
    manifest_label: str = "Settings",
) -> str:
    """Return a Plotly figure as a self-contained page (about 5 MB: Plotly is inside), for reading without a network.

    ``title``, ``caption`` and ``manifest`` are shown as they stand, never as markup. ``alt`` is the figure in words
    (``alt_text``) for readers who hear it; without it the title stands in.
    """
    drawing = figure.to_html(full_html=False, include_plotlyjs=True, include_mathjax=False, config=dict(CONFIG))
    body = f'<div role="img" aria-label="{escape(alt or title)}">{drawing}</div>'
    return _page(body, title, caption, manifest, language, manifest_label, _PLOTLY_POLICY)


def html_of_figures(
    figures: Mapping[str, go.Figure],
    title: str,
    caption: str = "",
    *,
    manifest: Mapping[str, Any] | None = None,
    language: str = "en",
    manifest_label: str = "Settings",
    words: Mapping[str, str] = WORDS,
    opening: str = "",
) -> str:
    """Return several Plotly figures by their titles as one self-contained page; Plotly is inside once.

    ``opening`` is HTML that stands before the figures as it is; it must not load anything.

    Raises OptionError for no figure at all, or if the manifest has values that JSON has not.
    """
    if not figures:
        raise OptionError("There is no figure to write; wanted at least one. Pass {title: figure}.")
    drawn = []
    for number, (name, figure) in enumerate(figures.items()):
        drawing = figure.to_html(
            full_html=False, include_plotlyjs=number == 0, include_mathjax=False, config=dict(CONFIG)
        )
        alt = escape(alt_text(figure, words=words) or name)
        drawn.append(f'<h2>{escape(name)}</h2><div role="img" aria-label="{alt}">{drawing}</div>')
    return _page(opening + "".join(drawn), title, caption, manifest, language, manifest_label, _PLOTLY_POLICY)


def html_of_png(
    png: bytes,
    title: str,
    caption: str = "",
    manifest: Mapping[str, Any] | None = None,
    *,
    alt: str = "",
    language: str = "en",
    manifest_label: str = "Settings",
) -> str:
    """Return a PNG picture as a self-contained page without any script; the manifest can be unfolded.

    ``alt`` is the picture in words (``describe_map``); without it the title stands in.
    Raises OptionError if the bytes are no PNG, or if the manifest has values that JSON has not.
    """
    if not png.startswith(_PNG_SIGNATURE):
        raise OptionError(f"The picture is no PNG: it begins with {png[:4]!r}. Pass the bytes of png_bytes.")
    data = base64.b64encode(png).decode("ascii")
    body = f'<img alt="{escape(alt or title)}" src="data:image/png;base64,{data}">'
    return _page(body, title, caption, manifest, language, manifest_label, STILL)


def _page(
    body: str,
    title: str,
    caption: str,
    manifest: Mapping[str, Any] | None,
    language: str,
    manifest_label: str,
    policy: str,
) -> str:
    settings = "" if manifest is None else details(manifest, manifest_label)
    content = f"""<h1>{escape(title)}</h1>
<figure>
{body}
<figcaption>{escape(caption)}</figcaption>
</figure>
{settings}"""
    return html_page(title, content, style=_STYLE, policy=policy, language=language)


def details(manifest: Mapping[str, Any], label: str = "Settings") -> str:
    """Return a manifest as a part of a page, to unfold. Raises OptionError for values that JSON has not."""
    try:
        text = json.dumps(dict(manifest), indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"The manifest cannot be written as JSON ({error}); wanted texts, finite numbers, lists and mappings. "
            "Convert arrays and paths first."
        ) from error
    return f"<details><summary>{escape(label)}</summary><pre>{escape(text)}</pre></details>"
